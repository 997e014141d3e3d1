//! `rooms`: listeners in very many rooms on two nodes, and what the bus makes of it.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;

use crate::cpu;
use crate::fanout::client::Client as Socket;
use crate::fanout::people::milliseconds;
use crate::histogram::Histogram;
use crate::scenario::User;
use crate::setup::Client;

/// Rooms of one account.
const EACH: usize = 100;
/// Rooms in which nobody listens, for joining and leaving.
const VISITED: usize = 200;
/// Accounts that make their rooms at once.
const AT_ONCE: usize = 8;
/// How long Redis may take to hear of what a node wants.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long an idle time is measured.
const IDLE: Duration = Duration::from_secs(6);

/// Options of `rooms`.
#[derive(Args)]
pub(crate) struct Options {
    /// Address of a node
    #[arg(long)]
    addr: SocketAddr,
    /// Address of another node of the same chat
    #[arg(long)]
    far: SocketAddr,
    /// Process of the first node
    #[arg(long)]
    server_pid: u32,
    /// Process of the database
    #[arg(long)]
    database_pid: u32,
    /// Unix socket of the Redis between them
    #[arg(long)]
    redis: PathBuf,
    /// Rooms with a listener on both nodes; a multiple of 100
    #[arg(long, default_value_t = 10_000)]
    rooms: usize,
}

/// What was seen.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    rooms: usize,
    /// Subscriptions at Redis for these rooms, of both nodes together.
    subscriptions: usize,
    /// Joining and leaving while few rooms have listeners.
    few: Visits,
    /// The same while all have.
    many: Visits,
    /// Processor time of the first node while nothing happens, of a core.
    idle_cpu_share: f64,
    /// Processor time of the database meanwhile: both nodes compare positions.
    idle_database_cpu_share: f64,
    /// Its memory for each room that it listens in, with the sockets' own.
    memory_per_room: f64,
}

/// Joining and leaving rooms where nobody listens, so that the node has to follow each and let it go.
#[derive(Debug, Serialize)]
pub(crate) struct Visits {
    join_p50_us: f64,
    leave_p50_us: f64,
    /// Of the first node, for a join and a leave together.
    cpu_us: f64,
}

/// Runs it.
pub(crate) async fn measure(options: &Options) -> Result<Measured> {
    let owners = sign_up(options.addr, options.rooms.div_ceil(EACH)).await?;
    let mut client = Client::new(options.addr);
    let visitor = client
        .sign_up(&format!("visitor{}", milliseconds()?))
        .await?;
    let absent = client
        .sign_up(&format!("absent{}", milliseconds()?))
        .await?;
    let visited = rooms(&mut client, &absent, VISITED).await?;
    let _visiting = listen(options.addr, &visitor)?;
    let few = visit(options, &visitor, &visited).await?;
    let before = settle(&options.redis).await?;
    let memory = cpu::resident(options.server_pid)?;
    let mut sockets = Vec::new();
    for owner in &owners {
        sockets.push(listen(options.addr, owner)?);
        sockets.push(listen(options.far, owner)?);
    }
    let subscriptions = settle(&options.redis).await?.saturating_sub(before);
    let grown = cpu::resident(options.server_pid)?.saturating_sub(memory);
    let many = visit(options, &visitor, &visited).await?;
    let used = cpu::used_by(options.server_pid)?;
    let stored = cpu::used_by_family(options.database_pid)?;
    let begun = Instant::now();
    tokio::time::sleep(IDLE).await;
    let idle = cpu::used_by(options.server_pid)?.saturating_sub(used);
    let stored = cpu::used_by_family(options.database_pid)?.saturating_sub(stored);
    let seconds = begun.elapsed().as_secs_f64();
    drop(sockets);
    Ok(Measured {
        rooms: options.rooms,
        subscriptions,
        few,
        many,
        idle_cpu_share: idle.as_secs_f64() / seconds,
        idle_database_cpu_share: stored.as_secs_f64() / seconds,
        memory_per_room: grown as f64 / options.rooms as f64,
    })
}

