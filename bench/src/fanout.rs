//! `fanout`: how fast messages reach all members of a room, and what a delivery costs the server.
//!
//! One thread, epoll, a WebSocket client of our own and no JSON parser: the generator has to cost far
//! less than the servers that it measures.

pub(crate) mod client;
mod crowd;
mod frame;
mod ledger;
mod marker;
mod meter;
mod pace;
pub(crate) mod people;
mod shape;
mod wire;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};
use serde::Serialize;

use self::client::Client;
use self::crowd::{Crowd, Setting};
use self::ledger::{Audience, Faults};
use self::meter::Meter;
use self::pace::{Clockwork, Pace};
use self::people::People;
use self::shape::Shape;
use self::wire::Wire;
use crate::cpu;

/// When messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    /// Each sender has --outstanding messages on their way; one more goes when all members have one
    Closed,
    /// --rate messages a second in all; latency counts from when a message should have gone
    Rate,
    /// Each sender sends --per-round messages; the next round begins when all have all
    Rounds,
    /// --connections connections and no messages: what they cost in memory and processor
    Idle,
}

/// Options of `fanout`.
#[derive(Args)]
pub(crate) struct Options {
    /// Address of the server
    #[arg(long)]
    addr: SocketAddr,
    /// What the server speaks
    #[arg(long, value_enum, default_value_t = Wire::V1)]
    wire: Wire,
    /// Rooms and members of each
    #[arg(long, default_value = "1x100")]
    shape: Shape,
    /// When messages are sent
    #[arg(long, value_enum, default_value_t = Mode::Closed)]
    mode: Mode,
    /// Members who send, spread over the rooms
    #[arg(long, default_value_t = 10)]
    senders: usize,
    /// With `closed`: messages of a sender on their way at once
    #[arg(long, default_value_t = 1)]
    outstanding: u32,
    /// With `rate`: messages a second, all senders together
    #[arg(long, default_value_t = 270.0)]
    rate: f64,
    /// With `rounds`: messages of a sender in a round
    #[arg(long, default_value_t = 1600)]
    per_round: u32,
    /// With `idle`: connections, spread over the members of the shape
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// With `idle`: addresses 127.0.0.1, 127.0.0.2 and so on to connect from
    #[arg(long, default_value_t = 8)]
    sources: u8,
    /// Measure this long
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Run this long before measuring
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// Process of the server, to report its processor time and memory
    #[arg(long)]
    server_pid: Option<u32>,
    /// A second node of the same chat: the second half of each room's members connects there, and
    /// everybody who sends is at --addr
    #[arg(long)]
    far: Option<SocketAddr>,
    /// Another process whose processor time is reported; may be given again
    #[arg(long, value_name = "PID")]
    watch: Vec<u32>,
    /// File that keeps the accounts and rooms made at a Parlour server; made when missing
    #[arg(long)]
    fixture: Option<PathBuf>,
}

/// What was seen.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    mode: Mode,
    wire: Wire,
    shape: String,
    senders: usize,
    connections: usize,
    /// Connections opened per second, one after the other.
    connects_per_second: f64,
    seconds: f64,
    sent_per_second: f64,
    delivered: u64,
    delivered_per_second: f64,
    p50_us: f64,
    p99_us: f64,
    p999_us: f64,
    max_us: f64,
    /// Of the server with all that it has started.
    server_cpu_us_per_delivery: Option<f64>,
    server_cpu_share: Option<f64>,
    generator_cpu_share: f64,
    others_cpu_share: f64,
    /// What came to the members at the second node; the figures above are of all.
    far: Option<Far>,
    /// Processors' worth of time of each process of --watch, with all that it has started.
    watched_cpu_share: Vec<f64>,
    /// Messages per read: how many the server sends at once.
    batch: f64,
    lost: u64,
    duplicated: u64,
    out_of_order: u64,
    strays: u64,
    acks: u64,
    errors: u64,
    closed: u64,
    first_error: Option<String>,
    /// Resident memory of the server per open connection, in bytes.
    memory_per_connection: Option<f64>,
    server_memory: Option<u64>,
}

/// Deliveries at the second node.
#[derive(Debug, Serialize)]
pub(crate) struct Far {
    delivered: u64,
    p50_us: f64,
    p99_us: f64,
    p999_us: f64,
    max_us: f64,
}

impl Options {
    /// Which connections are at the second node; none when there is no second one.
    fn far(&self, count: usize) -> Result<Vec<bool>> {
        if self.far.is_none() {
            return Ok(vec![false; count]);
        }
        let Shape { rooms, members } = self.shape;
        ensure!(
            self.senders.div_ceil(rooms) <= members / 2,
            "senders are in the first half of a room, which is too small for {}",
            self.senders
        );
        let half = |number| number % members >= members / 2;
        Ok((0..count).map(half).collect())
    }

    fn pace(&self) -> Pace {
        match self.mode {
            Mode::Closed => Pace::Closed(self.outstanding),
            Mode::Rate => Pace::Rate(self.rate),
            Mode::Rounds => Pace::Rounds(self.per_round),
            Mode::Idle => Pace::Silent,
        }
    }

