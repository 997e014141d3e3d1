//! The loads of the table, and what each figure has to be.

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contestant {
    /// The account socket, version 1, on SQLite as shipped.
    Parlour,
    /// The same server, version 2 of the socket.
    ParlourV2,
    /// The same server by Socket.IO over WebSocket.
    ParlourSio,
    /// Bun's publish, nothing stored.
    Bun,
    /// The same with an insert per message and synchronous=FULL.
    BunFull,
    /// The same with synchronous=NORMAL, which may lose the last messages at a power cut.
    BunNormal,
    /// Node with the package ws, nothing stored.
    Ws,
    /// Node with the package socket.io, nothing stored.
    NodeSio,
}

impl Contestant {
    /// What people read.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Parlour => "Parlour",
            Self::ParlourV2 => "Parlour, version 2",
            Self::ParlourSio => "Parlour, Socket.IO",
            Self::Bun => "Bun, nothing stored",
            Self::BunFull => "Bun + sqlite FULL",
            Self::BunNormal => "Bun + sqlite NORMAL",
            Self::Ws => "node ws, nothing stored",
            Self::NodeSio => "node socket.io, nothing stored",
        }
    }

    /// Whether it is the server that is built here.
    pub(crate) fn is_parlour(self) -> bool {
        match self {
            Self::Parlour | Self::ParlourV2 | Self::ParlourSio => true,
            Self::Bun | Self::BunFull | Self::BunNormal | Self::Ws | Self::NodeSio => false,
        }
    }

    /// How the load generator speaks to it.
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Self::Parlour => "v1",
            Self::ParlourV2 => "v2",
            Self::ParlourSio => "sio",
            Self::NodeSio => "plain-sio",
            Self::Bun | Self::BunFull | Self::BunNormal | Self::Ws => "plain",
        }
    }
}

/// What is compared, and with what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// Deliveries per second, as so many times those of Bun without storage.
    Rate {
        /// At least.
        of_bun: f64,
        /// Deliveries of one round of the closed loop. Where one sync of the disk more per round
        /// puts the goal out of reach, processor time decides instead.
        round: Option<f64>,
    },
    /// Deliveries per second of the server's processor time, as so many times the peer's.
    PerCore(f64),
    /// Milliseconds.
    Latency {
        /// At most.
        p50: Option<f64>,
        /// At most.
        p99: f64,
    },
    /// Memory and processor time of connections that say nothing.
    Idle,
}

/// One load.
pub(crate) struct Load {
    pub(crate) title: &'static str,
    /// Shape, senders and mode, for the load generator.
    pub(crate) arguments: &'static [&'static str],
    pub(crate) shape: &'static str,
    pub(crate) goal: Goal,
}

/// As many times the deliveries of Bun that stores every message.
pub(crate) const OF_BUN_WITH_STORAGE: f64 = 1.3;
/// At most so many times the processor time of Bun without storage, where the disk bounds the rate.
pub(crate) const CPU_OF_BUN: f64 = 1.1;
/// At most so many bytes of resident memory per idle connection.
pub(crate) const IDLE_MEMORY: f64 = 4096.0;
/// At most so much of a core for all idle connections.
pub(crate) const IDLE_SHARE: f64 = 0.01;
/// Idle connections.
pub(crate) const IDLE: usize = 10_000;

const fn rate(of_bun: f64) -> Goal {
    Goal::Rate {
        of_bun,
        round: None,
    }
}

