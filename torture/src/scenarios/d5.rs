//! D5 and D6: the same nonce again and again, at once, after a restart, with another body.

use anyhow::{Context as _, Result, ensure};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, try_join_all};
use serde_json::{Value, json};

use crate::http::Http;
use crate::people::{self, Person, RoomId};
use crate::raw::Raw;
use crate::scenario::{BOTH, Context, Outcome, Scenario};

/// The row of the table.
pub const SCENARIO: Scenario = Scenario {
    id: "D5",
    what: "(and D6) one nonce 50 times at once over REST and over sockets; after a restart; with another body",
    engines: BOTH,
    run: boxed,
};

const TIMES: usize = 50;
const SOCKETS: usize = 10;

fn boxed(context: &Context) -> BoxFuture<'_, Result<Outcome>> {
    run(context).boxed()
}

/// Somebody with a message.
struct Case {
    http: Http,
    person: Person,
    room: RoomId,
    nonce: String,
    text: String,
}

async fn run(context: &Context) -> Result<Outcome> {
    let rounds = context.rounds(3, 30);
    let stage = context.stage().await?;
    let (mut server, http) = stage.start().await?;
    let people = people::people(&http, 1).await?;
    let room = people::room(&http, &people[0], "nonces", &[]).await?;
    let other = people::room(&http, &people[0], "elsewhere", &[]).await?;
    let cases: Vec<Case> = (0..rounds)
        .map(|round| Case {
            http,
            person: people[0].clone(),
            room,
            nonce: format!("nonce {round}"),
            text: format!("text {round}: 안녕 \"<&"),
        })
        .collect();
    let mut promises = Vec::new();
    for case in &cases {
        promises.push(case.everywhere(None).await?);
    }
    // Half of the rounds meet a server that was stopped, half one that was killed.
    for orderly in [true, false] {
        if orderly {
            server.stop_and_keep().await?;
        }
        server.restart().await?;
        for (case, promise) in cases.iter().zip(&promises) {
            case.everywhere(Some(*promise)).await?;
        }
    }
    let before = people::history(&http, &people[0], room, 0).await?;
    for case in &cases {
        case.conflict(case.room, "another text").await?;
        case.conflict(other, &case.text).await?;
    }
    let after = people::history(&http, &people[0], room, 0).await?;
    ensure!(before == after, "a conflict changed the room");
    let elsewhere = people::history(&http, &people[0], other, 0).await?;
    let rows = before.len() + elsewhere.len();
    let wanted = cases.len() + 2;
    ensure!(rows == wanted, "{rows} events were kept, not {wanted}");
    server.stop().await?;
    Ok(Outcome::Passed(format!(
        "{rounds} nonces, each {} times in 3 lives of the server: one row, equal answers; then \
         conflicts that changed nothing",
        6 * TIMES
    )))
}

impl Case {
    /// Sends over REST and over sockets at once. The one promise that all answers make: id and seq.
    async fn everywhere(&self, promised: Option<(i64, i64)>) -> Result<(i64, i64)> {
        let rest = try_join_all((0..TIMES).map(|_| self.over_rest()));
        let sockets = try_join_all((0..SOCKETS).map(|_| self.over_a_socket()));
        let (rest, sockets) = tokio::try_join!(rest, sockets)?;
        let mut all = rest.into_iter().chain(sockets.into_iter().flatten());
        let first = all.next().context("no answer")?;
        let expected = promised.unwrap_or(first);
        for promise in all.chain([first]) {
            ensure!(
                promise == expected,
                "{}: message and seq are {promise:?} for one and {expected:?} for another",
                self.nonce
            );
        }
        Ok(expected)
    }

    fn body(&self, room: RoomId, text: &str) -> Value {
        json!({"type": "send", "room": room, "text": text, "nonce": self.nonce})
    }

    async fn over_rest(&self) -> Result<(i64, i64)> {
        let answer = self.post(self.room, &self.text).await?.ok(201)?;
        promise(&answer)
    }

    async fn post(&self, room: RoomId, text: &str) -> Result<crate::http::Answer> {
        let (path, token) = ("/api/v1/chats/messages/", Some(self.person.token.as_str()));
        let body = self.body(room, text);
        self.http.insist("POST", path, token, Some(body)).await
    }

    async fn over_a_socket(&self) -> Result<Vec<(i64, i64)>> {
        let mut socket = Raw::open(self.http.addr(), &self.person).await?;
        for _ in 0..TIMES / SOCKETS {
            socket.send(&self.body(self.room, &self.text)).await?;
        }
        let mut promises = Vec::new();
        while promises.len() < TIMES / SOCKETS {
            let answer = socket.next_of(&["ack", "error"]).await?;
            if is_not_now(&answer) {
                socket.send(&self.body(self.room, &self.text)).await?;
            } else {
                promises.push(promise(&answer)?);
            }
        }
        Ok(promises)
    }

    /// The nonce with another body is refused over both doors.
    async fn conflict(&self, room: RoomId, text: &str) -> Result<()> {
        let answer = self.post(room, text).await?;
        ensure!(
            answer.status == 409,
            "409 was expected, not {}: {}",
            answer.status,
            answer.body
        );
        let mut socket = Raw::open(self.http.addr(), &self.person).await?;
        socket.send(&self.body(room, text)).await?;
        let mut frame = socket.next_of(&["ack", "error"]).await?;
        while is_not_now(&frame) {
            socket.send(&self.body(room, text)).await?;
            frame = socket.next_of(&["ack", "error"]).await?;
        }
        ensure!(
            frame["code"] == "nonce_reused" && frame["nonce"] == self.nonce.as_str(),
            "nonce_reused was expected, not {frame}"
        );
        Ok(())
    }
}

/// The server is too busy, which is an answer to be asked again after.
fn is_not_now(answer: &Value) -> bool {
    matches!(answer["code"].as_str(), Some("busy" | "unavailable"))
}

fn promise(answer: &Value) -> Result<(i64, i64)> {
    let numbers = answer["id"].as_i64().zip(answer["seq"].as_i64());
    numbers.with_context(|| format!("no promise: {answer}"))
}
