//! Messages sent one at a time while something is broken: each call is noted with how long it took
//! and how it ended, and in the end the notes are compared with what is stored.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::bare::{Bare, Said};
use crate::history::What;
use crate::http::{Answer, Http};
use crate::people::{Person, RoomId, history};

/// A call that takes longer than this is given up: it hangs.
pub const HANGS: Duration = Duration::from_secs(10);
/// Between two calls of one sender.
const PAUSE: Duration = Duration::from_millis(20);

/// How a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// `POST /api/v1/chats/messages/`.
    Rest,
    /// A version-2 account socket, which has to stay open all the time.
    Socket,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Promised.
    Stored {
        /// The message.
        id: i64,
        /// Its place in the room.
        seq: u64,
    },
    /// The server said no, with this status or code.
    Refused {
        /// `503`, `unavailable`.
        code: String,
        /// Whether it said when to try again.
        hint: bool,
    },
    /// No answer: the connection broke, or nothing came in time.
    Broken(String),
}

/// A noted call.
#[derive(Clone, Debug)]
pub struct Call {
    /// How it was sent.
    pub door: Door,
    /// What was sent; no two texts are equal.
    pub text: String,
    /// When.
    pub begun: Instant,
    /// Until the answer.
    pub took: Duration,
    /// The answer.
    pub end: End,
}

impl Call {
    /// When the answer came.
    #[must_use]
    pub fn ended(&self) -> Instant {
        self.begun + self.took
    }

    /// Whether the message was promised.
    #[must_use]
    pub const fn is_stored(&self) -> bool {
        matches!(self.end, End::Stored { .. })
    }
}

/// Senders at work.
#[derive(Debug)]
pub struct Calls {
    notes: Arc<Mutex<Vec<Call>>>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<Result<()>>,
}

impl Calls {
    /// Lets each of these people send to the room by both doors, until [`Self::stop`].
    ///
    /// # Errors
    /// When a socket is refused.
    pub async fn start(addr: SocketAddr, people: &[Person], room: RoomId) -> Result<Self> {
        let mut calls = Self {
            notes: Arc::default(),
            stop: Arc::default(),
            tasks: JoinSet::new(),
        };
        for person in people {
            for door in [Door::Rest, Door::Socket] {
                let line = match door {
                    Door::Rest => Line::Rest(Http::new(addr).within(HANGS), person.clone()),
                    Door::Socket => {
                        Line::Socket(Box::new(Bare::connect(addr, &person.token).await?))
                    }
                };
                let (notes, stop) = (Arc::clone(&calls.notes), Arc::clone(&calls.stop));
                let name = format!("{door:?} of {}", person.name);
                calls.tasks.spawn(send(line, room, name, notes, stop));
            }
        }
        Ok(calls)
    }

