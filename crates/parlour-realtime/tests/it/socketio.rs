//! Conversations of Socket.IO: packets over a wire in memory, actions over the log.

use crate::{
    sockets::TestActions,
    wire::{Client, pair},
    world::{World, actor, settle, user},
};
use async_trait::async_trait;
use parlour_core::{
    Actor, Error, RoomId, TokenId,
    error::{INVALID_TOKEN, NOT_FOUND, UNAUTHENTICATED},
};
use parlour_realtime::{Frame, Gate, Speech};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// Lets in whose token is the number of their account; further tokens of an account follow a dot.
struct TestGate {
    log: Arc<crate::log::Log>,
    /// The token of the request.
    brought: Option<&'static str>,
}

#[async_trait]
impl Gate for TestGate {
    async fn admit(&self, token: Option<&str>) -> Result<Actor, Error> {
        let token = token.or(self.brought).ok_or(UNAUTHENTICATED)?;
        let (id, token) = token.split_once('.').unwrap_or((token, token));
        match (id.parse(), token.parse()) {
            (Ok(id), Ok(token)) => Ok(actor(id, token)),
            _ => Err(INVALID_TOKEN.into()),
        }
    }

    async fn enter(&self, actor: &Actor, room: RoomId) -> Result<(), Error> {
        if self.log.heard_by(actor.user).contains(&room) {
            Ok(())
        } else {
            Err(NOT_FOUND.into())
        }
    }

    fn sid(&self) -> String {
        "S".to_owned()
    }
}

/// A client of Socket.IO.
pub(crate) struct Sio {
    pub(crate) client: Client,
    pub(crate) actions: Arc<TestActions>,
    pub(crate) task: JoinHandle<()>,
}

impl World {
    /// A connection without a namespace.
    pub(crate) fn meet(&self) -> Sio {
        self.meet_as(Speech::Text)
    }

    /// The same, of a client that speaks so.
    pub(crate) fn meet_as(&self, speech: Speech) -> Sio {
        self.meet_with(speech, None)
    }

    /// The same, of a client whose request brought this token.
    pub(crate) fn meet_with(&self, speech: Speech, brought: Option<&'static str>) -> Sio {
        let (wire, client) = pair(1_000_000);
        let actions = self.actions();
        let gate = Arc::new(TestGate {
            log: Arc::clone(&self.log),
            brought,
        });
        let conversation = self.realtime.meet(speech, gate, Arc::clone(&actions) as _);
        let realtime = self.realtime.clone();
        let task = tokio::spawn(async move { realtime.converse(wire, conversation).await });
        Sio {
            client,
            actions,
            task,
        }
    }

    /// A connection of this account with the namespace `/`.
    pub(crate) async fn sio(&self, id: i64) -> Sio {
        let mut sio = self.meet();
        sio.client.text(&format!("40{{\"token\":\"{id}\"}}"));
        assert_eq!(sio.packet().await, "40{\"sid\":\"S\"}");
        assert_eq!(sio.event().await.0, "hello");
        sio
    }
}

impl Sio {
    /// The next packet, answering pings.
    pub(crate) async fn packet(&mut self) -> String {
        loop {
            match self.client.next_frame().await {
                Frame::Text(text) if *text == *b"2" => self.client.text("3"),
                Frame::Text(text) => return String::from_utf8(text.to_vec()).expect("UTF-8"),
                other => panic!("expected a packet, not {other:?}"),
            }
        }
    }

    /// The next packet must be an event of `/`.
    pub(crate) async fn event(&mut self) -> (String, Value) {
        let packet = self.packet().await;
        let data = packet
            .strip_prefix("42")
            .unwrap_or_else(|| panic!("no event: {packet}"));
        event_of(data)
    }

    /// The next event that is about messages, or an error.
    pub(crate) async fn news(&mut self) -> (String, Value) {
        loop {
            let (name, argument) = self.event().await;
            if name.starts_with("message") || name == "error" || name.starts_with("re") {
                return (name, argument);
            }
        }
    }