/// Accounts with their rooms.
async fn sign_up(addr: SocketAddr, count: usize) -> Result<Vec<User>> {
    let run = milliseconds()?;
    let numbers: Vec<usize> = (0..count).collect();
    let mut tasks = JoinSet::new();
    for part in numbers.chunks(count.div_ceil(AT_ONCE).max(1)) {
        let part = part.to_vec();
        tasks.spawn(async move {
            let mut client = Client::new(addr);
            let mut users = Vec::new();
            for number in part {
                let user = client.sign_up(&format!("host{run}x{number}")).await?;
                rooms(&mut client, &user, EACH).await?;
                users.push(user);
            }
            anyhow::Ok(users)
        });
    }
    let mut users = Vec::new();
    while let Some(some) = tasks.join_next().await {
        users.extend(some.context("a sign-up died")??);
    }
    Ok(users)
}

async fn rooms(client: &mut Client, owner: &User, count: usize) -> Result<Vec<u64>> {
    let mut made = Vec::new();
    for number in 0..count {
        let details = json!({"name": format!("{} {number}", owner.username), "max_users": 2});
        let path = "/api/v1/chats/rooms/";
        let room = client.ask("POST", path, Some(&owner.token), Some(&details));
        made.push(room.await?["id"].as_u64().context("the room has no id")?);
    }
    Ok(made)
}

/// A socket of version 1, which hears the rooms of its person and nothing of others.
fn listen(addr: SocketAddr, user: &User) -> Result<Socket> {
    Socket::open(addr, None, &format!("/?token={}", user.token))
}

async fn visit(options: &Options, visitor: &User, rooms: &[u64]) -> Result<Visits> {
    let mut client = Client::new(options.addr);
    let mut times = [Histogram::default(), Histogram::default()];
    let used = cpu::used_by(options.server_pid)?;
    for (what, times) in ["join", "leave"].iter().zip(&mut times) {
        for room in rooms {
            let path = format!("/api/v1/chats/rooms/{room}/{what}/");
            let begun = Instant::now();
            client
                .ask("PUT", &path, Some(&visitor.token), Some(&json!({})))
                .await?;
            times.record(begun.elapsed());
        }
    }
    let used = cpu::used_by(options.server_pid)?.saturating_sub(used);
    let [joins, leaves] = times;
    Ok(Visits {
        join_p50_us: joins.quantile_us(0.5),
        leave_p50_us: leaves.quantile_us(0.5),
        cpu_us: used.as_secs_f64() * 1e6 / rooms.len() as f64,
    })
}

/// Waits until the number of subscriptions at Redis stays what it is for a second.
async fn settle(redis: &Path) -> Result<usize> {
    let begun = Instant::now();
    let mut last = (subscriptions(redis)?, Instant::now());
    while last.1.elapsed() < Duration::from_secs(1) {
        ensure!(begun.elapsed() < PATIENCE, "Redis does not come to rest");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = subscriptions(redis)?;
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
    Ok(last.0)
}

/// All subscriptions of all clients of this Redis.
fn subscriptions(redis: &Path) -> Result<usize> {
    let mut stream = UnixStream::connect(redis).context("no Redis there")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"CLIENT LIST\r\nQUIT\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(counted(&text))
}

fn counted(list: &str) -> usize {
    let words = list.split_whitespace();
    let counts = words.filter_map(|word| {
        let (name, value) = word.split_once('=')?;
        matches!(name, "sub" | "ssub").then(|| value.parse::<usize>().ok())?
    });
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_of_all_clients_are_added_up() {
        let list =
            "$99\r\nid=3 addr=x sub=2 psub=7 ssub=0 cmd=a\nid=4 sub=5 ssub=1 multi=-1\r\n+OK";
        assert_eq!(counted(list), 8);
        assert_eq!(counted("-ERR no"), 0);
    }
}
