//! The servers of the comparison: installed by lock file, started on the same core, ended at the end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::loads::Contestant;
use crate::bench::server::Server;
use crate::procs::Watch;

/// Enough for the largest room of the table with its owner.
const MEMBERS: &str = "1100";

/// Where everything is.
pub(crate) struct Places {
    /// The Parlour server.
    pub(crate) parlour: PathBuf,
    /// The folder bench/peers.
    pub(crate) peers: PathBuf,
    /// Databases and logs.
    pub(crate) home: PathBuf,
    /// How programs are run.
    pub(crate) seat: Seat,
}

/// Of what goes before everybody else.
const NICENESS: &str = "-15";

/// Where and how urgently a program runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    /// Servers on core 0, the generator on core 1.
    pub(crate) pinned: bool,
    /// Before everybody else on this machine; needs root.
    pub(crate) urgent: bool,
}

/// Where Linux groups processes by session, a niceness counts within the session only, and this
/// file has that of the whole session.
const SESSION: &str = "/proc/self/autogroup";

/// This session goes before all others until this value is dropped.
pub(crate) struct Urgency;

impl Urgency {
    /// Takes precedence; nothing happens where the system has no such groups.
    pub(crate) fn take() -> Result<Self> {
        if Path::new(SESSION).exists() {
            std::fs::write(SESSION, NICENESS).context("only root may go before others")?;
        }
        Ok(Self)
    }
}

impl Drop for Urgency {
    fn drop(&mut self) {
        // Without the file there is nothing to undo.
        drop(std::fs::write(SESSION, "0"));
    }
}

/// Installs the peers exactly as their lock file says.
pub(crate) fn install(watch: &Watch, peers: &Path) -> Result<()> {
    let mut command = Command::new("npm");
    command.arg("ci").current_dir(peers);
    let finished = watch.stream(&mut command)?;
    ensure!(finished.status.success(), "npm ci failed in bench/peers");
    Ok(())
}

/// A program with as many open files as the system allows, on this core where programs are pinned; the
/// process that is started becomes the program.
pub(crate) fn seated(program: &Path, seat: Seat, core: u32) -> Command {
    let mut command = Command::new("sh");
    let script = "ulimit -n \"$(ulimit -Hn)\" 2>/dev/null; exec \"$@\"";
    command.args(["-c", script, "sh"]);
    if seat.urgent {
        command.args(["nice", "-n", NICENESS]);
    }
    if seat.pinned {
        command.args(["taskset", "-c", &core.to_string()]);
    }
    command.arg(program);
    command
}

/// The servers that run.
pub(crate) struct Servers {
    places: Places,
    running: BTreeMap<Contestant, Server>,
}

impl Servers {
    /// None runs yet.
    pub(crate) fn new(places: Places) -> Self {
        Self {
            places,
            running: BTreeMap::new(),
        }
    }

    /// The server of a contestant, started when it does not run or has died.
    pub(crate) fn get(&mut self, who: Contestant) -> Result<&Server> {
        let who = program_of(who);
        if self.running.get_mut(&who).is_some_and(Server::has_ended) {
            self.end(who);
        }
        if !self.running.contains_key(&who) {
            let server = self
                .start(who)
                .with_context(|| format!("{} does not start", who.title()))?;
            self.running.insert(who, server);
        }
        self.running.get(&who).context("it was just started")
    }

    /// Ends the server of a contestant, so that the next `get` starts a fresh one on the same data.
    pub(crate) fn end(&mut self, who: Contestant) {
        drop(self.running.remove(&program_of(who)));
    }

    fn start(&self, who: Contestant) -> Result<Server> {
        let home = &self.places.home;
        let on_first = |program: &Path| seated(program, self.places.seat, 0);
        let name = format!("{who:?}").to_lowercase();
        let mut command = match who {
            Contestant::Parlour | Contestant::ParlourV2 | Contestant::ParlourSio => {
                on_first(&self.places.parlour)
            }
            Contestant::Ws | Contestant::NodeSio => {
                let mut command = on_first(Path::new("node"));
                let chat = if who == Contestant::Ws {
                    "ws-chat.mjs"
                } else {
                    "sio-chat.mjs"
                };
                command.arg(self.places.peers.join(chat));
                command
            }
            Contestant::Bun | Contestant::BunFull | Contestant::BunNormal => {
                let mut command = on_first(&bun(&self.places.peers)?);
                command.arg(self.places.peers.join("bun-chat.mjs"));
                command
            }
        };
        // The caller's settings must not change what is measured.
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .current_dir(home)
            .envs(self.settings(who, &name));
        Server::spawn(&mut command, &home.join(format!("{name}.log")))
    }

    fn settings(&self, who: Contestant, name: &str) -> Vec<(&'static str, OsString)> {
        let home = &self.places.home;
        let store = |synchronous: &str| {
            vec![
                ("STORE", home.join(format!("{name}.db")).into()),
                ("SYNCHRONOUS", synchronous.into()),
            ]
        };
        match who {
            Contestant::Parlour | Contestant::ParlourV2 | Contestant::ParlourSio => vec![
                ("PARLOUR_LISTEN", "127.0.0.1:0".into()),
                ("PARLOUR_DATA_DIR", home.join("data").into()),
                ("MAX_USERS_IN_ROOM", MEMBERS.into()),
                ("RATE_LIMITS", "off".into()),
            ],
            Contestant::BunFull => store("FULL"),
            Contestant::BunNormal => store("NORMAL"),
            Contestant::Bun | Contestant::Ws | Contestant::NodeSio => Vec::new(),
        }
    }
}

/// All of Parlour's sockets are spoken by one server.
fn program_of(who: Contestant) -> Contestant {
    match who {
        Contestant::ParlourV2 | Contestant::ParlourSio => Contestant::Parlour,
        other => other,
    }
}

/// The binary itself: the package's install step moves it where that step is allowed to run.
fn bun(peers: &Path) -> Result<PathBuf> {
    let modules = peers.join("node_modules");
    let mut places = vec![modules.join("bun/bin/bun.exe")];
    let platforms = std::fs::read_dir(modules.join("@oven")).context("Bun is not installed")?;
    for platform in platforms {
        places.push(platform?.path().join("bin/bun"));
    }
    // Before the install step, the first place holds a few lines that only complain.
    let real = |path: &PathBuf| path.metadata().is_ok_and(|found| found.len() > 1_000_000);
    places
        .into_iter()
        .find(real)
        .context("Bun has no program for this machine")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_raised_and_arguments_arrive() {
        let seat = Seat {
            pinned: false,
            urgent: false,
        };
        let output = seated(Path::new("sh"), seat, 0)
            .args(["-c", "echo $(ulimit -n) $(ulimit -Hn) \"$0\"", "a b"])
            .output()
            .expect("ran");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let words: Vec<&str> = text.split_whitespace().collect();
        assert_eq!(words[0], words[1]);
        assert_eq!(words[2..], ["a", "b"]);
    }

    #[test]
    fn a_placeholder_is_no_bun() {
        let peers = tempfile::tempdir().expect("a folder");
        assert!(bun(peers.path()).is_err());
        let platform = peers.path().join("node_modules/@oven/bun-x/bin");
        let package = peers.path().join("node_modules/bun/bin");
        for folder in [&platform, &package] {
            std::fs::create_dir_all(folder).expect("made");
        }
        std::fs::write(package.join("bun.exe"), "not yet").expect("written");
        assert!(bun(peers.path()).is_err());
        std::fs::write(platform.join("bun"), vec![0; 1_100_000]).expect("written");
        assert_eq!(bun(peers.path()).expect("found"), platform.join("bun"));
    }
}