/// In the order of the document.
pub(crate) const LOADS: [Load; 11] = [
    Load {
        title: "1 room x 100, 10 senders, 1 outstanding",
        arguments: &["--senders", "10", "--outstanding", "1"],
        shape: "1x100",
        goal: Goal::Rate {
            of_bun: 0.9,
            round: Some(1000.0),
        },
    },
    Load {
        title: "10 rooms x 100, 20 senders, 1 outstanding",
        arguments: &["--senders", "20", "--outstanding", "1"],
        shape: "10x100",
        goal: rate(0.9),
    },
    Load {
        title: "1 room x 1000, 32 senders, 1 outstanding",
        arguments: &["--senders", "32", "--outstanding", "1"],
        shape: "1x1000",
        goal: rate(0.9),
    },
    Load {
        title: "1 room x 100, 10 senders, 8 outstanding",
        arguments: &["--senders", "10", "--outstanding", "8"],
        shape: "1x100",
        goal: rate(1.0),
    },
    Load {
        title: "10 rooms x 100, 20 senders, 8 outstanding",
        arguments: &["--senders", "20", "--outstanding", "8"],
        shape: "10x100",
        goal: rate(1.0),
    },
    Load {
        title: "1 room x 1000, 32 senders, 8 outstanding",
        arguments: &["--senders", "32", "--outstanding", "8"],
        shape: "1x1000",
        goal: rate(1.0),
    },
    Load {
        title: "Bun's chat: rounds of 32 clients",
        arguments: &["--senders", "32", "--mode", "rounds"],
        shape: "1x32",
        goal: rate(1.3),
    },
    Load {
        title: "270 msg/s x 100 members",
        arguments: &["--senders", "10", "--mode", "rate", "--rate", "270"],
        shape: "1x100",
        goal: Goal::Latency {
            p50: Some(0.5),
            p99: 1.5,
        },
    },
    Load {
        title: "1500 msg/s x 100 members",
        arguments: &["--senders", "10", "--mode", "rate", "--rate", "1500"],
        shape: "1x100",
        goal: Goal::Latency {
            p50: None,
            p99: 3.0,
        },
    },
    Load {
        title: "Socket.IO clients, 1 room x 100, 10 senders, 8 outstanding",
        arguments: &["--senders", "10", "--outstanding", "8"],
        shape: "1x100",
        goal: Goal::PerCore(5.0),
    },
    Load {
        title: "idle connections",
        arguments: &["--mode", "idle"],
        shape: "10x100",
        goal: Goal::Idle,
    },
];

impl Load {
    /// Who takes part.
    pub(crate) fn contestants(&self) -> &'static [Contestant] {
        use Contestant::{Bun, BunFull, BunNormal, NodeSio, Parlour, ParlourSio, ParlourV2, Ws};
        match self.goal {
            // One figure of ws is enough to see where it stands.
            Goal::Rate { round: Some(_), .. } => &[Parlour, Bun, BunFull, BunNormal, ParlourV2, Ws],
            Goal::Rate { round: None, .. } => &[Parlour, Bun, BunFull, BunNormal, ParlourV2],
            Goal::Latency { .. } => &[Parlour, Bun, BunFull, ParlourV2],
            Goal::PerCore(_) => &[ParlourSio, NodeSio],
            Goal::Idle => &[Parlour, Bun, Ws, ParlourV2, ParlourSio, NodeSio],
        }
    }

    /// The whole call of the load generator, but for the server.
    pub(crate) fn call(&self, quick: bool, idle: usize) -> Vec<String> {
        let mut call: Vec<String> = ["--shape", self.shape]
            .iter()
            .chain(self.arguments)
            .map(|argument| (*argument).to_owned())
            .collect();
        let mut add = |name: &str, value: String| call.extend([name.to_owned(), value]);
        match self.goal {
            // The server pings at least every 25 s: a longer look has these in it.
            Goal::Idle => {
                add("--connections", idle.to_string());
                add("--seconds", if quick { "5" } else { "30" }.to_owned());
                add("--warm-up", "3".to_owned());
            }
            Goal::Latency { .. } => {
                add("--seconds", if quick { "3" } else { "10" }.to_owned());
            }
            Goal::Rate { .. } | Goal::PerCore(_) => {
                add("--seconds", if quick { "2" } else { "4" }.to_owned());
                add("--per-round", if quick { "100" } else { "1600" }.to_owned());
            }
        }
        call
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_told_apart_and_parlour_always_comes_first() {
        let mut titles: Vec<_> = LOADS.iter().map(|load| load.title).collect();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), LOADS.len());
        for load in &LOADS {
            assert!(load.contestants()[0].is_parlour());
            assert!(!load.contestants()[1].is_parlour());
        }
    }

    #[test]
    fn a_call_names_shape_and_time() {
        let call = LOADS[1].call(true, 7).join(" ");
        let expected = "--shape 10x100 --senders 20 --outstanding 1 --seconds 2 --per-round 100";
        assert_eq!(call, expected);
        assert!(
            LOADS[10]
                .call(false, 7)
                .join(" ")
                .contains("--connections 7")
        );
    }
}
