//! Accounts and rooms, made over the public API.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::history::{Event, Message, What};
use crate::http::Http;

/// The id of a room.
pub type RoomId = i64;

const PASSWORD: &str = "Quay7-lantern.Rhubarb";
const ROOMS: &str = "/api/v1/chats/rooms/";
const ATTEMPTS: u32 = 20;
/// Calls at once while accounts and seats are made; passwords are hashed two at a time anyway.
const HANDS: usize = 4;

/// Somebody with an account and a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub id: i64,
    /// The username.
    pub name: String,
    /// A token that does not end.
    pub token: String,
}

/// The first `n` people of this server: `p0`, `p1` and so on. Accounts that exist are used again.
///
/// # Errors
/// When an account can neither be made nor used.
pub async fn people(http: &Http, n: usize) -> Result<Vec<Person>> {
    more_people(http, "p", n).await
}

/// The same with names of another beginning.
///
/// # Errors
/// As [`people`].
pub async fn more_people(http: &Http, family: &str, n: usize) -> Result<Vec<Person>> {
    stream::iter(0..n)
        .map(|number| person(http, format!("{family}{number}")))
        .buffered(HANDS)
        .try_collect()
        .await
}

async fn person(http: &Http, name: String) -> Result<Person> {
    let form = json!({"username": name, "password": PASSWORD});
    let made = http
        .insist("POST", "/api/v1/users/", None, Some(form.clone()))
        .await?;
    // 400: the name is taken, by an earlier call on this data folder.
    ensure!(matches!(made.status, 201 | 400), "{name}: {}", made.body);
    let login = http
        .insist("POST", "/api/v1/auth/login/", None, Some(form))
        .await?
        .ok(200)?;
    let token = login["token"].as_str().context("no token")?.to_owned();
    let id = match made.body["id"].as_i64() {
        Some(id) => id,
        None => find(http, &token, &name).await?,
    };
    Ok(Person { id, name, token })
}

/// The same person with another token, as after another log-in.
///
/// # Errors
/// When the server refuses.
pub async fn again(http: &Http, person: &Person) -> Result<Person> {
    let form = json!({"username": person.name, "password": PASSWORD});
    let login = http
        .insist("POST", "/api/v1/auth/login/", None, Some(form))
        .await?
        .ok(200)?;
    let token = login["token"].as_str().context("no token")?.to_owned();
    Ok(Person {
        token,
        ..person.clone()
    })
}

async fn find(http: &Http, token: &str, name: &str) -> Result<i64> {
    for page in 1.. {
        let path = format!("/api/v1/users/?page={page}&page_size=100");
        let answer = http
            .insist("GET", &path, Some(token), None)
            .await?
            .ok(200)?;
        let rows = answer["results"].as_array().context("no results")?;
        if let Some(row) = rows.iter().find(|row| row["username"] == name) {
            return row["id"].as_i64().context("an account has no id");
        }
    }
    bail!("there is no {name}")
}

/// The path of something in a room: `join/`, `history/`, or nothing for the room itself.
#[must_use]
pub fn room_path(room: RoomId, what: &str) -> String {
    format!("{ROOMS}{room}/{what}")
}

/// Makes a GROUP room of this owner and lets the members join. The owner hears it without joining.
///
/// # Errors
/// When the server refuses.
pub async fn room(http: &Http, owner: &Person, name: &str, members: &[Person]) -> Result<RoomId> {
    let fields = json!({"name": name, "max_users": members.len().max(1)});
    let room = room_of(http, owner, fields).await?;
    let http = *http;
    stream::iter(members.to_vec())
        .map(|member| async move { join(&http, &member, room).await })
        .buffer_unordered(HANDS)
        .try_collect::<()>()
        .await?;
    Ok(room)
}

/// Makes a room of these fields. The name gets longer when the server could not say whether it made
/// the room: names are unique.
///
/// # Errors
/// When the server refuses.
pub async fn room_of(http: &Http, owner: &Person, mut fields: Value) -> Result<RoomId> {
    for _ in 0..ATTEMPTS {
        let made = http
            .call("POST", ROOMS, Some(&owner.token), Some(fields.clone()))
            .await?;
        if made.status != 503 {
            return made.ok(201)?["id"].as_i64().context("the room has no id");
        }
        let name = fields["name"].as_str().context("a room without a name")?;
        fields["name"] = json!(format!("{name}'"));
        sleep(Duration::from_millis(500)).await;
    }
    bail!("no room after {ATTEMPTS} attempts: 503")
}

/// Takes a seat.
///
/// # Errors
/// When the server refuses.
pub async fn join(http: &Http, person: &Person, room: RoomId) -> Result<()> {
    change(http, person, ("PUT", &room_path(room, "join/")), None).await
}

/// Gives the seat up.
///
/// # Errors
/// When the server refuses.
pub async fn leave(http: &Http, person: &Person, room: RoomId) -> Result<()> {
    change(http, person, ("PUT", &room_path(room, "leave/")), None).await
}

/// Something between an owner and somebody else in the owner's room: `invite/` or `remove/`.
///
/// # Errors
/// When the server refuses.
pub async fn about(
    http: &Http,
    owner: &Person,
    room: RoomId,
    what: &str,
    other: &Person,
) -> Result<()> {
    let body = json!({"user": other.id});
    change(http, owner, ("POST", &room_path(room, what)), Some(body)).await
}

/// Changes who is in a room, and asks again after 503. What was not certain then may turn out to be
/// done: who is out cannot leave (404).
async fn change(
    http: &Http,
    person: &Person,
    (method, path): (&str, &str),
    body: Option<Value>,
) -> Result<()> {
    let mut uncertain = false;
    for _ in 0..ATTEMPTS {
        let answer = http
            .call(method, path, Some(&person.token), body.clone())
            .await?;
        match answer.status {
            503 => uncertain = true,
            404 if uncertain => return Ok(()),
            _ => return answer.ok(200).map(drop),
        }
        sleep(Duration::from_millis(500)).await;
    }
    bail!("{method} {path}: 503 after {ATTEMPTS} attempts")
}

/// The room's whole stream after a position, page by page.
///
/// # Errors
/// When a page cannot be read.
pub async fn history(http: &Http, reader: &Person, room: RoomId, after: u64) -> Result<Vec<Event>> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let last = events.last().map_or(after, |event| event.seq);
        let path = room_path(room, &format!("history/?after={last}&limit=200"));
        let page = http
            .insist("GET", &path, Some(&reader.token), None)
            .await?
            .ok(200)?;
        let rows = page["events"].as_array().context("no events")?;
        for row in rows {
            events.push(event_of(row).with_context(|| format!("a strange event: {row}"))?);
        }
        if page["has_more"] != true || rows.is_empty() {
            return Ok(events);
        }
    }
}

fn event_of(row: &Value) -> Option<Event> {
    let message = &row["message"];
    let what = match row["type"].as_str()? {
        "message.created" => What::Message(Message {
            id: message["id"].as_i64()?,
            author: message["owner"].as_i64()?,
            nonce: message["nonce"].as_str().map(Into::into),
            text: message["text"].as_str()?.into(),
        }),
        "member.joined" => What::Joined(row["member"]["id"].as_i64()?),
        "member.left" => What::Left(row["member"]["id"].as_i64()?),
        _ => What::Other,
    };
    Some(Event {
        room: row["room"].as_i64()?,
        seq: row["seq"].as_u64()?,
        what,
    })
}
