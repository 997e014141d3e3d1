//! The account dialect, version 2, as tables.

use crate::dialect::{message, reacted, room};
use parlour_core::{
    Error, Event, FileId, MessageId, RoomId, Time, UserId, What,
    error::{NOT_FOUND, RATE_LIMITED},
    event::{EndReason, LeaveReason},
};
use parlour_realtime::{
    ChangeKind, Command, NewChange, NewSend, Refusal, Resume,
    dialect::{AccountV2, Ack, Dialect as _, Input},
};
use std::time::Duration;

fn text(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8(bytes.as_ref().to_vec()).expect("frames are UTF-8")
}

fn decode(frame: &str) -> Result<Command, String> {
    AccountV2
        .decode(Input::Text(frame.as_bytes()))
        .map_err(|refusal| text(AccountV2.refuse(&refusal)))
}

#[test]
fn files_hang_on_a_send() {
    let expected = Command::Send(NewSend {
        room: RoomId::new(1),
        text: String::new(),
        nonce: None,
        reply_to: None,
        files: vec![FileId::new(7), FileId::new(8)],
    });
    let frame = r#"{"type":"send","room":1,"files":[7,"8"]}"#;
    assert_eq!(decode(frame), Ok(expected));
}

#[test]
fn frames_that_are_commands() {
    let some = |text: &str| Some(text.to_owned());
    let room = RoomId::new(1);
    let change = |what, nonce| {
        Command::Change(NewChange {
            id: MessageId::new(16),
            what,
            nonce,
        })
    };
    let send = |nonce, reply_to| {
        Command::Send(NewSend {
            room,
            text: "hi".to_owned(),
            nonce,
            reply_to,
            files: Vec::new(),
        })
    };
    for (input, expected) in [
        (r#"{"type":"send","room":1,"text":"hi"}"#, send(None, None)),
        (
            r#"{"nonce":"n","type":"send","reply_to":null,"room":"1","text":"hi","x":{"y":1}}"#,
            send(some("n"), None),
        ),
        (
            r#"{"type":"send","room":1,"text":"hi","reply_to":15}"#,
            send(None, Some(MessageId::new(15))),
        ),
        (
            r#"{"type":"edit","id":16,"text":"hi","nonce":"n"}"#,
            change(ChangeKind::Edit("hi".to_owned()), some("n")),
        ),
        (
            r#"{"type":"delete","id":"16"}"#,
            change(ChangeKind::Delete, None),
        ),
        (
            r#"{"type":"react","id":16,"emoji":"👍","on":false}"#,
            change(
                ChangeKind::React {
                    emoji: "👍".to_owned(),
                    on: false,
                },
                None,
            ),
        ),
        (
            r#"{"type":"read","room":1,"seq":7}"#,
            Command::Read {
                room,
                seq: 7,
                back: false,
            },
        ),
        (
            r#"{"type":"read","room":1,"seq":7,"back":true}"#,
            Command::Read {
                room,
                seq: 7,
                back: true,
            },
        ),
        (r#"{"type":"typing","room":1}"#, Command::Typing(room)),
        (
            r#"{"type":"resume","epoch":"e","cursors":{"1":7,"2":0}}"#,
            Command::Resume(Resume {
                epoch: "e".to_owned(),
                cursors: [(room, 7), (RoomId::new(2), 0)].into(),
            }),
        ),
        (r#"{"type":"ping"}"#, Command::Ping { nonce: None }),
        (
            r#"{"type":"ping","nonce":"n"}"#,
            Command::Ping { nonce: some("n") },
        ),
    ] {
        assert_eq!(decode(input), Ok(expected), "{input}");
    }
}

#[test]
fn a_send_with_files_needs_no_text() {
    let expected = Command::Send(NewSend {
        room: RoomId::new(1),
        text: String::new(),
        nonce: None,
        reply_to: None,
        files: vec![FileId::new(7), FileId::new(8)],
    });
    let frame = r#"{"type":"send","room":1,"files":[7,"8"]}"#;
    assert_eq!(decode(frame), Ok(expected));
    for files in ["7", "[true]", "[0]", "\"7\""] {
        let frame = format!(r#"{{"type":"send","room":1,"text":"x","files":{files}}}"#);
        let refused = decode(&frame).expect_err("refused");
        assert!(
            refused.contains("files: The submitted data was not a file."),
            "{refused}"
        );
    }
}

#[test]
fn frames_that_are_wrong() {
    for (input, error) in [
        (r#"{}"#, "type: This field is required."),
        (r#"{"room":1,"text":"hi"}"#, "type: This field is required."),
        (r#"{"type":1}"#, "type: Not a valid string."),
        (
            r#"{"type":"dance"}"#,
            "type: Select a valid choice. That choice is not one of the available choices.",
        ),
        (
            r#"{"type":"send"}"#,
            "text: This field is required. room: This field is required.",
        ),
        (
            r#"{"type":"send","room":1,"text":"a","reply_to":"x"}"#,
            "reply_to: Incorrect type. Expected pk value, received str.",
        ),
        (r#"{"type":"edit","id":1}"#, "text: This field is required."),
        (
            r#"{"type":"edit","id":0,"text":"a"}"#,
            r#"id: Invalid pk \"0\" - object does not exist."#,
        ),
        (r#"{"type":"delete"}"#, "id: This field is required."),
        (
            r#"{"type":"react","id":1,"emoji":"👍","on":1}"#,
            "on: Must be a valid boolean.",
        ),
        (
            r#"{"type":"react","id":1}"#,
            "emoji: This field is required. on: This field is required.",
        ),
        (
            r#"{"type":"read","room":1,"seq":"7"}"#,
            "seq: A valid integer is required.",
        ),
        (r#"{"type":"typing"}"#, "room: This field is required."),
        (
            r#"{"type":"resume","epoch":"e"}"#,
            "cursors: This field is required.",
        ),
        (
            r#"{"type":"resume","epoch":"e","cursors":[1]}"#,
            "cursors: A valid integer is required.",
        ),
        (
            r#"{"type":"resume","epoch":"e","cursors":{"x":1}}"#,
            "cursors: A valid integer is required.",
        ),
        (
            r#"{"type":"resume","cursors":{"1":"1"}}"#,
            "epoch: This field is required. cursors: A valid integer is required.",
        ),
        ("[]", "Invalid data. Expected a dictionary, but got list."),
    ] {
        let expected = format!(r#"{{"type":"error","error":"{error}","code":"invalid"}}"#);
        assert_eq!(decode(input), Err(expected), "{input}");
    }
    let named = decode(r#"{"type":"dance","nonce":"n"}"#).expect_err("unknown");
    assert!(
        named.ends_with(r#""code":"invalid","nonce":"n"}"#),
        "{named}"
    );
    assert!(AccountV2.decode(Input::Binary(b"{}")).is_err());
}

#[test]
fn answers() {
    let ack = Ack {
        nonce: Some("n"),
        id: MessageId::new(16),
        seq: Some(3),
        at: Time::from_micros(1_795_304_414_000_000),
    };
    let said = |ack: Ack<'_>| AccountV2.acknowledge(&ack).map(text);
    assert_eq!(
        said(ack).as_deref(),
        Some(r#"{"type":"ack","nonce":"n","id":16,"seq":3,"at":"2026-11-21T23:40:14Z"}"#)
    );
    assert_eq!(
        said(Ack { seq: None, ..ack }).as_deref(),
        Some(r#"{"type":"ack","nonce":"n","id":16,"at":"2026-11-21T23:40:14Z"}"#)
    );
    assert_eq!(said(Ack { nonce: None, ..ack }), None);
    assert_eq!(
        AccountV2.pong(None).map(text).as_deref(),
        Some(r#"{"type":"pong"}"#)
    );
    let limited = Error::from(RATE_LIMITED).retry_after(Duration::from_millis(50));
    assert_eq!(
        text(AccountV2.refuse(&Refusal::new(limited, Some("n".to_owned())))),
        concat!(
            r#"{"type":"error","error":"Too many requests. Try again later.","#,
            r#""code":"rate_limited","nonce":"n","retry_ms":50}"#
        )
    );
    let unknown = Refusal {
        room: Some(RoomId::new(7)),
        ..Refusal::from(Error::from(NOT_FOUND))
    };
    assert_eq!(
        text(AccountV2.refuse(&unknown)),
        r#"{"type":"error","error":"Not found.","code":"not_found","room":7}"#
    );
}

#[test]
fn every_event_is_told() {
    let user = UserId::new(1);
    for (what, expected) in [
        (What::RoomCreated(room()), "room.created"),
        (What::RoomUpdated(room()), "room.updated"),
        (What::RoomDeleted(EndReason::Expired), "room.deleted"),
        (What::MemberJoined(user), "member.joined"),
        (What::MemberLeft(user, LeaveReason::Left), "member.left"),
        (What::MessageCreated(message(Some("n"))), "message.created"),
        (What::MessageUpdated(message(None)), "message.updated"),
        (What::MessageDeleted(MessageId::new(16)), "message.deleted"),
        (What::MessagesPurged(user), "messages.purged"),
        (What::ReactionAdded(reacted()), "reaction.added"),
        (What::ReactionRemoved(reacted()), "reaction.removed"),
    ] {
        let event = Event {
            room: RoomId::new(1),
            seq: 9,
            at: Time::from_micros(0),
            what,
        };
        let frame = AccountV2.encode(&event).expect("told");
        let start = format!(r#"{{"type":"{expected}","room":1,"seq":9,"at":"#);
        assert!(text(&frame).starts_with(&start), "{}", text(&frame));
        let frame: serde_json::Value = serde_json::from_slice(&frame).expect("JSON");
        // Messages come with their HTML, and everything else is no message object.
        let is_message = frame.get("message").is_some();
        assert_eq!(
            is_message,
            expected == "message.created" || expected == "message.updated"
        );
        assert_eq!(is_message, frame["message"]["html"].is_string());
        assert!(frame.get("text").is_none());
    }
}
