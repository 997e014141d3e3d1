//! Two nodes, PostgreSQL and Redis, each in a network namespace of its own, and the clients in a further
//! one; a bridge in a sixth joins them. Packets between them can be lost without a word, as they are when a
//! cable is pulled, which no proxy on loopback can do.
//!
//! The addresses exist only inside of these namespaces: nothing reaches the machine's own network. The
//! program that runs the scenarios makes the namespaces ([`made`]) and starts itself again among the
//! clients ([`inside`]).

pub mod inside;
pub mod made;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::{Instant, sleep};
use xtask::engines::place::Place;

use crate::faults::program;

/// Who has a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// The torture itself, with all its sockets.
    Clients,
    /// The first node.
    First,
    /// The second node.
    Second,
    /// PostgreSQL.
    Database,
    /// Redis.
    Redis,
}

/// Everybody with an address; the bridge has none.
pub const HOSTS: [Host; 5] = [
    Host::Clients,
    Host::First,
    Host::Second,
    Host::Database,
    Host::Redis,
];
/// The namespace of the bridge.
const BRIDGE: &str = "bridge";
/// The only interface of each, besides loopback.
const CARD: &str = "eth0";
/// No card has this address: what is sent to it is lost.
const NOBODY: &str = "02:00:00:00:00:ff";
/// What a slow line does where the kernel can do it, each way.
const NETEM: &str = "netem delay 200ms loss 5%";
/// What it does otherwise: little passes, what waits longer is lost.
const NARROW: &str = "tbf rate 1mbit burst 4kb latency 200ms";
/// How long a short loss lasts; four times that nothing is lost.
const FLICKER: Duration = Duration::from_millis(150);

impl Host {
    const fn name(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::First => "first",
            Self::Second => "second",
            Self::Database => "database",
            Self::Redis => "redis",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Clients => 1,
            Self::First => 2,
            Self::Second => 3,
            Self::Database => 4,
            Self::Redis => 5,
        }
    }

    /// Its address.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, self.number())
    }

    fn card(self) -> String {
        format!("02:00:00:00:00:0{}", self.number())
    }

    /// The node of a number that grows.
    #[must_use]
    pub const fn node(number: usize) -> Self {
        if number.is_multiple_of(2) {
            Self::First
        } else {
            Self::Second
        }
    }
}

/// Namespaces that exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Net {
    name: String,
    ip: PathBuf,
}

impl Net {
    /// The namespaces of this name.
    ///
    /// # Errors
    /// When there is no `ip` on this machine.
    pub fn named(name: &str) -> Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            ip: program::find("ip").context("no program ip")?,
        })
    }

    /// The namespace of a host.
    fn space(&self, host: &str) -> String {
        format!("{}.{host}", self.name)
    }

    /// Where a program of this host runs and listens.
    #[must_use]
    pub fn place(&self, host: Host) -> Place {
        let ip = self.ip.display().to_string();
        let words = ["netns", "exec", &self.space(host.name())].map(str::to_owned);
        Place {
            address: host.address(),
            wrapper: std::iter::once(ip).chain(words).collect(),
        }
    }

    /// From now on none of these reaches another one of them, in silence; everybody else is reached as
    /// before. One group at a time: [`Self::heal`] comes first.
    ///
    /// # Errors
    /// When `ip` does not do it, here and below.
    pub fn part(&self, group: &[Host]) -> Result<()> {
        self.isolate(group, "on")
    }

    /// Packets of the one to the other are lost; those of the other one arrive.
    ///
    /// # Errors
    /// As [`Self::part`].
    pub fn lose(&self, from: Host, to: Host) -> Result<()> {
        self.run(from.name(), &neighbour(to, NOBODY))
    }

    /// The cable of this host is pulled.
    ///
    /// # Errors
    /// As [`Self::part`].
    pub fn unplug(&self, host: Host) -> Result<()> {
        self.run(BRIDGE, &format!("link set dev {} down", host.name()))
    }

    /// Everybody reaches everybody. What is slow stays so.
    ///
    /// # Errors
    /// As [`Self::part`].
    pub fn heal(&self) -> Result<()> {
        let up = HOSTS.map(|host| format!("link set dev {} up", host.name()));
        self.run(BRIDGE, &up.join("\n"))?;
        self.isolate(&HOSTS, "off")?;
        for host in HOSTS {
            let others = HOSTS.into_iter().filter(|other| *other != host);
            let known: Vec<String> = others.map(|to| neighbour(to, &to.card())).collect();
            self.run(host.name(), &known.join("\n"))?;
        }
        Ok(())
    }

    /// What goes to and comes from this host is late, and part of it is lost; in words what is done.
    ///
    /// # Errors
    /// As [`Self::part`], of `tc`.
    pub fn slow(&self, host: Host) -> Result<&'static str> {
        if self.shape(host, &format!("replace {NETEM}")).is_ok() {
            return Ok(NETEM);
        }
        self.shape(host, &format!("replace {NARROW}"))
            .map(|()| NARROW)
    }

    /// The end of [`Self::slow`].
    ///
    /// # Errors
    /// As there.
    pub fn quicken(&self, host: Host) -> Result<()> {
        self.shape(host, "del")
    }

    /// Parts this group for short moments, again and again, for so long.
    ///
    /// # Errors
    /// As [`Self::part`].
    pub async fn flicker(&self, group: &[Host], time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.isolate(group, "on")?;
            sleep(FLICKER).await;
            self.isolate(group, "off")?;
            sleep(4 * FLICKER).await;
        }
        Ok(())
    }

    fn isolate(&self, group: &[Host], word: &str) -> Result<()> {
        let lines = group.iter().map(|host| {
            format!(
                "link set dev {} type bridge_slave isolated {word}",
                host.name()
            )
        });
        self.run(BRIDGE, &lines.collect::<Vec<_>>().join("\n"))
    }

    /// Commands of `ip`, one a line, in the namespace of a host.
    fn run(&self, space: &str, lines: &str) -> Result<()> {
        let script = r#"printf '%s\n' "$2" | "$0" -n "$1" -batch -"#;
        let ip = self.ip.display().to_string();
        program::run("sh", &["-c", script, &ip, &self.space(space), lines]).map(drop)
    }

    /// Both ends of a cable.
    fn shape(&self, host: Host, words: &str) -> Result<()> {
        let (verb, what) = words.split_once(' ').unwrap_or((words, ""));
        for (space, card) in [(BRIDGE, host.name()), (host.name(), CARD)] {
            let space = self.space(space);
            let fixed = ["-n", &space, "qdisc", verb, "dev", card, "root"];
            let words: Vec<&str> = fixed.into_iter().chain(what.split_whitespace()).collect();
            program::run("tc", &words)?;
        }
        Ok(())
    }
}

/// Everybody is told the others' cards once and for all, so that what is cut off is silent rather than "no
/// route to host".
fn neighbour(to: Host, card: &str) -> String {
    let address = to.address();
    format!("neigh replace {address} lladdr {card} dev {CARD} nud permanent")
}
