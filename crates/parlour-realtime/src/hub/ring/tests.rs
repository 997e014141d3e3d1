//! Rings by themselves.

use super::*;
use crate::{dialect::DialectKind, wire};
use parlour_core::{
    MessageId, Time, UserId,
    model::{Html, Message, Sender},
};

const ROOM: RoomId = RoomId::new(1);
const ANN: UserId = UserId::new(1);

fn event(room: RoomId, seq: i64, what: What) -> Arc<Event> {
    Arc::new(Event {
        room,
        seq,
        at: Time::from_micros(0),
        what,
    })
}

fn joined(room: RoomId, seq: i64) -> Arc<Event> {
    event(room, seq, What::MemberJoined(ANN))
}

fn message(id: i64, text: &str) -> Arc<Message> {
    Arc::new(Message {
        id: MessageId::new(id),
        room: ROOM,
        owner: ANN,
        sender: Arc::new(Sender {
            nickname: "ann".to_owned(),
            hue: 1,
        }),
        seq: id,
        text: text.to_owned(),
        nonce: None,
        reply_to: None,
        mentions: Vec::new(),
        reactions: Vec::new(),
        created_at: Time::from_micros(0),
        updated_at: Time::from_micros(0),
        files: Vec::new(),
        html: Html::default(),
    })
}

fn rings(events: usize) -> Rings {
    Rings::new(RingLimits {
        events,
        ..RingLimits::default()
    })
}

fn entries(after: i64, upto: i64) -> Vec<Entry> {
    let seqs = after + 1..=upto;
    seqs.map(|seq| Entry::encoded(&joined(ROOM, seq))).collect()
}

/// All frames after a seq as text.
fn told(rings: &mut Rings, seq: i64) -> Vec<String> {
    let pieces = rings.after(ROOM, seq, View::Now).pieces.into_iter();
    pieces
        .flat_map(|piece| wire::payloads(piece.wire))
        .map(|frame| String::from_utf8_lossy(&frame).into_owned())
        .collect()
}

fn weighed(rings: &Rings) -> usize {
    let of = |ring: &Ring| ring.entries.iter().map(|entry| entry.bytes).sum::<usize>();
    rings.rings.values().map(of).sum()
}

