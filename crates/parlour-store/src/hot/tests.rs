//! The memory by itself: races of filling, bounds, distrust.

use super::{Hot, Look, Ticket, entry::Entry};
use parlour_core::{
    Event, MessageId, RoomId, Time, UserId, What,
    event::EndReason,
    model::{Html, Message, Room, RoomKind, Sender},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

const OWNER: UserId = UserId::new(1);

fn at() -> Time {
    Time::from_micros(0)
}

/// A room that nobody ever wrote in.
fn empty(id: i64) -> Entry {
    let room = Room {
        id: RoomId::new(id),
        name: "room".to_owned(),
        topic: String::new(),
        kind: RoomKind::Group,
        owner: OWNER,
        max_users: 10,
        created_at: at(),
        updated_at: at(),
        expires_at: None,
        seq: 1,
        messages: 0,
        users: Vec::new(),
    };
    let created = Event {
        room: room.id,
        seq: 1,
        at: at(),
        what: What::RoomCreated(Arc::new(room.clone())),
    };
    let (nobody, nothing) = (HashMap::new(), VecDeque::new());
    Entry::new(room, 0, nobody, nothing, VecDeque::from([created]))
}

fn sent(room: i64, seq: i64, text: &str) -> Arc<Event> {
    let message = Message {
        id: MessageId::new(seq),
        room: RoomId::new(room),
        owner: OWNER,
        seq,
        sender: Arc::new(Sender {
            nickname: "ann".to_owned(),
            hue: 1,
        }),
        text: text.to_owned(),
        nonce: None,
        reply_to: None,
        mentions: Vec::new(),
        reactions: Vec::new(),
        files: Vec::new(),
        html: Html::default(),
        created_at: at(),
        updated_at: at(),
    };
    event(room, seq, What::MessageCreated(Arc::new(message)))
}

fn event(room: i64, seq: i64, what: What) -> Arc<Event> {
    let room = RoomId::new(room);
    Arc::new(Event {
        room,
        seq,
        at: at(),
        what,
    })
}

fn ticket(hot: &Hot, room: i64) -> Option<Ticket<'_>> {
    match hot.look(RoomId::new(room), Entry::seq) {
        Look::Fill(ticket) => Some(ticket),
        _ => None,
    }
}

fn fill(hot: &Hot, room: i64) {
    if let Some(ticket) = ticket(hot, room) {
        ticket.keep(empty(room));
    }
}

/// The remembered seq.
fn seq(hot: &Hot, room: i64) -> Option<i64> {
    match hot.look(RoomId::new(room), Entry::seq) {
        Look::Found(seq) => Some(seq),
        _ => None,
    }
}

#[test]
fn commits_during_a_fill_are_not_lost() {
    let hot = Hot::new(100, 1 << 20);
    let filling = ticket(&hot, 1).expect("the first fills");
    hot.apply(&[sent(1, 2, "x"), sent(1, 3, "y")]);
    filling.keep(empty(1));
    assert_eq!(seq(&hot, 1), Some(3));
    // What was read already has one of them.
    let filling = ticket(&hot, 5).expect("the first fills");
    hot.apply(&[sent(5, 1, "before"), sent(5, 2, "x")]);
    filling.keep(empty(5));
    assert_eq!(seq(&hot, 5), Some(2));
}

#[test]
fn a_fill_that_cannot_be_right_is_not_kept() {
    let hot = Hot::new(100, 1 << 20);
    let filling = ticket(&hot, 1).expect("the first fills");
    hot.apply(&[sent(1, 3, "with a hole before it")]);
    filling.keep(empty(1));
    assert_eq!(seq(&hot, 1), None);
    let hot = Hot::new(100, 1 << 20);
    let filling = ticket(&hot, 1).expect("the first fills");
    hot.forget(RoomId::new(1));
    filling.keep(empty(1));
    assert_eq!(seq(&hot, 1), None);
}

#[test]
fn one_fills_and_the_others_wait() {
    let hot = Hot::new(100, 1 << 20);
    let room = RoomId::new(1);
    let filling = ticket(&hot, 1).expect("the first fills");
    let Look::Wait(mut waiting) = hot.look(room, Entry::seq) else {
        panic!("the second waits")
    };
    assert!(waiting.try_recv().is_err());
    filling.keep(empty(1));
    assert_eq!(waiting.try_recv(), Ok(()));
    // Who fills may give up: the next one fills.
    let filling = ticket(&hot, 2).expect("the first fills");
    let Look::Wait(mut waiting) = hot.look(RoomId::new(2), Entry::seq) else {
        panic!("the second waits")
    };
    drop(filling);
    assert!(waiting.try_recv().is_err());
    assert!(ticket(&hot, 2).is_some());
}

#[test]
fn what_is_not_the_next_event_makes_the_room_go() {
    let hot = Hot::new(100, 1 << 20);
    for bad in [
        sent(1, 3, "a hole"),
        sent(1, 1, "again"),
        event(1, 2, What::MessagesPurged(OWNER)),
        event(1, 2, What::RoomDeleted(EndReason::Expired)),
    ] {
        fill(&hot, 1);
        assert_eq!(seq(&hot, 1), Some(1));
        hot.apply(&[bad]);
        assert_eq!(seq(&hot, 1), None);
    }
}

#[test]
fn an_unknown_outcome_is_not_remembered() {
    let hot = Hot::new(100, 1 << 20);
    fill(&hot, 1);
    hot.distrust(RoomId::new(1));
    assert!(matches!(hot.look(RoomId::new(1), Entry::seq), Look::Blind));
    fill(&hot, 2);
    let filling = ticket(&hot, 3).expect("the first fills");
    hot.distrust_all();
    filling.keep(empty(3));
    for room in [2, 3] {
        let look = hot.look(RoomId::new(room), Entry::seq);
        assert!(matches!(look, Look::Blind));
    }
}

#[test]
fn the_number_of_rooms_is_bounded_and_the_used_ones_stay() {
    let hot = Hot::new(80, 1 << 30);
    for room in 1..=400 {
        fill(&hot, room);
        seq(&hot, 4).or_else(|| {
            fill(&hot, 4);
            None
        });
    }
    let known = (1..=400).filter(|room| seq(&hot, *room).is_some()).count();
    assert!((40..=80).contains(&known), "{known}");
    assert!(seq(&hot, 4).is_some(), "asked for all the time");
}

#[test]
fn the_bytes_are_bounded() {
    let hot = Hot::new(1_000, 4 << 20);
    let long = "x".repeat(10_000);
    for room in 1..=40 {
        fill(&hot, room);
        for seq in 2..=60 {
            hot.apply(&[sent(room, seq, &long)]);
        }
    }
    let bytes: usize = hot
        .shards
        .iter()
        .map(|shard| shard.lock().expect("sound").bytes)
        .sum();
    assert!(bytes <= 4 << 20, "{bytes}");
    assert!(bytes > 1 << 20, "{bytes}: something is remembered");
}
