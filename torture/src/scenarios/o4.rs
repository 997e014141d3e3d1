//! O4: everybody is cut at once and comes back at once.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::{BoxFuture, try_join_all};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::bare::{Bare, Said};
use crate::http::Http;
use crate::meter::{self, Metrics};
use crate::nodes::Nodes;
use crate::people::{Person, RoomId, people, room};
use crate::scenario::{BOTH, Context, Outcome, Scenario};

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "O4",
    what: "all clients are cut at once (of two nodes: one restarts) and come back at once",
    engines: BOTH,
    run: boxed,
};

const ROOMS: usize = 10;
/// What everybody missed; fewer than the ring keeps.
const MISSED: u64 = 20;
/// The bound of the specification.
const ALL_BACK: Duration = Duration::from_secs(10);
/// Database reads per room.
const READS: u32 = 2;
/// The first pause after a handshake that was refused.
const AGAIN: Duration = Duration::from_millis(100);
/// Handshakes at once while the crowd gathers; the storm has no such limit.
const GATHER: usize = 100;

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let (accounts, sockets_each) = context.size((50, 10), (100, 50));
    // Here as in the server: a file for each socket, and some more.
    let needed = u64::try_from(accounts * sockets_each)? + 200;
    if meter::open_files()? < needed {
        return Ok(Outcome::Skipped(format!("needs `ulimit -n` of {needed}")));
    }
    let mut stage = context.stage().await?;
    stage.setup.env.push(meter::setting());
    let mut nodes = Nodes::start(&stage, context.nodes).await?;
    // Those that one can come back to; the first one is where everybody is.
    let (http, all_nodes) = (nodes.http(), nodes.https());
    let other = nodes.http_of(nodes.servers.len() - 1);
    let all = people(&http, accounts).await?;
    let mut seats = Vec::new();
    for number in 0..ROOMS {
        let members: Vec<Person> = all.iter().skip(number).step_by(ROOMS).cloned().collect();
        let name = format!("room {number}");
        let room = room(&http, &members[0], &name, &members).await?;
        for member in members {
            seats.extend(std::iter::repeat_n((member, room), sockets_each));
        }
    }
    let gathering = seats
        .into_iter()
        .map(|(person, room)| Seat::take(http, person, room));
    let seats: Vec<Seat> = stream::iter(gathering)
        .buffer_unordered(GATHER)
        .try_collect()
        .await?;
    let count = seats.len();
    let away: Vec<Away> = if nodes.servers.len() > 1 {
        nodes.servers[0].restart().await?;
        seats.into_iter().map(|seat| seat.away).collect()
    } else {
        seats.into_iter().map(Seat::cut).collect::<Result<_>>()?
    };
    let before = Metrics::all(&all_nodes).await?;
    speak(&other, &away).await?;
    let begun = Instant::now();
    let within = context.bound(ALL_BACK);
    let coming = away.into_iter().enumerate().map(|(number, away)| {
        let node = all_nodes[number % all_nodes.len()];
        away.come_back(node, begun, within)
    });
    let back = try_join_all(coming).await?;
    let slowest = back.iter().map(|back| back.took).max().unwrap_or_default();
    let refused: u32 = back.iter().map(|back| back.refused).sum();
    ensure!(
        slowest <= within,
        "the last of {count} was back after {slowest:?}"
    );
    let after = Metrics::all(&all_nodes).await?;
    let reads = reads(&before, &after)?;
    let note = nodes.note();
    nodes.stop().await?;
    Ok(Outcome::Passed(format!(
        "{note}{count} sockets in {ROOMS} rooms resumed within {slowest:.1?}, {refused} handshakes \
         refused at first; {reads}"
    )))
}

