//! `bench nodes`: two nodes of one chat, with PostgreSQL and Redis, beside what one node does.

mod table;

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::machine::Machine;
use super::server::{Database, Launcher, Server};
use crate::engines::postgres::{Durability, Postgres};
use crate::engines::redis::Redis;
use crate::procs::Watch;

/// Where the figures are written to.
pub(crate) const FILE: &str = "docs/performance-nodes.md";

/// The programs of a run.
pub(crate) struct Programs<'a> {
    pub(crate) server: &'a Path,
    pub(crate) generator: &'a Path,
    pub(crate) torture: &'a Path,
}

/// One run of `parlour-bench fanout`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Fanout {
    seconds: f64,
    sent_per_second: f64,
    delivered: u64,
    delivered_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    server_cpu_share: Option<f64>,
    generator_cpu_share: f64,
    others_cpu_share: f64,
    lost: u64,
    duplicated: u64,
    out_of_order: u64,
    closed: u64,
    #[serde(default)]
    far: Option<Far>,
    /// The far node, Redis, PostgreSQL.
    #[serde(default)]
    watched_cpu_share: Vec<f64>,
}

/// What came to the members at the second node.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Far {
    delivered: u64,
    p50_us: f64,
    p99_us: f64,
}

/// One run of `parlour-bench run send`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Sends {
    per_second: f64,
    errors: u64,
    p50_us: f64,
    p99_us: f64,
}

/// One run of `parlour-bench rooms`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Rooms {
    rooms: usize,
    subscriptions: usize,
    few: Visits,
    many: Visits,
    idle_cpu_share: f64,
    idle_database_cpu_share: f64,
    memory_per_room: f64,
}

/// Joining and leaving.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Visits {
    join_p50_us: f64,
    leave_p50_us: f64,
    cpu_us: f64,
}

/// Everything that was measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// All members at one node, 270 messages a second.
    alone: Fanout,
    /// Half of them at each, 270 messages a second.
    across: Fanout,
    /// Half of them at each, as fast as it goes.
    crowded: Fanout,
    /// Two listeners at each node, 500 messages a second: what the bus itself costs.
    narrow: Fanout,
    sends: Sends,
    message_bytes: f64,
    frame_bytes: f64,
    rooms: Rooms,
    /// What the scenario O4 said.
    restart: String,
    load: String,
}

/// Runs the measurements; answers the report.
pub(crate) fn run(
    watch: &Watch,
    programs: &Programs<'_>,
    (home, quick): (&Path, bool),
    (machine, command): (&Machine, &str),
) -> Result<String> {
    let postgres = Postgres::start(Durability::Real, home.parent())?;
    let redis = Redis::start()?;
    let url = postgres.database("bench")?;
    let node = |name: &str| -> Result<Server> {
        let folder = home.join(name);
        std::fs::create_dir_all(&folder)?;
        Launcher::new(programs.server, &folder, Database::Url(url.clone()), false)
            .with("REDIS_URL", redis.url())
            .with("PARLOUR_DATA_DIR", home.join("data").display().to_string())
            .start()
    };
    std::fs::create_dir_all(home.join("data"))?;
    let (near, far) = (node("near")?, node("far")?);
    let pair = Pair {
        watch,
        generator: programs.generator,
        home,
        seconds: if quick { "3" } else { "15" },
        near: &near,
        far: &far,
        engines: [redis.pid(), postgres.pid()],
    };
    let (size, events) = size(&postgres)?;
    let sends = pair.sends()?;
    let (size_after, events_after) = self::size(&postgres)?;
    let bytes = (size_after - size) / (events_after - events).max(1.0);
    println!("{bytes:.0} bytes for each message");
    let taken_in = redis.taken_in()?;
    let narrow = pair.narrow()?;
    // The warm-up of a second sends as well.
    let sent = narrow.sent_per_second * (narrow.seconds + 1.0);
    let measured = Measured {
        message_bytes: bytes,
        frame_bytes: (redis.taken_in()? - taken_in) / sent.max(1.0),
        narrow,
        alone: pair.fanout(false, &["--mode", "rate", "--rate", "270"])?,
        across: pair.fanout(true, &["--mode", "rate", "--rate", "270"])?,
        crowded: pair.fanout(true, &["--outstanding", "8"])?,
        sends,
        rooms: pair.rooms(&redis, if quick { 1_000 } else { 10_000 })?,
        restart: String::new(),
        load: String::new(),
    };
    far.stop()?;
    near.stop()?;
    drop((redis, postgres));
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let measured = Measured {
        restart: restart(watch, programs, (home, quick))?,
        load: load.split(' ').next().unwrap_or_default().to_owned(),
        ..measured
    };
    Ok(table::render(machine, command, &measured))
}