    /// The next packet must be the acknowledgement with this id.
    pub(crate) async fn ack(&mut self, id: u64) -> Value {
        loop {
            let packet = self.packet().await;
            if let Some(data) = packet.strip_prefix(&format!("43{id}")) {
                let mut data: Vec<Value> = serde_json::from_str(data).expect("JSON");
                assert_eq!(data.len(), 1, "{packet}");
                return data.remove(0);
            }
            assert!(packet.starts_with("42"), "{packet}");
        }
    }

    /// Everything that comes until the server closes, and the code.
    pub(crate) async fn until_closed(&mut self) -> (Vec<String>, Option<u16>) {
        let (mut packets, mut code) = (Vec::new(), None);
        while let Some(frame) = self.client.recv().await {
            match frame {
                Frame::Text(text) => {
                    packets.push(String::from_utf8(text.to_vec()).expect("UTF-8"));
                }
                Frame::Close(the_code, reason) => {
                    code = Some(the_code);
                    self.client.send(Frame::Close(the_code, reason));
                }
                _ => {}
            }
        }
        (packets, code)
    }
}

/// The name and the argument in an event's data.
pub(crate) fn event_of(data: &str) -> (String, Value) {
    let mut data: Vec<Value> = serde_json::from_str(data).unwrap_or_else(|_| panic!("{data}"));
    assert_eq!(data.len(), 2, "{data:?}");
    let argument = data.pop().expect("an argument");
    (data[0].as_str().expect("a name").to_owned(), argument)
}

