//! The end of a scenario: everything is answered and heard, then the books are compared.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::client::Client;
use crate::history::{Event, History, check};
use crate::http::Http;
use crate::people::{self, Person, RoomId};
use crate::recorder::Recorder;

/// How many violations are told in full.
const TOLD: usize = 12;

/// A room and who owns and therefore reads it.
#[derive(Clone, Debug)]
pub struct Owned {
    /// The room.
    pub room: RoomId,
    /// Its owner.
    pub owner: Person,
}

/// What the server keeps of these rooms, from the first event on.
///
/// # Errors
/// When it cannot be read.
pub async fn kept(http: &Http, rooms: &[Owned]) -> Result<Vec<Event>> {
    let mut all = Vec::new();
    for owned in rooms {
        all.extend(people::history(http, &owned.owner, owned.room, 0).await?);
    }
    Ok(all)
}

/// Waits until all clients are answered and have heard everything, stops them and compares. A text
/// with the figures.
///
/// # Errors
/// When a rule is broken, something surprising came, or a message stays without an answer.
pub async fn close(
    http: &Http,
    rooms: &[Owned],
    clients: Vec<Client>,
    recorder: &Recorder,
    patience: Duration,
) -> Result<String> {
    for client in &clients {
        ensure!(
            client.settled(patience).await,
            "client {}: {} messages are not answered after {patience:?}; it was closed with {:?}",
            client.number(),
            client.pending(),
            client.closes()
        );
    }
    let kept = kept(http, rooms).await?;
    for owned in rooms {
        let events = kept.iter().filter(|event| event.room == owned.room);
        let last = events.map(|event| event.seq).max().unwrap_or_default();
        for client in &clients {
            // Who does not get there is found by the checker, which can say more.
            client.reached(owned.room, last, patience).await;
        }
    }
    for client in clients {
        client.stop().await;
    }
    let owners: BTreeMap<RoomId, i64> = rooms
        .iter()
        .map(|owned| (owned.room, owned.owner.id))
        .collect();
    verdict(&recorder.history(kept, &owners))
}

/// Compares the books; a text with the figures.
///
/// # Errors
/// When a rule is broken or something surprising came.
pub fn verdict(history: &History) -> Result<String> {
    let violations = check(history);
    let mut text: Vec<String> = violations
        .iter()
        .take(TOLD)
        .map(ToString::to_string)
        .collect();
    if violations.len() > TOLD {
        text.push(format!("and {} more violations", violations.len() - TOLD));
    }
    let surprises = history.surprises.iter().take(TOLD);
    text.extend(surprises.map(|text| format!("surprise: {text}")));
    ensure!(text.is_empty(), "{}", text.join("\n"));
    let receipts: usize = history
        .streams
        .iter()
        .map(|stream| stream.receipts.len())
        .sum();
    Ok(format!(
        "{} sent, {} acknowledged, {} deliveries in {} streams: 0 lost, 0 twice, one order",
        history.sends.len(),
        history.acks.len(),
        receipts,
        history.streams.len()
    ))
}
