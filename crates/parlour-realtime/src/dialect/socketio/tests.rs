use super::*;
use crate::dialect::DialectKind;
use parlour_core::{
    UserId,
    event::{EndReason, LeaveReason, Reacted},
    model::{Html, Sender},
};
use serde_json::{Value, json};
use std::sync::Arc;

const ROOM: RoomId = RoomId::new(7);

fn message(text: &str, nonce: Option<&str>) -> Message {
    Message {
        id: MessageId::new(16),
        room: ROOM,
        owner: UserId::new(2),
        sender: Arc::new(Sender {
            nickname: "Ada\",\"html\":\"".to_owned(),
            hue: 7,
        }),
        seq: 3,
        text: text.to_owned(),
        nonce: nonce.map(str::to_owned),
        reply_to: None,
        mentions: Vec::new(),
        reactions: Vec::new(),
        files: Vec::new(),
        html: Html::default(),
        created_at: Time::from_micros(1_795_304_414_876_871),
        updated_at: Time::from_micros(1_795_304_414_000_000),
    }
}

fn event(seq: i64, what: What) -> Event {
    Event {
        room: ROOM,
        seq,
        at: Time::from_micros(1_795_304_414_000_000),
        what,
    }
}

/// The prefix, the name and the argument of a packet.
fn parts(packet: &[u8]) -> (String, String, Value) {
    let text = std::str::from_utf8(packet).expect("UTF-8");
    let at = text.find('[').expect("an array");
    let mut data: Vec<Value> = serde_json::from_str(&text[at..]).expect("JSON");
    assert_eq!(data.len(), 2);
    let argument = data.pop().expect("an argument");
    let name = data[0].as_str().expect("a name").to_owned();
    (text[..at].to_owned(), name, argument)
}

fn whats() -> Vec<What> {
    let tricky = [
        "hi",
        "안녕 \"you\" \\",
        ",\"message\":{\"seq\":9,\"html\":\"",
        "{\"type\":\"x\"}]42[",
        "<b>*bold*</b> https://example.org",
    ];
    let mut whats: Vec<_> = tricky
        .iter()
        .flat_map(|text| {
            let message = Arc::new(message(text, Some(",\"seq\":1")));
            [
                What::MessageCreated(Arc::clone(&message)),
                What::MessageUpdated(message),
            ]
        })
        .collect();
    whats.extend([
        What::MessageDeleted(MessageId::new(16)),
        What::MemberJoined(UserId::new(4)),
        What::MemberLeft(UserId::new(4), LeaveReason::Left),
        What::RoomDeleted(EndReason::Expired),
        What::ReactionAdded(Arc::new(Reacted {
            message: MessageId::new(16),
            emoji: "👍".to_owned(),
            user: UserId::new(4),
        })),
    ]);
    whats
}

/// What passes by and what is handed over later are the same bytes.
#[test]
fn a_frame_of_version_2_becomes_the_same_packet() {
    for (seq, what) in (3..).zip(whats()) {
        let event = event(seq, what);
        let frame = AccountV2.encode(&event).expect("is told");
        for (kind, space) in [
            (DialectKind::SocketIo, None),
            (DialectKind::SocketIoRoom, Some(ROOM)),
        ] {
            let packed = match space {
                None => DialectKind::SocketIoPack,
                Some(_) => DialectKind::SocketIoRoomPack,
            };
            let live = kind.encode(&event).expect("is told");
            let as_pack = pack::of(&live);
            assert_eq!(packed.encode(&event), Some(as_pack.clone()));
            assert_eq!(packed.of_v2(space, &frame), as_pack);
            let data = pack::read(&as_pack).expect("a packet");
            let data: Value = serde_json::from_str(data.packet().data).expect("JSON");
            let (_, name, argument) = parts(&live);
            assert_eq!(data, json!([name, argument]));
            let later = kind.of_v2(space, &frame);
            assert_eq!(
                String::from_utf8_lossy(&live),
                String::from_utf8_lossy(&later)
            );
            parts(&live);
        }
    }
}

#[test]
fn a_message_is_the_object_of_the_contract() {
    let hi = message("hi", None);
    let created = event(3, What::MessageCreated(Arc::new(hi.clone())));
    let (prefix, name, argument) = parts(&encode(&created, None).expect("is told"));
    assert_eq!((&*prefix, &*name), ("42", "message"));
    let object = serde_json::to_value(MessageView::from(&hi)).expect("serialises");
    assert_eq!(argument, object);
    let updated = event(9, What::MessageUpdated(Arc::new(hi)));
    let (prefix, name, argument) = parts(&encode(&updated, Some(ROOM)).expect("is told"));
    assert_eq!((&*prefix, &*name), ("42/room-7,", "message.updated"));
    let mut object = object;
    object["event_seq"] = json!(9);
    assert_eq!(argument, object);
}

#[test]
fn refusals_of_namespaces_begin_with_their_code() {
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let error = Error::from(parlour_core::error::UNAUTHENTICATED);
    assert_eq!(
        text(connect_error("/room-7", &error)),
        "44/room-7,{\"message\":\"unauthenticated: Authentication credentials were not \
         provided.\",\"data\":{\"code\":\"unauthenticated\"}}"
    );
    assert_eq!(
        text(no_such_space("/random")),
        "44/random,{\"message\":\"Invalid namespace\"}"
    );
    assert_eq!(text(connected(Space::Root, "x")), "40{\"sid\":\"x\"}");
    assert_eq!(text(disconnect(Some(ROOM))), "41/room-7,");
}