    fn audience(&self) -> Result<Audience> {
        if self.mode == Mode::Idle {
            let mut audience = Audience::new(1, self.connections, 0);
            audience.rooms.fill(0);
            return Ok(audience);
        }
        let Shape { rooms, members } = self.shape;
        ensure!(
            self.senders > 0 && self.senders.div_ceil(rooms) <= members,
            "{} senders do not fit into {}",
            self.senders,
            self.shape
        );
        Ok(Audience::new(rooms, members, self.senders))
    }

    fn memory(&self) -> Result<Option<u64>> {
        self.server_pid.map(cpu::resident).transpose()
    }

    /// Opens all connections.
    fn open(&self, far: &[bool], key: impl Fn(usize) -> String) -> Result<Vec<Client>> {
        let count = far.len();
        let mut clients = Vec::with_capacity(count);
        for (number, far) in far.iter().enumerate() {
            let addr = self.far.filter(|_| *far).unwrap_or(self.addr);
            let last = (number % usize::from(self.sources.max(1))) as u8 + 1;
            let source = (self.mode == Mode::Idle).then(|| IpAddr::from([127, 0, 0, last]));
            let target = self.wire.target(&key(number));
            let mut client = Client::open(addr, source, &target).with_context(|| {
                format!("connection {number} of {count} (open files: see `ulimit -n`)")
            })?;
            if let Some(greeting) = self.wire.greeting(&key(number)) {
                client.push(frame::TEXT, greeting.as_bytes());
                client.flush()?;
            }
            if let Some(welcome) = self.wire.welcome() {
                client.wait_for(welcome)?;
            }
            clients.push(client);
        }
        Ok(clients)
    }

    /// The ids of the rooms, and what each connection shows to get in.
    fn admission(&self) -> Result<(Vec<u64>, People)> {
        let mut people = People::read(self.fixture.as_deref())?;
        if !self.wire.is_parlour() {
            return Ok(((1..=self.shape.rooms as u64).collect(), people));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let rooms = runtime.block_on(people.gather(self.addr, self.shape))?;
        if let Some(file) = &self.fixture {
            people.write(file)?;
        }
        Ok((rooms, people))
    }
}

/// Runs one load.
pub(crate) fn run(options: &Options) -> Result<Measured> {
    let audience = options.audience()?;
    let (rooms, people) = options.admission()?;
    let count = audience.rooms.len();
    let memory_before = options.memory()?;
    let begun = std::time::Instant::now();
    let far = options.far(count)?;
    let clients = options.open(&far, |number| {
        if options.wire.is_parlour() {
            people.token(number).to_owned()
        } else {
            rooms[audience.rooms[number] as usize].to_string()
        }
    })?;
    let connects_per_second = count as f64 / begun.elapsed().as_secs_f64();
    let setting = Setting {
        wire: options.wire,
        audience,
        far,
        rooms,
        run: (people::milliseconds()? & 0xffff) as u16,
    };
    let length = Duration::from_secs_f64(options.seconds);
    let warm_up = Duration::from_secs_f64(options.warm_up);
    let meter = Meter::new(warm_up, length, options.server_pid).watching(&options.watch);
    let clock = Clockwork::new(options.pace(), setting.audience.senders.len());
    let (meter, ledger) = Crowd::new(setting, clients, clock, meter)?.run()?;
    let memory = (memory_before, options.memory()?);
    let mut measured = report(options, &meter, ledger.close());
    measured.connections = count;
    measured.connects_per_second = connects_per_second;
    measured.server_memory = memory.1;
    let grown = memory
        .0
        .zip(memory.1)
        .map(|(from, to)| to.saturating_sub(from));
    measured.memory_per_connection = grown.map(|grown| grown as f64 / count as f64);
    Ok(measured)
}

fn report(options: &Options, meter: &Meter, faults: Faults) -> Measured {
    let seconds = meter.seconds();
    let counts = meter.counts();
    let shares = meter.shares();
    let (acks, errors, closed, first_error) = meter.trouble();
    let delivered = counts.delivered as f64;
    let latency = meter.latency();
    let far = options.far.map(|_| {
        let far = meter.far();
        Far {
            delivered: far.count(),
            p50_us: far.quantile_us(0.5),
            p99_us: far.quantile_us(0.99),
            p999_us: far.quantile_us(0.999),
            max_us: far.largest_us(),
        }
    });
    Measured {
        mode: options.mode,
        wire: options.wire,
        shape: options.shape.to_string(),
        senders: options.senders,
        connections: 0,
        connects_per_second: 0.0,
        seconds,
        sent_per_second: counts.sent as f64 / seconds,
        delivered: counts.delivered,
        delivered_per_second: delivered / seconds,
        p50_us: latency.quantile_us(0.5),
        p99_us: latency.quantile_us(0.99),
        p999_us: latency.quantile_us(0.999),
        max_us: latency.largest_us(),
        server_cpu_us_per_delivery: shares
            .server
            .filter(|_| counts.delivered > 0)
            .map(|share| share * seconds * 1e6 / delivered),
        server_cpu_share: shares.server,
        generator_cpu_share: shares.generator,
        others_cpu_share: shares.others,
        far,
        watched_cpu_share: shares.watched,
        batch: delivered / counts.reads.max(1) as f64,
        lost: faults.lost,
        duplicated: faults.duplicated,
        out_of_order: faults.out_of_order,
        strays: faults.strays,
        acks,
        errors,
        closed,
        first_error,
        memory_per_connection: None,
        server_memory: None,
    }
}

#[cfg(test)]
mod tests;
