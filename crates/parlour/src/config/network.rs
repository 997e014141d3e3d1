//! Networks in CIDR notation: whose forwarded headers count. The type is that of the crate that
//! compares addresses with them; here is only what an operator may write.

use super::parse::Parsed;
use parlour_web::address::Network;
use std::net::IpAddr;

/// Reads `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`.
pub(crate) fn network(text: &str) -> Parsed<Network> {
    plain(text)
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            "addresses or networks such as `10.0.0.0/8` or `2001:db8::1`, separated by commas"
                .to_owned()
        })
}

/// The network as it is compared: `::ffff:10.0.0.0/104` is `10.0.0.0/8` in the clothes of a
/// dual-stack socket.
fn plain(text: &str) -> Option<String> {
    let Some((address, prefix)) = text.split_once('/') else {
        return Some(text.parse::<IpAddr>().ok()?.to_canonical().to_string());
    };
    let address: IpAddr = address.parse().ok()?;
    let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
    let prefix: u8 = prefix.parse().ok().filter(|_| digits)?;
    let canonical = address.to_canonical();
    if canonical == address {
        return Some(text.to_owned());
    }
    // A wider one holds all of IPv4 and more: whoever means that writes two networks.
    let prefix = prefix.checked_sub(96)?;
    Some(format!("{canonical}/{prefix}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn has(text: &str, address: &str) -> bool {
        network(text)
            .expect(text)
            .contains(address.parse().expect(address))
    }

    #[test]
    fn examples() {
        assert!(has("10.0.0.0/8", "10.255.0.1"));
        assert!(!has("10.0.0.0/8", "11.0.0.1"));
        assert!(
            has("10.1.2.3/8", "10.9.9.9"),
            "bits behind the prefix are ignored"
        );
        assert!(has("192.0.2.7", "192.0.2.7") && !has("192.0.2.7", "192.0.2.8"));
        assert!(has("0.0.0.0/0", "203.0.113.9") && !has("0.0.0.0/0", "2001:db8::1"));
        assert!(has("::/0", "2001:db8::1"));
        assert!(
            has("127.0.0.1", "::ffff:127.0.0.1"),
            "as a dual-stack socket shows it"
        );
        assert!(has("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(has("::ffff:192.0.2.7", "192.0.2.7"));
    }

    #[test]
    fn refusals() {
        for bad in [
            "",
            "10.0.0.0/33",
            "::/129",
            "::ffff:0:0/90",
            "::ffff:0:0/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0/8",
            "localhost",
            "10.0.0.0/8/8",
            "10.0.0.1:80",
            "10.0.0.0/256",
            "*",
        ] {
            assert!(network(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC*") {
            let _ = network(&text);
        }

        #[test]
        fn ipv4_is_a_comparison_of_the_first_bits(
            base: u32, near in 0_u32..=32, other: u32, prefix in 0_u8..=32
        ) {
            // Half of the addresses share their first bits with the network.
            let other = if near % 2 == 0 { other } else { base ^ other.checked_shr(near).unwrap_or(0) };
            let text = format!("{}/{prefix}", IpAddr::V4(base.into()));
            let expected = (0..u32::from(prefix)).all(|bit| (base ^ other) & (1 << (31 - bit)) == 0);
            let network = network(&text).expect("a network");
            prop_assert_eq!(network.contains(IpAddr::V4(other.into())), expected);
        }

        #[test]
        fn ipv6_is_a_comparison_of_the_first_bits(
            base: u128, near in 0_u32..=128, other: u128, prefix in 0_u8..=128
        ) {
            // Outside of the few addresses that mean IPv4.
            let (base, other) = (base | 1 << 127, other | 1 << 127);
            let other = if near % 2 == 0 { other } else { base ^ other.checked_shr(near).unwrap_or(0) };
            let text = format!("{}/{prefix}", IpAddr::V6(base.into()));
            let other_address = IpAddr::V6(other.into());
            prop_assume!(other_address.to_canonical() == other_address);
            let expected = (0..u32::from(prefix)).all(|bit| (base ^ other) & (1 << (127 - bit)) == 0);
            let network = network(&text).expect("a network");
            prop_assert_eq!(network.contains(other_address), expected);
        }
    }
}
