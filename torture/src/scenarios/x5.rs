//! X5: what ends somebody's right at one node silences their sockets at the other one, whether news come
//! from there or not.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_tungstenite::tungstenite::Message as WsMessage;

use crate::faults::proxy::{CLEAR, Weather};
use crate::http::Http;
use crate::nodes::Nodes;
use crate::people::{self, Person, RoomId, room_path};
use crate::scenario::{Context, Engine, Outcome, Scenario};
use crate::wire::{self, Socket};

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "X5",
    what: "two nodes; a right that ends at one ends at the other, with and without Redis",
    engines: &[Engine::Postgres],
    run: boxed,
};

/// The bound of the specification on every revocation.
const SILENT: Duration = Duration::from_secs(1);
/// How long it is watched that nothing more comes.
const LATER: Duration = Duration::from_millis(300);
/// How long the other node may need to learn of a new room before a round begins.
const BEGIN: Duration = Duration::from_secs(20);
/// Between two messages that must not be heard.
const CHATTER: Duration = Duration::from_millis(10);

/// What ends a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Left,
    Removed,
    LoggedOut,
    RoomDeleted,
}

const DEEDS: [Deed; 4] = [
    Deed::Left,
    Deed::Removed,
    Deed::LoggedOut,
    Deed::RoomDeleted,
];

impl Deed {
    /// What the account socket and the room's own socket must say.
    fn expected(self) -> [Word; 2] {
        match self {
            Self::Left | Self::Removed => [Word::Out, Word::Closed(4403)],
            Self::LoggedOut => [Word::Closed(4401), Word::Closed(4401)],
            Self::RoomDeleted => [Word::Out, Word::Closed(4404)],
        }
    }
}

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

async fn run(context: &Context) -> Result<Outcome> {
    let rounds = context.rounds(1, 25);
    // The lenient form has little time.
    let weathers = [CLEAR, Weather::Reset, Weather::Stalled];
    let weathers = &weathers[..if context.lenient { 2 } else { 3 }];
    let redis = context.redis()?;
    let proxy = context.proxy(redis.addr().context("no port")?).await?;
    let stage = context.stage().await?;
    let urls = [redis.url(), format!("redis://{}", proxy.addr())];
    let nodes = Nodes::on(&stage, &urls).await?;
    let here = nodes.http();
    let people = people::people(&here, 2).await?;
    let mut report = Vec::new();
    for &weather in weathers {
        proxy.set(weather);
        // An outage that has lasted a while; how it begins is the business of F5.
        sleep(Duration::from_secs(if weather == CLEAR { 0 } else { 3 })).await;
        let mut slowest = Duration::ZERO;
        for round in 0..rounds {
            for deed in DEEDS {
                let scene = Scene {
                    here,
                    there: nodes.addr(1),
                    owner: &people[0],
                    guest: people::again(&here, &people[1]).await?,
                    within: context.bound(SILENT),
                };
                let name = format!("{deed:?} {round} {weather:?}");
                let took = scene.play(deed, &name).await.context(name)?;
                slowest = slowest.max(took);
            }
        }
        report.push(format!("{weather:?} {slowest:.0?}"));
    }
    nodes.stop().await?;
    let count = rounds as usize * DEEDS.len();
    Ok(Outcome::Passed(format!(
        "{count} rights ended at one node, each time the sockets at the other one were silent at most \
         this much later, by what Redis did: {}",
        report.join(", ")
    )))
}

/// A guest with two sockets at one node, and an owner who talks at the other.
struct Scene<'a> {
    here: Http,
    there: SocketAddr,
    owner: &'a Person,
    guest: Person,
    within: Duration,
}

impl Scene<'_> {
    /// From the answer to the deed until the last socket was told.
    async fn play(&self, deed: Deed, name: &str) -> Result<Duration> {
        let fields = json!({"name": name, "max_users": 2});
        let room = people::room_of(&self.here, self.owner, fields).await?;
        people::join(&self.here, &self.guest, room).await?;
        let token = &self.guest.token;
        let ears = [
            Ear::open(self.there, &format!("/?token={token}&v=2"), room).await?,
            Ear::open(self.there, &format!("/ws/chat/{room}/?token={token}"), room).await?,
        ];
        let stop = Arc::new(AtomicBool::new(false));
        let ends = (room, deed == Deed::RoomDeleted);
        let talking = talk(self.here, self.owner.clone(), ends, Arc::clone(&stop));
        let talking = tokio::spawn(talking);
        for ear in &ears {
            ear.wait(BEGIN, |word| matches!(word, Word::Message))
                .await
                .context("nothing is heard at the other node")?;
        }
        self.act(deed, room).await?;
        let done = Instant::now();
        let mut told = Duration::ZERO;
        for (ear, expected) in ears.iter().zip(deed.expected()) {
            let left = self.within.saturating_sub(done.elapsed());
            let at = ear.wait(left, |word| *word == expected).await?;
            told = told.max(at.saturating_duration_since(done));
        }
        // The owner talks on, and nobody hears it there.
        sleep(LATER).await;
        stop.store(true, Ordering::Release);
        talking.await??;
        for (ear, expected) in ears.iter().zip(deed.expected()) {
            let words = ear.words();
            let mut after = words.iter().skip_while(|(_, word)| *word != expected);
            let late = after.find(|(_, word)| *word == Word::Message);
            ensure!(late.is_none(), "a message came after {expected:?}");
        }
        Ok(told)
    }

    /// Does it at the owner's node, and waits for the answer.
    async fn act(&self, deed: Deed, room: RoomId) -> Result<()> {
        let call = async |method, path: &str, person: &Person| {
            let answer = self.here.insist(method, path, Some(&person.token), None);
            let answer = answer.await?;
            let good = (200..300).contains(&answer.status);
            ensure!(good, "{method} {path}: {}", answer.status);
            anyhow::Ok(())
        };
        match deed {
            Deed::Left => people::leave(&self.here, &self.guest, room).await,
            Deed::Removed => {
                people::about(&self.here, self.owner, room, "remove/", &self.guest).await
            }
            Deed::LoggedOut => call("POST", "/api/v1/auth/logout/", &self.guest).await,
            Deed::RoomDeleted => call("DELETE", &room_path(room, ""), self.owner).await,
        }
    }
}

