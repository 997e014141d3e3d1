//! Networks in CIDR notation: whose forwarded headers count.

use super::parse::Parsed;
use std::{fmt, net::IpAddr};

/// An address, or all addresses with the same first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// The first address; all bits behind the prefix are zero.
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `192.0.2.7`, `2001:db8::/32`.
    pub(crate) fn parse(text: &str) -> Parsed<Self> {
        Self::read(text).ok_or_else(|| {
            "addresses or networks such as `10.0.0.0/8` or `2001:db8::1`, separated by commas"
                .to_owned()
        })
    }

    fn read(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => {
                let plain = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
                (address, Some(prefix.parse::<u8>().ok().filter(|_| plain)?))
            }
        };
        let address: IpAddr = address.parse().ok()?;
        let prefix = prefix.unwrap_or_else(|| width(address));
        if prefix > width(address) {
            return None;
        }
        // `::ffff:10.0.0.0/104` is `10.0.0.0/8` in the clothes of a dual-stack socket.
        let (address, prefix) = match (address.to_canonical(), prefix) {
            (short @ IpAddr::V4(_), prefix) if address.is_ipv6() && prefix >= 96 => {
                (short, prefix - 96)
            }
            _ => (address, prefix),
        };
        Some(Self {
            base: cut(address, prefix),
            prefix,
        })
    }

    /// Whether the address is in the network. An IPv4 address that a dual-stack socket shows as
    /// IPv6 counts as the IPv4 address that it is.
    #[must_use]
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        [address, address.to_canonical()]
            .into_iter()
            .any(|address| {
                address.is_ipv4() == self.base.is_ipv4() && cut(address, self.prefix) == self.base
            })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == width(self.base) {
            self.base.fmt(f)
        } else {
            write!(f, "{}/{}", self.base, self.prefix)
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address with all bits behind the prefix set to zero.
fn cut(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX
                .checked_shl(32_u32.saturating_sub(prefix.into()))
                .unwrap_or(0);
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX
                .checked_shl(128_u32.saturating_sub(prefix.into()))
                .unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(text: &str) -> Network {
        Network::parse(text).expect(text)
    }

    fn has(text: &str, address: &str) -> bool {
        network(text).contains(address.parse().expect(address))
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
        assert!(
            has("::ffff:0:0/90", "::ffff:1.2.3.4"),
            "wider than all of IPv4"
        );
        assert_eq!(network("10.1.2.3/8").to_string(), "10.0.0.0/8");
        assert_eq!(network("2001:db8::1").to_string(), "2001:db8::1");
    }

    #[test]
    fn refusals() {
        for bad in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0/8",
            "localhost",
            "10.0.0.0/8/8",
            "10.0.0.1:80",
            "10.0.0.0/256",
            "*",
        ] {
            assert!(Network::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC*") {
            let _ = Network::parse(&text);
        }

        #[test]
        fn ipv4_is_a_comparison_of_the_first_bits(
            base: u32, near in 0_u32..=32, other: u32, prefix in 0_u8..=32
        ) {
            // Half of the addresses share their first bits with the network.
            let other = if near % 2 == 0 { other } else { base ^ other.checked_shr(near).unwrap_or(0) };
            let text = format!("{}/{prefix}", IpAddr::V4(base.into()));
            let expected = (0..u32::from(prefix)).all(|bit| (base ^ other) & (1 << (31 - bit)) == 0);
            prop_assert_eq!(network(&text).contains(IpAddr::V4(other.into())), expected);
        }

        #[test]
        fn ipv6_is_a_comparison_of_the_first_bits(
            base: u128, near in 0_u32..=128, other: u128, prefix in 0_u8..=128
        ) {
            let other = if near % 2 == 0 { other } else { base ^ other.checked_shr(near).unwrap_or(0) };
            let text = format!("{}/{prefix}", IpAddr::V6(base.into()));
            let expected = (0..u32::from(prefix)).all(|bit| (base ^ other) & (1 << (127 - bit)) == 0);
            prop_assert_eq!(network(&text).contains(IpAddr::V6(other.into())), expected);
        }

        #[test]
        fn what_is_shown_reads_the_same(base: u32, prefix in 0_u8..=32) {
            let one = network(&format!("{}/{prefix}", IpAddr::V4(base.into())));
            prop_assert_eq!(network(&one.to_string()), one);
        }
    }
}