#[tokio::test(start_paused = true)]
async fn nothing_but_connect_comes_first() {
    let world = World::new();
    for (packet, code) in [
        ("42[\"message\",{}]", 4002),
        ("4abc", 4002),
        ("x", 4002),
        ("1", 1000),
    ] {
        let mut sio = world.meet();
        sio.client.text(packet);
        assert_eq!(
            sio.until_closed().await,
            (Vec::new(), Some(code)),
            "{packet}"
        );
        sio.task.await.expect("ends");
    }
    let mut silent = world.meet();
    assert_eq!(silent.until_closed().await, (Vec::new(), Some(1000)));
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_may_try_again() {
    let world = World::new();
    world.room(1).await;
    let mut sio = world.meet();
    for (packet, answer) in [
        (
            "40",
            "44{\"message\":\"unauthenticated: Authentication credentials were not provided.\",\"data\":{\"code\":\"unauthenticated\"}}",
        ),
        (
            "40{\"token\":\"x\"}",
            "44{\"message\":\"invalid_token: Invalid token.\",\"data\":{\"code\":\"invalid_token\"}}",
        ),
        (
            "40{\"token\":[]}",
            "44{\"message\":\"invalid: token: Not a valid string.\",\"data\":{\"code\":\"invalid\"}}",
        ),
        (
            "40{\"token\":\"1\",\"after\":7}",
            "44{\"message\":\"invalid: after: A valid integer is required.\",\"data\":{\"code\":\"invalid\"}}",
        ),
        (
            "40/random,",
            "44/random,{\"message\":\"Invalid namespace\"}",
        ),
        (
            "40/room-99,{\"token\":\"1\"}",
            "44/room-99,{\"message\":\"not_found: Not found.\",\"data\":{\"code\":\"not_found\"}}",
        ),
        ("40{\"token\":\"1\"}", "40{\"sid\":\"S\"}"),
    ] {
        sio.client.text(packet);
        assert_eq!(sio.packet().await, answer, "{packet}");
    }
    let (name, hello) = sio.event().await;
    assert_eq!((&*name, &hello["user"]), ("hello", &json!(1)));
    assert_eq!(hello["cursors"], json!({"1": 1}));
    let mut guessing = world.meet();
    for _ in 0..10 {
        guessing.client.text("40{\"token\":\"x\"}");
        assert!(
            guessing
                .packet()
                .await
                .starts_with("44{\"message\":\"invalid_token")
        );
    }
    guessing.client.text("40{\"token\":\"1\"}");
    assert_eq!(
        guessing.packet().await,
        "40{\"sid\":\"S\"}",
        "good ones cost nothing"
    );
    guessing.client.text("41");
    guessing.client.text("40{\"token\":\"x\"}");
    assert_eq!(guessing.until_closed().await.1, Some(4002));
}

#[tokio::test(start_paused = true)]
async fn what_is_said_is_heard_and_acknowledged() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    let (mut one, mut two) = (world.sio(1).await, world.sio(2).await);
    one.client
        .text(r#"427["message",{"room":1,"text":"hi","nonce":"n"}]"#);
    let ack = one.ack(7).await;
    assert_eq!(
        (&ack["ok"], &ack["message"]["text"]),
        (&json!(true), &json!("hi"))
    );
    let (name, message) = two.news().await;
    assert_eq!((&*name, &message), ("message", &ack["message"]));
    assert_eq!(
        (&message["nonce"], &message["seq"]),
        (&json!("n"), &json!(3))
    );
    two.client.text(r#"4212["edit",{"id":1,"text":"no"}]"#);
    two.client.text(r#"42["nonsense",{}]"#);
    two.client.text(r#"42["message",{"room":1}]"#);
    two.client.text(r#"42["message"]"#);
    two.client.text(r#"423["message",{"room":99,"text":"x"}]"#);
    let mut refusals = Vec::new();
    while refusals.len() < 5 {
        let packet = two.packet().await;
        if packet.starts_with("43") || packet.starts_with("42[\"error\"") {
            refusals.push(packet);
        }
    }
    let has = |what: &str| refusals.iter().any(|packet| packet.contains(what));
    assert!(
        has("nonsense") && has("text: This field is required."),
        "{refusals:?}"
    );
    assert!(
        has("433[{\"ok\":false") && has("does not exist"),
        "{refusals:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_acknowledgement_waits_for_the_commit_and_a_second_try_is_the_same_message() {
    let world = World::new();
    let room = world.room(1).await;
    let mut one = world.sio(1).await;
    one.actions.commits.forget_permits(1_000_000);
    let packet = r#"425["message",{"room":1,"text":"once"}]"#;
    one.client.text(packet);
    one.client.text(packet);
    settle().await;
    assert_eq!(one.client.try_recv(), None, "nothing is stored yet");
    one.actions.commits.add_permits(10);
    let first = one.ack(5).await;
    one.client.text(packet);
    assert_eq!(one.ack(5).await, first);
    one.client
        .text(r#"426["message",{"room":1,"text":"once"}]"#);
    assert_ne!(one.ack(6).await["message"]["id"], first["message"]["id"]);
    assert_eq!(world.log.messages_for(room, user(1)).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn bad_packets_cost_patience_and_credit_is_bounded() {
    let world = World::new();
    let room = world.room(1).await;
    let mut one = world.sio(1).await;
    one.actions.commits.forget_permits(1_000_000);
    for id in 0..100 {
        one.client.text(&format!(
            "42{id}[\"message\",{{\"room\":1,\"text\":\"{id}\"}}]"
        ));
    }
    settle().await;
    assert_eq!(one.actions.submitted.lock().expect("whole").len(), 32);
    one.actions.commits.add_permits(1_000);
    for id in 0..100 {
        assert_eq!(one.ack(id).await["ok"], true);
    }
    assert_eq!(world.log.messages_for(room, user(1)).len(), 100);
    let mut errors = 0;
    while errors < 10 {
        one.client.text("42[\"nonsense\"]");
        loop {
            let (name, argument) = one.news().await;
            if name == "error" {
                assert_eq!(argument["code"], "invalid");
                break;
            }
        }
        errors += 1;
    }
    one.client.text("42[\"nonsense\"]");
    let (packets, code) = one.until_closed().await;
    assert_eq!(code, Some(4002));
    assert_eq!(
        packets.last().map(String::as_str),
        Some("41"),
        "does not come back"
    );
}

#[tokio::test(start_paused = true)]
async fn attachments_are_counted_and_refused_where_text_is_wanted() {
    let world = World::new();
    world.room(1).await;
    let mut one = world.sio(1).await;
    let bytes = || Frame::Binary(vec![1, 2, 3].into());
    one.client.text(r#"452-9["message",{"room":1,"text":{"_placeholder":true,"num":0},"x":{"_placeholder":true,"num":1}}]"#);
    one.client.send(bytes());
    settle().await;
    assert_eq!(one.client.try_recv(), None, "one is missing");
    one.client.send(bytes());
    let ack = one.ack(9).await;
    assert_eq!(
        (&ack["ok"], &ack["code"]),
        (&json!(false), &json!("invalid"))
    );
    // An answer to nothing, with an attachment.
    one.client.text(r#"461-3[{"_placeholder":true,"num":0}]"#);
    one.client.send(bytes());
    one.client.text(r#"4210["typing",{"room":1}]"#);
    assert_eq!(one.ack(10).await, json!({"ok": true}));
    one.client.send(bytes());
    assert_eq!(
        one.until_closed().await.1,
        Some(4002),
        "an attachment of nothing"
    );
    let mut two = world.sio(1).await;
    two.client
        .text(r#"451-["message",{"_placeholder":true,"num":0}]"#);
    two.client.text(r#"42["message",{}]"#);
    assert_eq!(
        two.until_closed().await.1,
        Some(4002),
        "text instead of bytes"
    );
}

#[tokio::test(start_paused = true)]
async fn silence_after_a_ping_ends_it() {
    let world = World::new();
    let mut one = world.sio(1).await;
    let started = tokio::time::Instant::now();
    let Frame::Text(ping) = one.client.next_frame().await else {
        panic!("a packet, not a WebSocket's ping");
    };
    assert_eq!(&*ping, b"2");
    one.task.await.expect("ends");
    assert!(started.elapsed() <= Duration::from_secs(35));
}

#[tokio::test(start_paused = true)]
async fn an_ended_credential_ends_it_with_a_word() {
    let world = World::new();
    let mut one = world.sio(1).await;
    let ended = parlour_core::Signal::CredentialsEnded {
        user: user(1),
        ended: vec![TokenId::new(1)],
    };
    parlour_core::ports::Announce::signal(&world.realtime, ended).await;
    let (packets, code) = one.until_closed().await;
    assert_eq!(code, Some(4401));
    assert!(packets[0].starts_with("42[\"error\"") && packets[0].contains("credential_ended"));
    assert_eq!(packets[1..], ["41"]);
}

/// Its client may read the welcome before the connection itself has heard of it.
#[tokio::test(start_paused = true)]
async fn a_credential_that_ends_with_the_welcome_ends_it_with_a_word_too() {
    let world = World::new();
    let mut cut = 0;
    for turns in 0..24 {
        let mut one = world.meet();
        let token = 100 + turns;
        one.client.text(&format!("40{{\"token\":\"1.{token}\"}}"));
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
        let ended = parlour_core::Signal::CredentialsEnded {
            user: user(1),
            ended: vec![TokenId::new(token)],
        };
        parlour_core::ports::Announce::signal(&world.realtime, ended).await;
        let (packets, code) = one.until_closed().await;
        if code == Some(4401) {
            cut += 1;
            assert_eq!(
                packets.last().map(String::as_str),
                Some("41"),
                "{turns}: {packets:?}"
            );
            let error = &packets[packets.len() - 2];
            assert!(error.contains("credential_ended"), "{turns}: {packets:?}");
        }
    }
    assert!(cut > 0, "it always ended before it began");
}
