//! Which server or servers a URL means. One server: what the library knows. A cluster: the same with
//! `redis+cluster://` or `rediss+cluster://`, and one host or several of which one has to answer.

use super::RedisError;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion};
use std::fmt;

/// What a URL means.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// One server.
    One(redis::Client),
    /// A cluster.
    Cluster(Seeds),
}

/// One server of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// Where a cluster can be asked who belongs to it, and how all of its servers are spoken to.
#[derive(Clone, Debug)]
pub(super) struct Seeds {
    /// User, password, TLS.
    manner: ConnectionInfo,
    pub(super) hosts: Vec<Address>,
}

impl Place {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`RedisError::Url`].
    pub(super) fn parse(url: &str) -> Result<Self, RedisError> {
        for (scheme, plain) in [
            ("redis+cluster://", "redis://"),
            ("rediss+cluster://", "rediss://"),
        ] {
            if let Some(rest) = url.strip_prefix(scheme) {
                return Seeds::parse(plain, rest).map(Self::Cluster);
            }
        }
        client(one(url)?).map(Self::One)
    }

    pub(super) const fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }
}

impl Seeds {
    fn parse(scheme: &str, rest: &str) -> Result<Self, RedisError> {
        let refuse = |why: &str| Err(RedisError::Url(why.to_owned()));
        // A password has its `/`, `?`, `#` and `@` escaped, as in the URL of one server.
        let at = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (place, tail) = rest.split_at(at);
        let (who, hosts) = place
            .rfind('@')
            .map_or(("", place), |at| place.split_at(at + 1));
        let path = tail.split(['?', '#']).next().unwrap_or_default();
        if !["", "0"].contains(&path.trim_matches('/')) {
            return refuse("a cluster has only the database 0: leave the number out");
        }
        let mut seeds = Vec::new();
        let mut manner = None;
        for host in hosts.split(',').map(str::trim) {
            if host.is_empty() {
                return refuse("a host is missing");
            }
            let info = one(&format!("{scheme}{who}{host}{tail}"))?;
            let (ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. }) =
                info.addr()
            else {
                return refuse("a cluster is reached by hosts and ports");
            };
            seeds.push(Address {
                host: host.clone(),
                port: *port,
            });
            manner = Some(info);
        }
        let Some(manner) = manner else {
            return refuse("a host is missing");
        };
        Ok(Self {
            manner,
            hosts: seeds,
        })
    }

    /// A client of this server of the cluster.
    pub(super) fn client(&self, address: &Address) -> Result<redis::Client, RedisError> {
        let Address { host, port } = address.clone();
        let addr = match self.manner.addr() {
            ConnectionAddr::TcpTls {
                insecure,
                tls_params,
                ..
            } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        client(self.manner.clone().set_addr(addr))
    }
}

fn no_url(error: &redis::RedisError) -> RedisError {
    RedisError::Url(error.to_string())
}

fn one(url: &str) -> Result<ConnectionInfo, RedisError> {
    let info = url.into_connection_info().map_err(|error| no_url(&error))?;
    let settings = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3);
    Ok(info.set_redis_settings(settings))
}

fn client(info: ConnectionInfo) -> Result<redis::Client, RedisError> {
    redis::Client::open(info).map_err(|error| no_url(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(url: &str) -> Vec<String> {
        let Place::Cluster(seeds) = Place::parse(url).expect("a URL") else {
            panic!("{url} is no cluster");
        };
        seeds.hosts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_cluster_is_named_by_some_of_its_hosts() {
        for (url, found) in [
            ("redis+cluster://a", vec!["a:6379"]),
            (
                "redis+cluster://a:7000,b,c:7002/",
                vec!["a:7000", "b:6379", "c:7002"],
            ),
            ("redis+cluster://ada:p%40ss@a:1, b:2/0", vec!["a:1", "b:2"]),
            (
                "rediss+cluster://:pw@[::1]:7,[fe80::2]:8",
                vec!["[::1]:7", "[fe80::2]:8"],
            ),
        ] {
            assert_eq!(hosts(url), found, "{url}");
        }
        for url in [
            "redis://a",
            "rediss://a:1/2",
            "redis+unix:///run/redis.sock",
        ] {
            assert!(!Place::parse(url).expect("a URL").is_cluster(), "{url}");
        }
    }

    #[test]
    fn every_host_is_spoken_to_in_the_same_manner() {
        let url = "rediss+cluster://ada:p%40ss@a:1,b:2";
        let Ok(Place::Cluster(seeds)) = Place::parse(url) else {
            panic!("{url}");
        };
        let other = Address {
            host: "c".to_owned(),
            port: 3,
        };
        let client = seeds.client(&other).expect("a client");
        let info = client.get_connection_info();
        assert!(
            matches!(info.addr(), ConnectionAddr::TcpTls { host, port: 3, insecure: false, .. } if host == "c"),
            "{:?}",
            info.addr()
        );
        assert_eq!(info.redis_settings().username(), Some("ada"));
        assert_eq!(info.redis_settings().password(), Some("p@ss"));
    }

    #[test]
    fn what_is_no_cluster_is_refused() {
        for (url, why) in [
            ("redis+cluster://", "a host is missing"),
            ("redis+cluster://a,,b", "a host is missing"),
            ("redis+cluster://a,b/3", "only the database 0"),
            ("redis+cluster://a:notaport", "no URL"),
            ("redis+cluster://u:hush@a:notaport", "no URL"),
            ("http://a", "no URL"),
        ] {
            let refused = Place::parse(url).expect_err("refused").to_string();
            assert!(refused.contains(why), "{url}: {refused}");
            assert!(!refused.contains("hush"), "{refused}");
        }
    }
}
