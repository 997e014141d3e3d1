//! People: accounts with a token, and what they do all day.

use super::{Answer, Call, Client, Socket, Value, json};

/// A password that no rule refuses.
pub(crate) const PASSWORD: &str = "difference of squares";
pub(crate) const USERS: &str = "/api/v1/users/";
pub(crate) const ROOMS: &str = "/api/v1/chats/rooms/";
pub(crate) const MESSAGES: &str = "/api/v1/chats/messages/";
pub(crate) const LOGIN: &str = "/api/v1/auth/login/";

/// Somebody with an account and a token.
#[derive(Clone, Debug)]
pub(crate) struct User {
    client: Client,
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) token: String,
}

/// How a log-in went.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) answer: Answer,
}

impl Login {
    /// The token of a log-in that must succeed.
    #[track_caller]
    pub(crate) fn token(&self) -> String {
        let body = self.answer.ok(200);
        body["token"].as_str().expect("a token").to_owned()
    }

    /// Refused like every log-in that fails.
    #[track_caller]
    pub(crate) fn is_refused(&self) {
        self.answer
            .is_bad("error", "Unable to log in with provided credentials.");
    }
}

pub(super) async fn login(client: &Client, name: &str, password: &str) -> Login {
    let body = json!({"username": name, "password": password});
    Login {
        answer: client.call("POST", LOGIN).json(body).await,
    }
}

pub(super) async fn sign_up(client: &Client, name: &str) -> User {
    let body = json!({"username": name, "password": PASSWORD});
    let account = client.call("POST", USERS).json(body).await.ok(201);
    let token = login(client, name, PASSWORD).await.token();
    User {
        client: client.clone(),
        id: id(&account),
        name: name.to_owned(),
        token,
    }
}

/// The id in an object.
#[track_caller]
pub(crate) fn id(object: &Value) -> i64 {
    object["id"]
        .as_i64()
        .unwrap_or_else(|| panic!("no id in {object}"))
}

/// The ids of objects, in their order.
pub(crate) fn ids(objects: &[Value]) -> Vec<i64> {
    objects.iter().map(id).collect()
}

/// The path of a file's address, without its signature.
#[track_caller]
pub(crate) fn path_of(address: &Value) -> String {
    let address = address.as_str().unwrap_or_else(|| panic!("no file"));
    let from = address.find("/media/").expect("an address of a file");
    let path = &address[from..];
    path.split('?').next().unwrap_or(path).to_owned()
}

/// The path of something in a room: `join/`, `history/`, or nothing for the room itself.
pub(crate) fn room_path(room: i64, what: &str) -> String {
    format!("{ROOMS}{room}/{what}")
}

pub(crate) fn message_path(message: i64) -> String {
    format!("{MESSAGES}{message}/")
}

/// The path of a reaction, the emoji percent-encoded.
pub(crate) fn reaction_path(message: i64, emoji: &str) -> String {
    let encoded: String = emoji.bytes().map(|byte| format!("%{byte:02X}")).collect();
    format!("{MESSAGES}{message}/reactions/{encoded}/")
}

pub(crate) fn user_path(user: i64) -> String {
    format!("{USERS}{user}/")
}

impl User {
    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        self.client.call(method, path).token(&self.token)
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call("POST", path)
    }

    pub(crate) fn put(&self, path: &str) -> Call {
        self.call("PUT", path)
    }

    pub(crate) fn patch(&self, path: &str) -> Call {
        self.call("PATCH", path)
    }

    pub(crate) fn delete(&self, path: &str) -> Call {
        self.call("DELETE", path)
    }

    /// The same person with another token.
    pub(crate) async fn again(&self) -> Self {
        let token = login(&self.client, &self.name, PASSWORD).await.token();
        Self {
            token,
            ..self.clone()
        }
    }

    /// Makes a GROUP room; its id.
    pub(crate) async fn room(&self, name: &str) -> i64 {
        self.room_of(json!({ "name": name })).await
    }

    /// Makes a PRIVATE room; its id.
    pub(crate) async fn private_room(&self, name: &str) -> i64 {
        self.room_of(json!({ "name": name, "type": "PRIVATE" }))
            .await
    }

    /// Makes a room of these fields; its id.
    pub(crate) async fn room_of(&self, fields: Value) -> i64 {
        id(&self.post(ROOMS).json(fields).await.ok(201))
    }

    pub(crate) async fn join(&self, room: i64) -> Value {
        self.put(&room_path(room, "join/")).await.ok(200)
    }

    pub(crate) async fn leave(&self, room: i64) -> Value {
        self.put(&room_path(room, "leave/")).await.ok(200)
    }

    /// Invites somebody into one's own room.
    pub(crate) async fn invite(&self, room: i64, other: &Self) -> Value {
        self.about(room, "invite/", other).await.ok(200)
    }

    /// Puts somebody out of one's own room.
    pub(crate) async fn remove(&self, room: i64, other: &Self) -> Value {
        self.about(room, "remove/", other).await.ok(200)
    }

    /// Something with somebody else in one's own room.
    pub(crate) async fn about(&self, room: i64, what: &str, other: &Self) -> Answer {
        self.post(&room_path(room, what))
            .json(json!({ "user": other.id }))
            .await
    }

    /// Sends a message; the message object.
    pub(crate) async fn say(&self, room: i64, text: &str) -> Value {
        self.try_say(room, text).await.ok(201)
    }

    pub(crate) async fn try_say(&self, room: i64, text: &str) -> Answer {
        self.post(MESSAGES)
            .json(json!({ "room": room, "text": text }))
            .await
    }

    /// Reacts to a message; the message object.
    pub(crate) async fn react(&self, message: i64, emoji: &str) -> Value {
        self.put(&reaction_path(message, emoji)).await.ok(200)
    }

    /// Says how far the room was read; what is left.
    pub(crate) async fn read(&self, room: i64, seq: i64) -> Value {
        self.post(&room_path(room, "read/"))
            .json(json!({ "seq": seq }))
            .await
            .ok(200)
    }

    /// What is not read in a room.
    pub(crate) async fn unread(&self, room: i64) -> Value {
        let rows = self.get("/api/v1/chats/unread/").await.rows();
        let row = rows.into_iter().find(|row| row["room"] == room);
        row.unwrap_or(Value::Null)
    }

    /// Takes another nickname.
    pub(crate) async fn rename(&self, nickname: &str) {
        let body = json!({ "nickname": nickname });
        let user = self.patch(&user_path(self.id)).json(body).await.ok(200);
        assert_eq!(user["nickname"], nickname);
    }

    /// The room's history from its beginning.
    pub(crate) async fn history(&self, room: i64) -> Vec<Value> {
        let path = room_path(room, "history/?after=0&limit=200");
        let body = self.get(&path).await.ok(200);
        body["events"].as_array().cloned().expect("events")
    }

    /// Opens the account socket.
    pub(crate) async fn socket(&self) -> Socket {
        Socket::open(self.client.address(), &self.token)
            .await
            .unwrap_or_else(|status| panic!("no socket for {}: {status}", self.name))
    }

    /// Opens the socket of a room.
    pub(crate) async fn room_socket(&self, room: i64) -> Socket {
        let path = format!("/ws/chat/{room}/?token={}", self.token);
        Socket::open_at(self.client.address(), &path, &[])
            .await
            .unwrap_or_else(|status| panic!("no socket for {}: {status}", self.name))
    }
}