/// Bytes of the database, and events in all of its rooms.
fn size(postgres: &Postgres) -> Result<(f64, f64)> {
    let ask = |query| -> Result<f64> { Ok(postgres.ask("bench", query)?.parse()?) };
    let bytes = ask("SELECT pg_database_size('bench')")?;
    let events = ask("SELECT coalesce(sum(last_seq), 0) FROM rooms")?;
    Ok((bytes, events))
}

/// Two nodes, and the generator.
struct Pair<'a> {
    watch: &'a Watch,
    generator: &'a Path,
    home: &'a Path,
    seconds: &'a str,
    near: &'a Server,
    far: &'a Server,
    /// Processes of Redis and PostgreSQL.
    engines: [u32; 2],
}

impl Pair<'_> {
    /// A room of 100 with 10 senders at the near node; `far`: half of the members are at the other one.
    fn fanout(&self, far: bool, pace: &[&str]) -> Result<Fanout> {
        let shape = ["--shape", "1x100", "--senders", "10"];
        self.load(far, &[&shape, pace].concat(), "members.json")
    }

    fn load(&self, far: bool, words: &[&str], fixture: &str) -> Result<Fanout> {
        let mut command = self.command(&["fanout", "--wire", "v2"]);
        command.args(["--seconds", self.seconds]).args(words);
        command.arg("--fixture").arg(self.home.join(fixture));
        let [redis, postgres] = self.engines;
        for pid in [self.far.pid(), redis, postgres] {
            command.args(["--watch", &pid.to_string()]);
        }
        if far {
            command.args(["--far", &self.far.addr]);
        }
        let seen: Fanout = json(self.watch, &mut command)?;
        println!(
            "{:.0} messages/s, {:.0} deliveries/s, p50 {:.0} us, p99 {:.0} us",
            seen.sent_per_second, seen.delivered_per_second, seen.p50_us, seen.p99_us
        );
        Ok(seen)
    }

    /// A room of 4 with 2 senders: few deliveries, so that what is left is the cost of the messages.
    fn narrow(&self) -> Result<Fanout> {
        let shape = [
            "--shape",
            "1x4",
            "--senders",
            "2",
            "--mode",
            "rate",
            "--rate",
            "500",
        ];
        self.load(true, &shape, "few.json")
    }

    /// Durable sends by REST, half of the connections at each node.
    fn sends(&self) -> Result<Sends> {
        let fixture = self.home.join("fixture.json");
        let mut setup = Command::new(self.generator);
        setup.args(["setup", "--messages", "0", "--addr", &self.near.addr]);
        let (status, output) = self.watch.capture(&mut setup)?;
        ensure!(status.success(), "the room could not be set up");
        std::fs::write(&fixture, output)?;
        let mut command = self.command(&["run", "send", "--connections", "64"]);
        command.args(["--far", &self.far.addr, "--seconds", self.seconds]);
        command.arg("--fixture").arg(&fixture);
        let seen: Vec<Sends> = json(self.watch, &mut command)?;
        let seen = seen.into_iter().next().context("nothing was measured")?;
        println!(
            "{:.0} durable sends/s, {} errors",
            seen.per_second, seen.errors
        );
        Ok(seen)
    }

    fn rooms(&self, redis: &Redis, rooms: usize) -> Result<Rooms> {
        let mut command = self.command(&["rooms", "--rooms", &rooms.to_string()]);
        command.args(["--far", &self.far.addr, "--redis"]);
        command.arg(redis.socket());
        command.args(["--database-pid", &self.engines[1].to_string()]);
        let seen: Rooms = json(self.watch, &mut command)?;
        println!("{} subscriptions for {rooms} rooms", seen.subscriptions);
        Ok(seen)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(self.generator);
        command.args(words).args(["--addr", &self.near.addr]);
        command.args(["--server-pid", &self.near.pid().to_string()]);
        command
    }
}

/// The torture scenario O4 on two nodes: one restarts, and all its sockets come back.
fn restart(watch: &Watch, programs: &Programs<'_>, (home, quick): (&Path, bool)) -> Result<String> {
    let mut command = Command::new(programs.torture);
    command.arg("--server").arg(programs.server);
    // As everything else that is measured here: over loopback.
    command.args(["--engine", "postgres", "--nodes", "2", "--loopback"]);
    command.args(["O4", "--dir"]);
    command.arg(home);
    if !quick {
        command.arg("--long");
    }
    let finished = watch.stream(&mut command)?;
    let mut said = finished.lines.iter().map(|line| line.trim());
    let line = said.find(|line| {
        ["passed", "FAILED", "skipped"]
            .iter()
            .any(|w| line.starts_with(w))
    });
    Ok(line.context("the scenario says nothing")?.to_owned())
}

fn json<T: DeserializeOwned>(watch: &Watch, command: &mut Command) -> Result<T> {
    let (status, output) = watch.capture(command)?;
    let text = String::from_utf8_lossy(&output);
    ensure!(status.success(), "the load generator failed: {text}");
    serde_json::from_str(&text).context("the load generator printed something else")
}
