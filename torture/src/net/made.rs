//! Making the namespaces, and their end, however the program ends.

use std::fs;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use xtask::engines::is_root;

use super::{BRIDGE, CARD, HOSTS, Host, Net};
use crate::faults::program;

/// What the names of all namespaces begin with.
const FAMILY: &str = "parlour-torture";

/// Ends what still runs in the namespaces of a name, and removes them. Only what was started by the run that
/// made them can be inside.
const REMOVE: &str = r#"
remove() {
    for space in $("$ip" netns list | cut -d' ' -f1); do
        case $space in "$1".*) ;; *) continue ;; esac
        for pid in $("$ip" netns pids "$space" 2>/dev/null); do kill -KILL "$pid" 2>/dev/null; done
        "$ip" netns del "$space" 2>/dev/null
    done
}
"#;

/// Waits until its standard input ends, which happens when the harness drops it and also when the harness
/// is killed.
const JANITOR: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
remove "$1"
"#;

/// Why there can be no namespaces here, if so. Found out once, by making some: in a container also root may
/// have no right to.
#[must_use]
pub fn missing() -> Option<String> {
    static FOUND: OnceLock<Option<String>> = OnceLock::new();
    FOUND.get_or_init(look).clone()
}

fn look() -> Option<String> {
    if !is_root() {
        return Some("needs root".to_owned());
    }
    let programs = ["ip", "tc"];
    if let Some(name) = programs.iter().find(|name| !program::is_there(name)) {
        return Some(format!("needs the program {name} (package iproute2)"));
    }
    let tried = Made::new().and_then(|made| made.net.slow(Host::Database));
    tried
        .err()
        .map(|error| format!("needs network namespaces, and here: {error:#}"))
}

/// Namespaces that go away with this value.
#[derive(Debug)]
pub struct Made {
    net: Net,
    janitor: Child,
    hold: Option<ChildStdin>,
}

impl Made {
    /// Makes them, after removing what runs left behind that were killed.
    ///
    /// # Errors
    /// When the kernel or `ip` does not do it; [`missing`] knows the usual reasons.
    pub fn new() -> Result<Self> {
        let own = std::process::id();
        let born = born(own).context("no /proc here")?;
        let net = Net::named(&format!("{FAMILY}.{own}.{born}"))?;
        for name in abandoned(&net)? {
            shell(&net, "remove \"$1\"", &name)?.status()?;
        }
        let mut janitor = shell(&net, JANITOR, &net.name)?
            .stdin(Stdio::piped())
            .spawn()
            .context("sh did not start")?;
        let hold = janitor.stdin.take();
        let made = Self { net, janitor, hold };
        made.build()?;
        Ok(made)
    }

    /// What was made.
    #[must_use]
    pub fn net(&self) -> &Net {
        &self.net
    }

    fn build(&self) -> Result<()> {
        let net = &self.net;
        net.add(BRIDGE)?;
        net.run(BRIDGE, "link add name br type bridge\nlink set dev br up")?;
        HOSTS.iter().try_for_each(|host| net.attach(*host))?;
        net.heal()
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        drop(self.hold.take());
        // The janitor is bounded; a failure to wait leaves it to finish alone.
        let _ended = self.janitor.wait();
    }
}

impl Net {
    fn add(&self, host: &str) -> Result<()> {
        let words = ["netns", "add", &self.space(host)];
        program::run(&self.ip.to_string_lossy(), &words).map(drop)
    }

    /// A namespace with a card, and a cable from there to the bridge.
    fn attach(&self, host: Host) -> Result<()> {
        let (name, card, address) = (host.name(), host.card(), host.address());
        self.add(name)?;
        let space = self.space(name);
        let cable = format!("link add name {name} type veth peer name {CARD}");
        self.run(
            BRIDGE,
            &format!("{cable} address {card} netns {space}\nlink set dev {name} master br"),
        )?;
        let own = format!("addr add {address}/24 dev {CARD}\nlink set dev {CARD} up");
        self.run(name, &format!("link set dev lo up\n{own}"))
    }
}

