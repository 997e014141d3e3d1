//! The dialect of a single room, as tables.

use crate::dialect::{message, reacted, room};
use parlour_core::{
    Error, Event, MessageId, Problem, RoomId, Time, UserId, What,
    event::{EndReason, LeaveReason},
};
use parlour_realtime::{
    Command,
    dialect::{Dialect as _, Input, Room},
};

fn text(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8(bytes.as_ref().to_vec()).expect("frames are UTF-8")
}

fn decode(frame: &str) -> Result<Command, String> {
    Room.decode(Input::Text(frame.as_bytes()))
        .map_err(|refusal| text(Room.refuse(&refusal)))
}

#[test]
fn only_the_message_counts() {
    let say = |text: &str, nonce: Option<&str>| {
        Ok(Command::Say {
            text: text.to_owned(),
            nonce: nonce.map(str::to_owned),
        })
    };
    assert_eq!(
        decode(r#"{"message":"hi","sender":"root"}"#),
        say("hi", None)
    );
    assert_eq!(decode(r#"{"message":5,"sender":{"x":[]}}"#), say("5", None));
    assert_eq!(
        decode(r#"{"message":"","room":2,"nonce":"n"}"#),
        say("", Some("n"))
    );
}

#[test]
fn bad_frames() {
    for (input, detail) in [
        ("{}", "message: This field is required."),
        (r#"{"text":"hi"}"#, "message: This field is required."),
        (
            r#"{"message":null}"#,
            "message: This field may not be null.",
        ),
        (r#"{"message":{"a":1}}"#, "message: Not a valid string."),
        ("7", "Invalid data. Expected a dictionary, but got int."),
    ] {
        let expected =
            format!(r#"{{"error":"validation error","detail":"{detail}","code":"invalid"}}"#);
        assert_eq!(decode(input), Err(expected), "{input}");
    }
    assert!(decode("{").is_err());
    assert!(Room.decode(Input::Binary(b"{}")).is_err());
    // What the action says of a text, it says of the message.
    let empty = Error::field("text", Problem::EmptyMessage);
    assert_eq!(
        text(Room.refuse(&empty.into())),
        concat!(
            r#"{"error":"validation error","detail":"message: A message needs text or a file.","#,
            r#""code":"invalid"}"#
        )
    );
}

#[test]
fn events_as_frames() {
    let told = r#""안녕 \"<b>\" \\ 😀\n""#;
    let plain = format!(
        concat!(
            r#"{{"sender":"bob","message":{told},"id":16,"seq":3,"room":1,"text":{told},"owner":2,"#,
            r#""created_at":"2026-11-21T23:40:14.876871Z","file":null,"file_type":null}}"#
        ),
        told = told
    );
    let user = UserId::new(1);
    for (what, expected) in [
        (What::MessageCreated(message(None)), Some(plain.as_str())),
        (What::MessageUpdated(message(None)), Some(plain.as_str())),
        (
            What::MessageDeleted(MessageId::new(16)),
            Some(r#"{"type":"message.deleted","id":16,"room":1}"#),
        ),
        (
            What::RoomDeleted(EndReason::Expired),
            Some(r#"{"type":"room.deleted","room":1}"#),
        ),
        (What::RoomUpdated(room()), None),
        (What::MemberJoined(user), None),
        (What::MemberLeft(user, LeaveReason::Left), None),
        (What::ReactionAdded(reacted()), None),
    ] {
        let event = Event {
            room: RoomId::new(1),
            seq: 9,
            at: Time::from_micros(0),
            what,
        };
        assert_eq!(
            Room.encode(&event).map(text).as_deref(),
            expected,
            "{event:?}"
        );
    }
}
