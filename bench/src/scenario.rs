//! The kinds of requests, and what a good answer to each looks like.

use anyhow::{Context as _, Result, ensure};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::http::write_request;
use crate::random::Random;

/// What `setup` made on the server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Fixture {
    /// The busy room.
    pub(crate) room: u64,
    /// Messages in it when setup was done.
    pub(crate) messages: u64,
    /// The room's seq at that time.
    pub(crate) last_seq: u64,
    /// Members of the room.
    pub(crate) users: Vec<User>,
}

/// Somebody who is in the room.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct User {
    /// To log in with.
    pub(crate) username: String,
    /// To log in with.
    pub(crate) password: String,
    /// To ask with.
    pub(crate) token: String,
}

/// Exactly 64 bytes, as the targets say.
const TEXT: &str = "The kettle is on, the door is open: come in and sit with us all.";

/// What a page of a room holds, in the paths below.
const PAGE: u64 = 50;

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    /// Post a message of 64 bytes
    Send,
    /// The newest page of 50 of the room
    Newest,
    /// 50 events before a random old seq
    History,
    /// A random page of 50 from the older half of the room
    DeepPage,
    /// The list of one's rooms
    Rooms,
    /// Log in
    Login,
}

impl Scenario {
    /// Writes the next request of a connection.
    pub(crate) fn write(
        self,
        fixture: &Fixture,
        connection: usize,
        random: &mut Random,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let count = fixture.users.len();
        ensure!(count > 0, "the fixture has no users");
        let user = &fixture.users[connection % count];
        let room = fixture.room;
        let get = |out: &mut Vec<u8>, target: String| {
            write_request(out, "GET", &target, Some(&user.token), None);
        };
        match self {
            Self::Send => {
                let body = json!({"room": room, "text": TEXT}).to_string();
                let path = "/api/v1/chats/messages/";
                write_request(out, "POST", path, Some(&user.token), Some(&body));
            }
            Self::Newest => get(
                out,
                format!("/api/v1/chats/messages/?room={room}&page_size={PAGE}"),
            ),
            Self::History => {
                let seq = random.between(2 * PAGE, (fixture.last_seq / 2).max(2 * PAGE));
                get(
                    out,
                    format!("/api/v1/chats/rooms/{room}/history/?before={seq}&limit={PAGE}"),
                );
            }
            Self::DeepPage => {
                let last = (fixture.messages / PAGE).max(1);
                let page = random.between(last.div_ceil(2), last);
                get(
                    out,
                    format!("/api/v1/chats/messages/?room={room}&page_size={PAGE}&page={page}"),
                );
            }
            Self::Rooms => get(out, "/api/v1/chats/rooms/".to_owned()),
            Self::Login => {
                let User {
                    username, password, ..
                } = user;
                let body = json!({"username": username, "password": password}).to_string();
                write_request(out, "POST", "/api/v1/auth/login/", None, Some(&body));
            }
        }
        Ok(())
    }

    /// Whether "too many" is an honest answer here and no error.
    pub(crate) fn may_be_refused(self) -> bool {
        self == Self::Login
    }

    /// Looks into an answer: a fast error page must not pass for a fast server.
    pub(crate) fn check(self, body: &[u8]) -> Result<()> {
        let value: Value = serde_json::from_slice(body).context("the answer is not JSON")?;
        match self {
            Self::Send => {
                ensure!(value["id"].is_u64(), "the message has no id");
                ensure!(value["text"] == TEXT, "the message came back changed");
            }
            Self::Newest | Self::History | Self::DeepPage => {
                let count = longest_list(&value);
                ensure!(count as u64 == PAGE, "{count} entries instead of {PAGE}");
            }
            Self::Rooms => ensure!(longest_list(&value) > 0, "no rooms"),
            Self::Login => ensure!(value["token"].is_string(), "no token"),
        }
        Ok(())
    }
}

/// The entries of a list answer, whatever the list is called.
fn longest_list(value: &Value) -> usize {
    let lists = value.as_object().into_iter().flat_map(|map| map.values());
    lists
        .filter_map(Value::as_array)
        .map(Vec::len)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> Fixture {
        Fixture {
            room: 7,
            messages: 1000,
            last_seq: 1010,
            users: vec![User {
                username: "ann".to_owned(),
                password: "p\"w".to_owned(),
                token: "t".to_owned(),
            }],
        }
    }

    fn request(scenario: Scenario) -> String {
        let mut out = Vec::new();
        let mut random = Random::new(1);
        scenario
            .write(&fixture(), 5, &mut random, &mut out)
            .expect("written");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn texts_have_the_promised_size() {
        assert_eq!(TEXT.len(), 64);
    }

    #[test]
    fn requests_ask_for_what_they_are_named_after() {
        assert!(request(Scenario::Send).starts_with("POST /api/v1/chats/messages/ HTTP/1.1\r\n"));
        assert!(request(Scenario::Send).contains(TEXT));
        assert!(request(Scenario::Newest).contains("?room=7&page_size=50 "));
        assert!(request(Scenario::History).contains("/rooms/7/history/?before="));
        assert!(request(Scenario::DeepPage).contains("&page=1"));
        assert!(request(Scenario::Login).ends_with(r#"{"password":"p\"w","username":"ann"}"#));
        assert!(!request(Scenario::Login).contains("Authorization"));
    }

    #[test]
    fn bad_answers_are_seen() {
        let page = json!({"results": vec![1; 50]}).to_string();
        assert!(Scenario::Newest.check(page.as_bytes()).is_ok());
        let short = json!({"results": [], "page_metadata": {}}).to_string();
        assert!(Scenario::Newest.check(short.as_bytes()).is_err());
        assert!(Scenario::Send.check(b"{\"id\":1,\"text\":\"no\"}").is_err());
        assert!(Scenario::Login.check(b"{\"token\":\"x\"}").is_ok());
        assert!(Scenario::Rooms.check(b"<html>").is_err());
    }

    #[test]
    fn a_fixture_without_users_is_refused() {
        let mut out = Vec::new();
        let mut random = Random::new(1);
        let empty = Fixture::default();
        assert!(
            Scenario::Send
                .write(&empty, 0, &mut random, &mut out)
                .is_err()
        );
    }
}
