//! The account dialect, version 1, as tables: text in, command or exact error frame out; event in,
//! exact text out.

use crate::log::new_message;
use parlour_core::{
    Error, Event, MessageId, RoomId, Time, UserId, What,
    error::{BUSY, INTERNAL, NONCE_REUSED, RATE_LIMITED},
    event::{EndReason, LeaveReason, Reacted},
    model::{Message, Room, RoomKind},
};
use parlour_realtime::{
    Command, NewSend, Refusal,
    dialect::{Account, Dialect as _, Input},
};
use std::{sync::Arc, time::Duration};

pub(crate) fn decode(text: &str) -> Result<NewSend, String> {
    answer(Input::Text(text.as_bytes()))
}

pub(crate) fn answer(input: Input<'_>) -> Result<NewSend, String> {
    match Account.decode(input) {
        Ok(Command::Send(send)) => Ok(send),
        Ok(other) => panic!("not a command of version 1: {other:?}"),
        Err(refusal) => Err(frame(&refusal)),
    }
}

fn frame(refusal: &Refusal) -> String {
    String::from_utf8(Account.refuse(refusal).to_vec()).expect("frames are UTF-8")
}

fn invalid(detail: &str) -> String {
    serde_json::to_string(detail)
        .map(|detail| {
            format!(r#"{{"error":"validation error","detail":{detail},"code":"invalid"}}"#)
        })
        .expect("text")
}

#[test]
fn frames_that_are_commands() {
    for (input, room, text, nonce) in [
        (r#"{"text":"hi","room":1}"#, 1, "hi", None),
        (r#"{"text":"hi","room":"1"}"#, 1, "hi", None),
        (r#"{"room":" 007 ","text":" kept "}"#, 7, " kept ", None),
        (r#"{"text":"hi","room":3.0}"#, 3, "hi", None),
        (r#"{"text":5,"room":1}"#, 1, "5", None),
        (r#"{"text":-1.5,"room":1}"#, 1, "-1.5", None),
        (
            r#"{"text":"안녕 \ud83d\ude00","room":1}"#,
            1,
            "안녕 😀",
            None,
        ),
        (r#"{"text":"","room":1}"#, 1, "", None),
        (r#"{"text":"a","text":"b","room":9,"room":1}"#, 1, "b", None),
        (r#"{"text":null,"text":"b","room":1}"#, 1, "b", None),
        (
            r#"{"text":"hi","room":1,"nonce":"n-1"}"#,
            1,
            "hi",
            Some("n-1"),
        ),
        (r#"{"text":"hi","room":1,"nonce":17}"#, 1, "hi", Some("17")),
        (
            r#"{"te\u0078t":"hi","room":1,"x":{"y":[1,{}]}}"#,
            1,
            "hi",
            None,
        ),
        (
            r#"{"text":"hi","room":9007199254740991}"#,
            9_007_199_254_740_991,
            "hi",
            None,
        ),
    ] {
        let expected = NewSend {
            room: RoomId::new(room),
            text: text.to_owned(),
            nonce: nonce.map(str::to_owned),
            reply_to: None,
            files: Vec::new(),
        };
        assert_eq!(decode(input), Ok(expected), "{input}");
    }
}

#[test]
fn frames_that_are_wrong() {
    for (input, detail) in [
        (
            r#"{}"#,
            "text: This field is required. room: This field is required.",
        ),
        (r#"{"text":"hi"}"#, "room: This field is required."),
        (r#"{"room":1}"#, "text: This field is required."),
        (
            r#"{"type":"ping"}"#,
            "text: This field is required. room: This field is required.",
        ),
        (
            r#"{"text":null,"room":null}"#,
            "text: This field may not be null. room: This field may not be null.",
        ),
        (r#"{"text":true,"room":1}"#, "text: Not a valid string."),
        (r#"{"text":{"a":1},"room":1}"#, "text: Not a valid string."),
        (r#"{"text":["a"],"room":1}"#, "text: Not a valid string."),
        (
            r#"{"text":"a","text":[],"room":1}"#,
            "text: Not a valid string.",
        ),
        (
            r#"["text","room"]"#,
            "Invalid data. Expected a dictionary, but got list.",
        ),
        (
            r#""text""#,
            "Invalid data. Expected a dictionary, but got str.",
        ),
        ("5", "Invalid data. Expected a dictionary, but got int."),
        ("-5", "Invalid data. Expected a dictionary, but got int."),
        ("0.5", "Invalid data. Expected a dictionary, but got float."),
        ("true", "Invalid data. Expected a dictionary, but got bool."),
        (
            "null",
            "Invalid data. Expected a dictionary, but got NoneType.",
        ),
    ] {
        assert_eq!(decode(input), Err(invalid(detail)), "{input}");
    }
}

#[test]
fn rooms_that_are_none() {
    for (input, detail) in [
        (
            r#"{"text":"hi","room":"abc"}"#,
            "room: Incorrect type. Expected pk value, received str.",
        ),
        (
            r#"{"text":"hi","room":""}"#,
            "room: Incorrect type. Expected pk value, received str.",
        ),
        (
            r#"{"text":"hi","room":"1.0"}"#,
            "room: Incorrect type. Expected pk value, received str.",
        ),
        (
            r#"{"text":"hi","room":true}"#,
            "room: Incorrect type. Expected pk value, received bool.",
        ),
        (
            r#"{"text":"hi","room":[1]}"#,
            "room: Incorrect type. Expected pk value, received list.",
        ),
        (
            r#"{"text":"hi","room":{}}"#,
            "room: Incorrect type. Expected pk value, received dict.",
        ),
        (
            r#"{"text":"hi","room":2.5}"#,
            "room: Incorrect type. Expected pk value, received float.",
        ),
        (
            r#"{"text":"hi","room":0}"#,
            r#"room: Invalid pk "0" - object does not exist."#,
        ),
        (
            r#"{"text":"hi","room":-3}"#,
            r#"room: Invalid pk "-3" - object does not exist."#,
        ),
        (
            r#"{"text":"hi","room":"-3"}"#,
            r#"room: Invalid pk "-3" - object does not exist."#,
        ),
        (
            r#"{"text":"hi","room":9007199254740992}"#,
            r#"room: Invalid pk "9007199254740992" - object does not exist."#,
        ),
        (
            r#"{"text":"hi","room":18446744073709551615}"#,
            r#"room: Invalid pk "18446744073709551615" - object does not exist."#,
        ),
        (
            r#"{"text":"hi","room":"99999999999999999999"}"#,
            r#"room: Invalid pk "99999999999999999999" - object does not exist."#,
        ),
        (
            r#"{"text":"hi","room":1e30}"#,
            r#"room: Invalid pk "1e+30" - object does not exist."#,
        ),
        (
            r#"{"text":"hi","room":1,"nonce":null}"#,
            "nonce: This field may not be null.",
        ),
        (
            r#"{"text":"hi","room":1,"nonce":["n"]}"#,
            "nonce: Not a valid string.",
        ),
    ] {
        assert_eq!(decode(input), Err(invalid(detail)), "{input}");
    }
}

#[test]
fn bytes_that_are_no_json() {
    let deep = "[".repeat(100_000);
    let deep_text = format!(r#"{{"room":1,"text":{deep}"#);
    let deep_other = format!(r#"{{"x":{}{},"text":"a"}}"#, deep, "]".repeat(100_000));
    for input in [
        "",
        "{",
        "hello",
        "{\"text\":\"hi\",\"room\":1} x",
        "{'text':'hi','room':1}",
        "\u{feff}{\"text\":\"hi\",\"room\":1}",
        r#"{"text":"\ud800","room":1}"#,
        r#"{"text":"\udc00\ud800","room":1}"#,
        r#"{"text":1e400,"room":1}"#,
        r#"{"text":"hi","room":1e400}"#,
        "{\"text\":\"a\u{0}b\",\"room\":1}",
        deep.as_str(),
        deep_text.as_str(),
    ] {
        let frame = decode(input).expect_err(&input[..input.len().min(40)]);
        let start = r#"{"error":"validation error","detail":"JSON parse error - "#;
        assert!(frame.starts_with(start), "{frame}");
        assert!(frame.len() < 300, "{frame}");
    }
    // Depth in a field that nobody reads costs nothing, whatever the answer.
    assert!(decode(&deep_other).is_err());
    assert!(answer(Input::Text(b"{\"text\":\"\xff\",\"room\":1}")).is_err());
    assert_eq!(
        answer(Input::Binary(b"{\"text\":\"hi\",\"room\":1}")),
        Err(invalid(
            "Binary frames are not understood; send JSON as text."
        ))
    );
}

#[test]
fn refusals_name_their_message() {
    let long = "x".repeat(65);
    assert_eq!(
        decode(r#"{"text":"hi","nonce":"n-1"}"#),
        Err(concat!(
            r#"{"error":"validation error","detail":"room: This field is required.","#,
            r#""code":"invalid","nonce":"n-1"}"#
        )
        .to_owned())
    );
    assert_eq!(
        decode(&format!(r#"{{"text":"hi","nonce":"{long}"}}"#)),
        Err(invalid("room: This field is required."))
    );
}

#[test]
fn errors_of_the_actions() {
    let nonce = |error: Error| Refusal::new(error, Some("n".to_owned()));
    for (refusal, expected) in [
        (
            Error::from(RATE_LIMITED)
                .retry_after(Duration::from_millis(50))
                .into(),
            r#"{"error":"rate limited","detail":"Too many requests. Try again later.","code":"rate_limited","retry_ms":50}"#,
        ),
        (
            Error::from(RATE_LIMITED)
                .retry_after(Duration::from_micros(3))
                .into(),
            r#"{"error":"rate limited","detail":"Too many requests. Try again later.","code":"rate_limited","retry_ms":1}"#,
        ),
        (
            nonce(Error::from(BUSY).retry_after(Duration::from_secs(1))),
            r#"{"error":"temporarily unavailable","detail":"The server is busy. Try again shortly.","code":"busy","nonce":"n","retry_ms":1000}"#,
        ),
        (
            nonce(NONCE_REUSED.into()),
            r#"{"error":"validation error","detail":"This nonce was already used for another message.","code":"nonce_reused","nonce":"n"}"#,
        ),
        (
            Error::from(INTERNAL).into(),
            r#"{"error":"internal error","detail":"Something went wrong on our side.","code":"internal"}"#,
        ),
    ] {
        assert_eq!(frame(&refusal), expected);
    }
}

pub(crate) fn message(nonce: Option<&str>) -> Arc<Message> {
    Arc::new(Message {
        nonce: nonce.map(str::to_owned),
        created_at: Time::from_micros(1_795_304_414_876_871),
        updated_at: Time::from_micros(1_795_304_414_000_000),
        ..new_message(
            (MessageId::new(16), RoomId::new(1), UserId::new(2)),
            3,
            "안녕 \"<b>\" \\ \u{1f600}\n",
        )
    })
}

pub(crate) fn room() -> Arc<Room> {
    let at = Time::from_micros(0);
    Arc::new(Room {
        id: RoomId::new(1),
        name: "room".to_owned(),
        topic: String::new(),
        kind: RoomKind::Group,
        owner: UserId::new(1),
        max_users: 9,
        created_at: at,
        updated_at: at,
        expires_at: None,
        seq: 9,
        messages: 0,
        users: Vec::new(),
    })
}

pub(crate) fn reacted() -> Arc<Reacted> {
    Arc::new(Reacted {
        message: MessageId::new(16),
        emoji: "👍".to_owned(),
        user: UserId::new(1),
    })
}

#[test]
fn events_as_frames() {
    let plain = concat!(
        r#"{"id":16,"text":"안녕 \"<b>\" \\ 😀\n","file":null,"file_type":null,"#,
        r#""created_at":"2026-11-21T23:40:14.876871Z","updated_at":"2026-11-21T23:40:14Z","#,
        r#""room":1,"owner":2,"seq":3,"#,
        r#""reply_to":null,"mentions":[],"reactions":[],"sender":"bob","hue":2}"#
    );
    let with_nonce = plain.replace(r#""seq":3"#, r#""seq":3,"nonce":"n-1""#);
    let user = UserId::new(1);
    for (what, expected) in [
        (What::MessageCreated(message(None)), Some(plain)),
        (What::MessageUpdated(message(None)), Some(plain)),
        (
            What::MessageCreated(message(Some("n-1"))),
            Some(with_nonce.as_str()),
        ),
        (
            What::MessageDeleted(MessageId::new(16)),
            Some(r#"{"type":"message.deleted","id":16,"room":1}"#),
        ),
        (
            What::RoomDeleted(EndReason::Expired),
            Some(r#"{"type":"room.deleted","room":1}"#),
        ),
        (What::RoomCreated(room()), None),
        (What::RoomUpdated(room()), None),
        (What::MemberJoined(user), None),
        (What::MemberLeft(user, LeaveReason::Left), None),
        (What::MessagesPurged(user), None),
        (What::ReactionAdded(reacted()), None),
        (What::ReactionRemoved(reacted()), None),
    ] {
        let event = Event {
            room: RoomId::new(1),
            seq: 9,
            at: Time::from_micros(0),
            what,
        };
        let frame = Account.encode(&event);
        let text = frame
            .as_deref()
            .map(|bytes| std::str::from_utf8(bytes).expect("UTF-8"));
        assert_eq!(text, expected, "{event:?}");
    }
}