#[tokio::test(start_paused = true)]
async fn the_newest_events_without_holes() {
    let mut rings = rings(4);
    for seq in 5..=20 {
        rings.push(&joined(ROOM, seq), true);
        assert_eq!(rings.from(ROOM, seq), (seq - 4).max(4));
    }
    let handful = rings.after(ROOM, 17, View::Now);
    assert_eq!(
        (handful.pieces.len(), handful.at, handful.is_all),
        (3, 20, true)
    );
    assert_eq!(rings.after(ROOM, 25, View::Now).pieces.len(), 0);
    assert_eq!(weighed(&rings), rings.bytes);
    // After a hole it begins anew.
    rings.push(&joined(ROOM, 22), true);
    assert_eq!(rings.from(ROOM, 22), 21);
    // A room that went on without it has none.
    assert_eq!(rings.from(ROOM, 30), 30);
    assert_eq!((rings.rings.len(), rings.bytes), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn nobody_wants_a_room_that_nobody_hears() {
    let mut rings = rings(4);
    rings.go_on(&joined(ROOM, 1));
    assert!(rings.rings.is_empty());
    rings.push(&joined(ROOM, 2), true);
    rings.go_on(&joined(ROOM, 3));
    assert_eq!(rings.from(ROOM, 3), 1);
    let end = What::RoomDeleted(parlour_core::event::EndReason::Deleted);
    rings.go_on(&event(ROOM, 4, end.clone()));
    assert!(rings.rings.is_empty());
    rings.said(ROOM, &[event(ROOM, 4, end)], None);
    assert!(rings.rings.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_lies_below_is_read_in_two_steps_and_kept_for_a_while() {
    let mut rings = rings(256);
    // After a restart: the usual length first, whatever is wanted.
    assert_eq!(
        rings.reach(ROOM, 2_000, 1_100),
        Reach::Read {
            after: 1_744,
            upto: 2_000
        }
    );
    assert!(rings.attach(ROOM, 2_000, (1_744, 2_000), entries(1_744, 2_000)));
    rings.push(&joined(ROOM, 2_001), true);
    assert_eq!(
        rings.from(ROOM, 2_001),
        1_744,
        "nothing goes while more is read"
    );
    assert_eq!(
        rings.reach(ROOM, 2_001, 1_100),
        Reach::Read {
            after: 1_001,
            upto: 1_744
        }
    );
    // What does not reach the ring is of no use.
    assert!(!rings.attach(ROOM, 2_001, (1_001, 1_743), entries(1_001, 1_743)));
    assert!(!rings.attach(ROOM, 2_001, (1_001, 1_744), entries(1_002, 1_744)));
    assert!(rings.attach(ROOM, 2_001, (1_001, 1_744), entries(1_001, 1_744)));
    assert_eq!(rings.from(ROOM, 2_001), 1_001);
    let mut at = 1_100;
    let mut count = 0;
    loop {
        let handful = rings.after(ROOM, at, View::Now);
        assert!(handful.pieces.len() <= HANDFUL.0);
        (at, count) = (handful.at, count + handful.pieces.len());
        if handful.is_all {
            break;
        }
    }
    assert_eq!((at, count), (2_001, 901));
    tokio::time::advance(DEEP_FOR).await;
    rings.sweep(Instant::now(), DEEP_FOR * 9);
    assert_eq!(rings.from(ROOM, 2_001), 1_745);
    assert_eq!(weighed(&rings), rings.bytes);
    tokio::time::advance(DEEP_FOR * 9).await;
    rings.sweep(Instant::now(), DEEP_FOR * 9);
    assert_eq!((rings.rings.len(), rings.bytes), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_not_asked_for_for_ever() {
    let mut rings = Rings::new(RingLimits {
        events: 8,
        bytes: 4_000,
        deep_bytes: 10_000,
        total: 1 << 20,
    });
    let long = |seq| {
        event(
            ROOM,
            seq,
            What::MessageCreated(message(seq, &"x".repeat(3_000))),
        )
    };
    for seq in 1..=100 {
        rings.push(&long(seq), true);
        assert!(rings.bytes <= 4_000);
    }
    let mut wanted_reads = 0;
    while let Reach::Read { after, upto } = rings.reach(ROOM, 100, 0) {
        wanted_reads += 1;
        let read = (after + 1..=upto)
            .map(|seq| Entry::encoded(&long(seq)))
            .collect();
        assert!(rings.attach(ROOM, 100, (after, upto), read));
        assert!(rings.bytes <= 10_000);
    }
    assert_eq!(wanted_reads, 1);
    // One event that is larger than everything.
    rings.push(
        &event(
            ROOM,
            101,
            What::MessageCreated(message(101, &"x".repeat(90_000))),
        ),
        true,
    );
    assert_eq!(rings.from(ROOM, 101), 101);
    assert_eq!(weighed(&rings), rings.bytes);
}

#[tokio::test(start_paused = true)]
async fn the_longest_unused_rooms_go_first() {
    let mut rings = Rings::new(RingLimits {
        total: 20_000,
        ..RingLimits::default()
    });
    let room = |number| RoomId::new(number);
    for number in 1..=200 {
        for seq in 1..=3 {
            rings.push(&joined(room(number), seq), true);
        }
        // The first one is used all the time.
        rings.after(room(1), 3, View::Now);
        assert!(rings.bytes <= 20_000);
    }
    assert_eq!(rings.from(room(1), 3), 0);
    assert_eq!(rings.from(room(200), 3), 0);
    assert_eq!(rings.from(room(2), 3), 3, "gone");
    assert_eq!(weighed(&rings), rings.bytes);
}

/// Who was away is not told what is gone since.
#[tokio::test(start_paused = true)]
async fn messages_are_shown_as_they_are_now() {
    let mut rings = rings(8);
    let first = event(ROOM, 1, What::MessageCreated(message(1, "first")));
    let second = event(ROOM, 2, What::MessageCreated(message(2, "secret")));
    let both = [first, second];
    let burst = Burst::of(&both, DialectKind::AccountV2);
    rings.said(ROOM, &both, Some(&burst));
    let is_shared = |entry: &Entry| matches!(&entry.kept, Kept::Frame(Some(_)));
    assert!(rings.rings[&ROOM].entries.iter().all(is_shared));
    assert!(told(&mut rings, 0)[0].contains("first"));
    rings.push(
        &event(ROOM, 3, What::MessageUpdated(message(1, "better"))),
        true,
    );
    rings.push(
        &event(ROOM, 4, What::MessageDeleted(MessageId::new(2))),
        true,
    );
    // Told before it was changed, in the same turn.
    rings.said(ROOM, &both, Some(&burst));
    let now = told(&mut rings, 0);
    for (frame, part) in now.iter().zip([
        r#""type":"message.created","room":1,"seq":1,"#,
        r#""type":"message.deleted","room":1,"seq":2,"#,
        r#""type":"message.updated","room":1,"seq":3,"#,
        r#""type":"message.deleted","room":1,"seq":4,"#,
    ]) {
        assert!(frame.contains(part), "{frame}");
    }
    assert!(now[0].contains("better") && now[2].contains("better"));
    assert!(!now.concat().contains("secret") && !now.concat().contains("first"));
    rings.push(&event(ROOM, 5, What::MessagesPurged(ANN)), true);
    let now = told(&mut rings, 0);
    assert!(!now.concat().contains("better"), "{now:?}");
    assert_eq!(now.len(), 5);
    assert_eq!(weighed(&rings), rings.bytes);
}

#[test]
fn who_was_there_hears_what_was_said_and_who_was_away_what_is_left() {
    let mut rings = rings(8);
    let events = [
        What::MessageCreated(message(1, "first")),
        What::MessageUpdated(message(1, "second")),
        What::MessageDeleted(MessageId::new(1)),
    ];
    for (seq, what) in (1..).zip(events) {
        rings.push(&event(ROOM, seq, what), true);
        assert_eq!(weighed(&rings), rings.bytes);
    }
    let mut kinds = |view| -> Vec<(String, Option<String>)> {
        let pieces = rings.after(ROOM, 0, view).pieces.into_iter();
        pieces
            .flat_map(|piece| wire::payloads(piece.wire))
            .map(|frame| {
                let frame: serde_json::Value = serde_json::from_slice(&frame).expect("JSON");
                let word = |value: &serde_json::Value| value.as_str().map(str::to_owned);
                let kind = word(&frame["type"]).expect("a type");
                (kind, word(&frame["message"]["text"]))
            })
            .collect()
    };
    let said = |kind: &str, text: &str| (kind.to_owned(), Some(text.to_owned()));
    let gone = || ("message.deleted".to_owned(), None);
    assert_eq!(kinds(View::Now), [gone(), gone(), gone()]);
    assert_eq!(
        kinds(View::AsItWas),
        [
            said("message.created", "first"),
            said("message.updated", "second"),
            gone()
        ]
    );
    assert_eq!(weighed(&rings), rings.bytes);
}