/// The functions above, then these words, about namespaces of this name.
fn shell(net: &Net, words: &str, name: &str) -> Result<Command> {
    let ip = net.ip.to_str().context("a strange path of ip")?;
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{REMOVE}{words}"), "janitor", name])
        .env("ip", ip)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Ok(command)
}

/// The names of runs that have ended without removing their namespaces.
fn abandoned(net: &Net) -> Result<Vec<String>> {
    let list = program::run(&net.ip.to_string_lossy(), &["netns", "list"])?;
    let mut names: Vec<String> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter_map(run_of)
        .filter(|(_, pid, since)| born(*pid).as_deref() != Some(since))
        .map(|(name, ..)| name)
        .collect();
    names.dedup();
    Ok(names)
}

/// The run that made a namespace of this name: its own name, its process, and when that was born.
fn run_of(space: &str) -> Option<(String, u32, String)> {
    let (name, _host) = space.rsplit_once('.')?;
    let (family, process) = name.split_once('.')?;
    let (pid, born) = process.split_once('.')?;
    let pid = pid.parse().ok()?;
    (family == FAMILY).then(|| (name.to_owned(), pid, born.to_owned()))
}

/// When a process began, in the kernel's own count: with it a number that is used again is another process.
fn born(pid: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in between may hold spaces and brackets.
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::process::Output;

    use super::*;

    /// Whether the one reaches the other within a second: a port that nobody listens on answers too.
    fn reaches(net: &Net, from: Host, to: Host) -> bool {
        let script = "import socket,sys\ns=socket.socket();s.settimeout(1)\n\
                      try: s.connect((sys.argv[1],9))\n\
                      except ConnectionRefusedError: pass\n\
                      except TimeoutError: sys.exit(7)";
        let mut command = net.place(from).command("python3");
        command.args(["-c", script, &to.address().to_string()]);
        let Output { status, stderr, .. } = command.output().expect("it ran");
        assert!(
            matches!(status.code(), Some(0 | 7)),
            "{}",
            String::from_utf8_lossy(&stderr)
        );
        status.success()
    }

    /// The addresses of the machine itself.
    fn cards() -> String {
        program::run("ip", &["-brief", "addr"]).expect("listed")
    }

    fn spaces() -> String {
        program::run("ip", &["netns", "list"]).expect("listed")
    }

    #[test]
    fn networks_part_and_heal_and_leave_nothing() {
        if missing().is_some() || !program::is_there("python3") {
            return;
        }
        let before = cards();
        let made = Made::new().expect("made");
        let net = made.net().clone();
        assert!(spaces().contains(&net.name));
        assert_eq!(cards(), before, "the machine itself has no new card");
        let (second, redis, database) = (Host::Second, Host::Redis, Host::Database);
        assert!(reaches(&net, second, redis));
        net.part(&[second, redis]).expect("parted");
        assert!(!reaches(&net, second, redis) && !reaches(&net, redis, second));
        assert!(reaches(&net, second, database) && reaches(&net, redis, Host::First));
        net.heal().expect("healed");
        assert!(reaches(&net, second, redis));
        net.unplug(second).expect("unplugged");
        assert!(!reaches(&net, second, database));
        net.heal().expect("healed");
        net.lose(second, database).expect("lost");
        assert!(!reaches(&net, second, database) && reaches(&net, second, redis));
        net.heal().expect("healed");
        net.slow(database).expect("slowed");
        assert!(reaches(&net, second, database));
        net.quicken(database).expect("quickened");
        let mut left = net.place(redis).command("sleep");
        let mut left = left.arg("60").spawn().expect("started");
        drop(made);
        assert!(!spaces().contains(&net.name));
        assert!(!left.wait().expect("it ended").success(), "it was ended");
    }

    #[test]
    fn names_tell_whose_a_namespace_is() {
        let own = std::process::id();
        let since = born(own).expect("this process was born");
        let name = format!("{FAMILY}.{own}.{since}");
        let found = run_of(&format!("{name}.redis")).expect("one of ours");
        assert_eq!(found, (name, own, since));
        assert_eq!(run_of("another.1.2.redis"), None);
        assert_eq!(run_of("parlour-torture.redis"), None);
        assert_eq!(Host::Redis.address(), Ipv4Addr::new(10, 77, 0, 5));
    }
}
