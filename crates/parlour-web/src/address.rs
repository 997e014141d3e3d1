//! Where a request came from. Forwarded headers count only from trusted proxies.

use axum::http::HeaderMap;
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

/// A network in CIDR notation, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Text that is no address and no network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotANetwork(String);

impl fmt::Display for NotANetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is no address and no network such as 10.0.0.0/8",
            self.0
        )
    }
}

impl std::error::Error for NotANetwork {}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => Some(prefix)
                .filter(|prefix| prefix.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|prefix| prefix.parse().ok())
                .filter(|prefix| *prefix <= bits)
                .ok_or_else(wrong)?,
            None => bits,
        };
        // `::ffff:10.0.0.0/104` is `10.0.0.0/8` in the clothes of a dual-stack socket.
        match address.to_canonical() {
            short @ IpAddr::V4(_) if address.is_ipv6() && prefix >= 96 => Ok(Self {
                address: short,
                prefix: prefix - 96,
            }),
            _ => Ok(Self { address, prefix }),
        }
    }
}

impl Network {
    /// Whether the address is in the network.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let shift = 32 - u32::from(self.prefix);
                let cut = |a: u32| a.checked_shr(shift).unwrap_or(0);
                cut(ours.to_bits()) == cut(theirs.to_bits())
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let shift = 128 - u32::from(self.prefix);
                let cut = |a: u128| a.checked_shr(shift).unwrap_or(0);
                cut(ours.to_bits()) == cut(theirs.to_bits())
            }
            _ => false,
        }
    }
}

/// Peers whose `X-Forwarded-For` counts.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(pub Vec<Network>);

impl TrustedProxies {
    /// Whether what this peer says of others counts.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(peer))
    }

    /// The address of the client: the peer, or when the peer is trusted the last address of
    /// `X-Forwarded-For` that is not a trusted proxy itself.
    #[must_use]
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let trusted = |address| self.trusts(address);
        let mut client = peer.ip().to_canonical();
        if self.0.is_empty() || !trusted(client) {
            return client;
        }
        let hops: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        for hop in hops.into_iter().rev() {
            // Whoever wrote something else did not write an address we could use.
            let Ok(address) = hop.trim().parse::<IpAddr>() else {
                break;
            };
            client = address.to_canonical();
            if !trusted(client) {
                break;
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &str, trusted: &[&str]) -> String {
        let proxies = trusted
            .iter()
            .map(|text| text.parse().expect("network"))
            .collect();
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", forwarded.parse().expect("header"));
        let peer = SocketAddr::new(peer.parse().expect("peer"), 1);
        TrustedProxies(proxies).client(peer, &headers).to_string()
    }

    #[test]
    fn strangers_cannot_say_who_they_are() {
        assert_eq!(client("192.0.2.9", "198.51.100.1", &[]), "192.0.2.9");
        assert_eq!(
            client("192.0.2.9", "198.51.100.1", &["10.0.0.0/8"]),
            "192.0.2.9"
        );
    }

    #[test]
    fn the_last_untrusted_hop_is_the_client() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(client("10.1.2.3", "198.51.100.1", &trusted), "198.51.100.1");
        assert_eq!(
            client("10.1.2.3", "6.6.6.6, 198.51.100.1, 10.9.9.9", &trusted),
            "198.51.100.1"
        );
        assert_eq!(client("fd00::1", "2001:db8::7", &trusted), "2001:db8::7");
        assert_eq!(client("10.1.2.3", "nonsense", &trusted), "10.1.2.3");
        assert_eq!(
            client("::ffff:10.1.2.3", "198.51.100.1", &trusted),
            "198.51.100.1"
        );
    }

    #[test]
    fn networks() {
        let net = |text: &str| text.parse::<Network>();
        assert!(
            net("0.0.0.0/0")
                .expect("all")
                .contains("8.8.8.8".parse().expect("address"))
        );
        let mapped = net("::ffff:10.0.0.0/104").expect("a mapped network");
        assert!(mapped.contains("10.9.9.9".parse().expect("address")));
        assert!(net("10.0.0.0/+8").is_err() && net("10.0.0.0/").is_err());
        assert!(net("10.0.0.0/33").is_err() && net("10.0.0").is_err() && net("x/8").is_err());
    }
}