    /// What was noted so far.
    #[must_use]
    pub fn notes(&self) -> Vec<Call> {
        let notes = self.notes.lock();
        // Nothing panics while it holds the lock.
        notes.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a call that was begun after `since` has ended in a way that pleases; returns how
    /// long that took from `since`.
    ///
    /// # Errors
    /// When none does within the limit.
    pub async fn wait_for(
        &self,
        since: Instant,
        limit: Duration,
        pleases: fn(&Call) -> bool,
    ) -> Result<Duration> {
        while since.elapsed() < limit {
            let notes = self.notes();
            let found = notes
                .iter()
                .find(|call| call.begun >= since && pleases(call));
            if let Some(call) = found {
                return Ok(call.ended() - since);
            }
            sleep(Duration::from_millis(20)).await;
        }
        let last = self.notes().pop();
        anyhow::bail!("nothing of the kind within {limit:?}; the last call was {last:?}")
    }

    /// Lets the calls under way end, and returns all notes.
    ///
    /// # Errors
    /// When a sender could not go on, such as one whose socket was closed.
    pub async fn stop(mut self) -> Result<Vec<Call>> {
        self.stop.store(true, Ordering::Release);
        while let Some(ended) = self.tasks.join_next().await {
            ended??;
        }
        Ok(self.notes())
    }
}

enum Line {
    Rest(Http, Person),
    Socket(Box<Bare>),
}

async fn send(
    mut line: Line,
    room: RoomId,
    name: String,
    notes: Arc<Mutex<Vec<Call>>>,
    stop: Arc<AtomicBool>,
) -> Result<()> {
    let mut number = 0;
    while !stop.load(Ordering::Acquire) {
        number += 1;
        let text = format!("{name} {number}");
        let begun = Instant::now();
        let (door, end) = match &mut line {
            Line::Rest(http, person) => (Door::Rest, post(http, person, room, &text).await),
            Line::Socket(bare) => (Door::Socket, say(bare, room, &text).await),
        };
        let call = Call {
            door,
            text,
            begun,
            took: begun.elapsed(),
            end,
        };
        let broken = matches!(call.end, End::Broken(_)) && door == Door::Socket;
        let told = broken.then(|| format!("{name}: {:?}", call.end));
        notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(call);
        ensure!(told.is_none(), "a socket did not stay open: {told:?}");
        sleep(PAUSE).await;
    }
    Ok(())
}

async fn post(http: &Http, person: &Person, room: RoomId, text: &str) -> End {
    let body = json!({"room": room, "text": text});
    let path = "/api/v1/chats/messages/";
    match http
        .call("POST", path, Some(&person.token), Some(body))
        .await
    {
        Ok(answer) => end_of_answer(&answer),
        Err(error) => End::Broken(format!("{error:#}")),
    }
}

fn end_of_answer(answer: &Answer) -> End {
    match (answer.status, &answer.body["id"], &answer.body["seq"]) {
        (201, Value::Number(id), Value::Number(seq)) => End::Stored {
            id: id.as_i64().unwrap_or(0),
            seq: seq.as_u64().unwrap_or(0),
        },
        (status, ..) => End::Refused {
            code: status.to_string(),
            hint: answer.header("retry-after").is_some(),
        },
    }
}

/// Sends over the socket and waits for the ack or error of this nonce; everything else that comes is
/// passed over.
async fn say(bare: &mut Bare, room: RoomId, text: &str) -> End {
    let calling = async {
        if let Err(error) = bare.say(room, text, text).await {
            return End::Broken(format!("{error:#}"));
        }
        loop {
            let frame: Value = match bare.next().await {
                Said::Text(frame) => serde_json::from_str(&frame).unwrap_or(Value::Null),
                end => return End::Broken(format!("{end:?}")),
            };
            if frame["nonce"] != text {
                continue;
            }
            match frame["type"].as_str() {
                Some("ack") => {
                    return End::Stored {
                        id: frame["id"].as_i64().unwrap_or(0),
                        seq: frame["seq"].as_u64().unwrap_or(0),
                    };
                }
                Some("error") => {
                    return End::Refused {
                        code: frame["code"].as_str().unwrap_or_default().to_owned(),
                        hint: frame["retry_ms"].is_u64(),
                    };
                }
                _ => {}
            }
        }
    };
    let answer = tokio::time::timeout(HANGS, calling).await;
    answer.unwrap_or_else(|_| End::Broken(format!("no answer within {HANGS:?}")))
}

/// Compares the notes with what is stored: what was promised is there once, with its id and place;
/// what was not is there at most once; nothing else is.
///
/// # Errors
/// With the first difference.
pub async fn check(http: &Http, reader: &Person, room: RoomId, calls: &[Call]) -> Result<String> {
    let mut stored: HashMap<String, (i64, u64)> = HashMap::new();
    let mut last = 0;
    for event in history(http, reader, room, 0).await? {
        ensure!(event.seq == last + 1, "{} follows {last}", event.seq);
        last = event.seq;
        if let What::Message(message) = event.what {
            let twice = stored.insert(message.text.to_string(), (message.id, event.seq));
            ensure!(twice.is_none(), "{} is stored twice", message.text);
        }
    }
    let (mut promised, mut silent) = (0, 0);
    for call in calls {
        let found = stored.remove(&call.text);
        if let End::Stored { id, seq } = call.end {
            let (at, place) = found.with_context(|| format!("promised and lost: {call:?}"))?;
            ensure!((at, place) == (id, seq), "{call:?} is {at} at {place}");
            promised += 1;
        } else if found.is_some() {
            silent += 1;
        }
    }
    let strange = stored.keys().next();
    ensure!(strange.is_none(), "nobody sent {strange:?}");
    Ok(format!(
        "0 of {promised} acknowledged lost, {} refused of which {silent} stored",
        calls.len() - promised
    ))
}