/// Says something again and again until told to stop, or until the room is gone where it `ends`.
async fn talk(
    http: Http,
    owner: Person,
    (room, ends): (RoomId, bool),
    stop: Arc<AtomicBool>,
) -> Result<()> {
    let mut number = 0;
    while !stop.load(Ordering::Acquire) {
        number += 1;
        let body = json!({"room": room, "text": format!("{number}")});
        let path = "/api/v1/chats/messages/";
        let answer = http.insist("POST", path, Some(&owner.token), Some(body));
        match answer.await?.status {
            201 => sleep(CHATTER).await,
            // There is no such room any more, and nothing could be heard of it.
            400 | 404 if ends => return Ok(()),
            status => bail!("a message was answered with {status}"),
        }
    }
    Ok(())
}

/// What a socket says that matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// A message of the room.
    Message,
    /// One is out of the room, or it has ended.
    Out,
    Closed(u16),
}

/// A socket, and a task that writes down what it says.
struct Ear {
    words: Arc<Mutex<Vec<(Instant, Word)>>>,
    task: JoinHandle<()>,
}

impl Ear {
    async fn open(addr: SocketAddr, path: &str, room: RoomId) -> Result<Self> {
        let socket = wire::open(addr, path).await?;
        let words: Arc<Mutex<Vec<(Instant, Word)>>> = Arc::default();
        let task = tokio::spawn(listen(socket, room, Arc::clone(&words)));
        Ok(Self { words, task })
    }

    fn words(&self) -> Vec<(Instant, Word)> {
        let words = self.words.lock();
        // Nothing panics while it holds the lock.
        words.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for a word that pleases; when it came.
    async fn wait(&self, within: Duration, pleases: impl Fn(&Word) -> bool) -> Result<Instant> {
        let begun = Instant::now();
        loop {
            let words = self.words();
            if let Some((at, _)) = words.iter().find(|(_, word)| pleases(word)) {
                return Ok(*at);
            }
            ensure!(
                begun.elapsed() <= within,
                "nothing of the kind within {within:?}; the last words were {:?}",
                words.iter().rev().take(3).collect::<Vec<_>>()
            );
            sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(mut socket: Socket, room: RoomId, words: Arc<Mutex<Vec<(Instant, Word)>>>) {
    loop {
        let word = match socket.next().await {
            Some(Ok(WsMessage::Text(text))) => said(&text, room),
            Some(Ok(WsMessage::Close(close))) => {
                Some(Word::Closed(close.map_or(0, |close| close.code.into())))
            }
            Some(Ok(_)) => None,
            Some(Err(_)) | None => return,
        };
        if let Some(word) = word {
            let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
            words.push((Instant::now(), word));
        }
    }
}

/// What a frame of an account socket or of a room's own socket means here.
fn said(text: &str, room: RoomId) -> Option<Word> {
    let frame: Value = serde_json::from_str(text).ok()?;
    let Some(kind) = frame["type"].as_str().filter(|_| frame["room"] == room) else {
        // A room's own socket tells messages alone, and its dialect names no room.
        return frame["message"].is_string().then_some(Word::Message);
    };
    match kind {
        "message.created" => Some(Word::Message),
        // There is one guest, and a host does not leave.
        "member.left" | "room.deleted" => Some(Word::Out),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart() {
        let word = |text: &str| said(text, 7);
        let message = r#"{"type":"message.created","room":7,"seq":1,"message":{"id":1}}"#;
        assert_eq!(word(message), Some(Word::Message));
        assert_eq!(word(r#"{"message":"hi","id":1}"#), Some(Word::Message));
        let elsewhere = message.replace('7', "8");
        assert_eq!(said(&elsewhere, 7), None);
        let left = r#"{"type":"member.left","room":7,"seq":2,"member":{"id":3}}"#;
        assert_eq!(word(left), Some(Word::Out));
        assert_eq!(word(r#"{"type":"hello"}"#), None);
        assert_eq!(word("no JSON"), None);
    }
}
