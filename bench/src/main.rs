//! The load generator: it makes a busy room, sends one kind of request as fast as the answers come,
//! and prints what it saw as JSON. `cargo xtask bench` starts it; people may, too.
//!
//! It is lean on purpose: one thread, sockets without an HTTP library, requests written once per
//! call. What it costs itself is time that the server under test does not get.
#![expect(
    clippy::print_stdout,
    reason = "the result is printed for the caller to read"
)]

mod cpu;
mod disk;
mod fanout;
mod files;
mod histogram;
mod http;
mod load;
mod photo;
mod random;
mod rooms;
mod scenario;
mod setup;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};

use crate::load::{Load, Measured};
use crate::scenario::{Fixture, Scenario};

/// Load generator for Parlour; prints JSON.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sign up users, open a room, fill it with messages; prints the fixture for the other commands
    Setup {
        /// Address of the server
        #[arg(long)]
        addr: SocketAddr,
        /// Messages to put into the room
        #[arg(long, default_value_t = 20_000)]
        messages: u64,
        /// Accounts to make; each is in the room
        #[arg(long, default_value_t = 8)]
        users: usize,
    },
    /// Run one kind of request; prints an array with one result per kind that ran
    Run(Run),
    /// Append and sync 4 KiB blocks to a file: what the disk can do without a server
    Disk {
        /// The folder that holds the server's data
        #[arg(long)]
        dir: PathBuf,
        /// How long to write
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
    },
    /// Open many WebSockets, send messages, and account for every delivery
    Fanout(fanout::Options),
    /// Listen in very many rooms on two nodes, and see what the bus makes of it
    Rooms(rooms::Options),
    /// Upload and fetch files, beside the disk alone and beside messages
    Files(files::Options),
}

#[derive(Args)]
struct Run {
    /// What to ask for
    #[arg(value_enum)]
    scenario: Scenario,
    /// Address of the server
    #[arg(long)]
    addr: SocketAddr,
    /// A second node of the same chat: every other connection goes there
    #[arg(long)]
    far: Option<SocketAddr>,
    /// File with the output of `setup`
    #[arg(long)]
    fixture: PathBuf,
    /// Keep-alive connections, one request at a time on each
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Measure this long
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Run this long before measuring
    #[arg(long, default_value_t = 1.0)]
    warm_up: f64,
    /// Measure at most this many requests
    #[arg(long)]
    requests: Option<u64>,
    /// Process of the server, to report the processor time that a request costs
    #[arg(long)]
    server_pid: Option<u32>,
    /// Connections that log in all the while, as a flood to measure the scenario under
    #[arg(long, default_value_t = 0)]
    login_flood: usize,
}

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let json = match Cli::parse().command {
        Command::Setup {
            addr,
            messages,
            users,
        } => serde_json::to_string(&runtime.block_on(setup::setup(addr, messages, users))?)?,
        Command::Run(run) => serde_json::to_string(&runtime.block_on(measure(&run))?)?,
        Command::Fanout(options) => match fanout::run(&options) {
            Ok(measured) => serde_json::to_string(&measured)?,
            Err(error) => {
                // Whoever reads the result wants to show the reason.
                println!("{}", serde_json::json!({"failed": format!("{error:#}")}));
                return Err(error);
            }
        },
        Command::Rooms(options) => {
            serde_json::to_string(&runtime.block_on(rooms::measure(&options))?)?
        }
        Command::Files(options) => {
            serde_json::to_string(&runtime.block_on(files::measure(&options))?)?
        }
        Command::Disk { dir, seconds } => {
            serde_json::to_string(&disk::measure(&dir, Duration::from_secs_f64(seconds))?)?
        }
    };
    println!("{json}");
    Ok(())
}

async fn measure(run: &Run) -> Result<Vec<Measured>> {
    let text = fs::read_to_string(&run.fixture).context("cannot read the fixture")?;
    let fixture: Fixture = serde_json::from_str(&text).context("the fixture is not one")?;
    let load = Load {
        addr: run.addr,
        far: run.far,
        connections: run.connections,
        warm_up: Duration::from_secs_f64(run.warm_up),
        length: Duration::from_secs_f64(run.seconds),
        requests: run.requests,
        server_pid: run.server_pid,
    };
    if run.login_flood == 0 {
        return Ok(vec![load.run(run.scenario, &fixture).await?]);
    }
    let flood = Load {
        connections: run.login_flood,
        requests: None,
        // The processor time of a mixture belongs to neither part.
        server_pid: None,
        ..load
    };
    let load = Load {
        server_pid: None,
        ..load
    };
    let (first, second) = tokio::join!(
        load.run(run.scenario, &fixture),
        flood.run(Scenario::Login, &fixture)
    );
    Ok(vec![first?, second?])
}