/// How often the database was read to resume, by the server's own count.
fn reads(before: &Metrics, after: &Metrics) -> Result<String> {
    let grown = |name: &str, label: &str| {
        let sum = |metrics: &Metrics| metrics.sum(name, label).unwrap_or(0.0);
        sum(after) - sum(before)
    };
    let reads = grown("parlour_resume_reads_total", "");
    let most = f64::from(READS) * ROOMS as f64;
    ensure!(
        reads <= most,
        "{reads} reads of the database to resume, more than {READS} per room"
    );
    let all = grown("parlour_resumes_total", "");
    // Every socket resumes its room; a server that does not count would pass with 0 reads.
    ensure!(all > 0.0, "the server counted no resume");
    let waited = grown("parlour_resumes_total", "source=\"store\"");
    Ok(format!(
        "{reads} reads of the database; {waited} of {all} resumes waited for one"
    ))
}

/// Somebody speaks in every room while nobody is there.
async fn speak(http: &Http, away: &[Away]) -> Result<()> {
    let mut rooms: Vec<(&Person, RoomId)> = Vec::new();
    for away in away {
        if !rooms.iter().any(|(_, room)| *room == away.room) {
            rooms.push((&away.person, away.room));
        }
    }
    for (person, room) in rooms {
        for number in 0..MISSED {
            let body = json!({"room": room, "text": format!("missed {number}")});
            let path = "/api/v1/chats/messages/";
            let answer = http
                .call("POST", path, Some(&person.token), Some(body))
                .await?;
            answer.ok(201)?;
        }
    }
    Ok(())
}

/// A socket in a room, and where the room's stream was when it came.
struct Seat {
    bare: Bare,
    away: Away,
}

/// Somebody who was cut.
struct Away {
    person: Person,
    room: RoomId,
    epoch: String,
    cursor: u64,
}

/// Somebody who has come back.
struct Back {
    took: Duration,
    /// How often the server said to come later.
    refused: u32,
}

impl Seat {
    async fn take(http: Http, person: Person, room: RoomId) -> Result<Self> {
        let mut bare = Bare::connect(http.addr(), &person.token).await?;
        let hello = bare.wait_for("hello").await?;
        bare.send(&json!({"type": "ping"})).await?;
        bare.wait_for("pong").await?;
        let cursor = hello["cursors"][room.to_string()].as_u64();
        let away = Away {
            room,
            epoch: hello["epoch"].as_str().context("no epoch")?.to_owned(),
            cursor: cursor.context("hello does not name the room")?,
            person,
        };
        Ok(Self { bare, away })
    }

    fn cut(self) -> Result<Away> {
        self.bare.cut()?;
        Ok(self.away)
    }
}

impl Away {
    /// Connects, resumes, and insists on every message that was missed, in order; how long that took.
    async fn come_back(self, http: Http, begun: Instant, within: Duration) -> Result<Back> {
        let mut refused = 0;
        let mut bare = loop {
            match Bare::connect(http.addr(), &self.person.token).await {
                Ok(bare) => break bare,
                // Who is told to come back later does so, within the same bound.
                Err(error) if begun.elapsed() > within => return Err(error),
                Err(_) => refused += 1,
            }
            sleep(AGAIN * (1 + refused.min(4))).await;
        };
        let cursors = json!({self.room.to_string(): self.cursor});
        let resume = json!({"type": "resume", "epoch": self.epoch, "cursors": cursors});
        bare.send(&resume).await?;
        let mut last = self.cursor;
        loop {
            let frame: Value = match bare.next().await {
                Said::Text(text) => serde_json::from_str(&text)?,
                end => anyhow::bail!("{end:?} before it was resumed"),
            };
            if frame["room"] != self.room {
                continue;
            }
            match frame["type"].as_str() {
                Some("message.created") => {
                    ensure!(frame["seq"] == last + 1, "after {last} came {frame}");
                    last += 1;
                }
                Some("recovered") => break,
                Some("resync" | "error") => anyhow::bail!("not resumed: {frame}"),
                _ => {}
            }
        }
        let took = begun.elapsed();
        let back = Back { took, refused };
        let missed = last - self.cursor;
        ensure!(missed == MISSED, "{missed} messages came, not {MISSED}");
        Ok(back)
    }
}
