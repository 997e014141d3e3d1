//! What crosses between processes, whatever Redis is: one server or a cluster.

use super::{Bed, SOON, eventually, scene};
use crate::world::user;
use parlour_core::{Signal, event::LeaveReason, ports::Announce as _};
use parlour_realtime::{Bus as _, News};
use serde_json::Value;
use std::{
    cell::Cell,
    time::{Duration, Instant},
};

pub(crate) async fn what_is_said_in_one_process_is_heard_in_the_other_once_and_in_order(bed: &Bed) {
    let (a, b, room, mut one, mut two) = scene(bed).await;
    let mut said = Vec::new();
    for number in 0..200 {
        let (node, author) = if number % 2 == 0 { (&a, 1) } else { (&b, 2) };
        node.send(room, author, &number.to_string()).await;
        said.push(number.to_string());
    }
    eventually(SOON, "the second hears all", async || {
        two.texts().len() == 200
    })
    .await;
    eventually(SOON, "the first hears all", async || {
        one.texts().len() == 200
    })
    .await;
    assert_eq!(two.texts(), said);
    assert_eq!(one.texts(), said);
}

pub(crate) async fn a_process_follows_a_room_while_somebody_there_listens(bed: &Bed) {
    let (a, b, room, one, two) = scene(bed).await;
    let second = b.socket(2).await;
    drop(two);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bed.followers(room), 2, "one of two tabs is left");
    drop(second);
    eventually(SOON, "only one follows", async || bed.followers(room) == 1).await;
    let mut again = b.socket(2).await;
    eventually(SOON, "both again", async || bed.followers(room) == 2).await;
    a.send(room, 1, "welcome back").await;
    eventually(SOON, "heard", async || again.texts() == ["welcome back"]).await;
    drop((one, again));
    eventually(SOON, "nobody follows", async || bed.followers(room) == 0).await;
}

pub(crate) async fn who_joins_elsewhere_hears_at_once_and_who_is_removed_hears_no_more(bed: &Bed) {
    let (a, b, room, _one, _two) = scene(bed).await;
    let cake = a.room(1).await;
    let mut three = b.socket(3).await;
    // Nobody at the second process is in either room by this socket.
    a.join(cake, 3).await;
    eventually(SOON, "3 knows", async || {
        three.has(|frame| frame["type"] == "member.joined")
    })
    .await;
    a.send(cake, 1, "cake").await;
    eventually(SOON, "3 hears", async || three.texts() == ["cake"]).await;
    let left = a.log.leave(cake, user(3), LeaveReason::Removed);
    a.realtime.events(left).await;
    eventually(SOON, "told", async || {
        three.has(|frame| frame["type"] == "member.left")
    })
    .await;
    a.send(cake, 1, "without 3").await;
    a.send(room, 1, "tea").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(three.texts(), ["cake"]);
}

/// Processes overtake each other: the way out of a room may be heard before the way in.
pub(crate) async fn a_stay_is_heard_whole_whichever_end_comes_first(bed: &Bed) {
    let (a, b, _room, _one, _two) = scene(bed).await;
    let cake = a.room(1).await;
    let mut three = b.socket(3).await;
    let mut expected = Vec::new();
    for round in 0..5 {
        for text in ["before", "between"] {
            a.send(cake, 1, text).await;
        }
        let joined = a.log.join(cake, user(3));
        let text = format!("for 3: {round}");
        let said = a.log.send(cake, user(1), &text);
        expected.push(text);
        let left = a.log.leave(cake, user(3), LeaveReason::Left);
        b.realtime.events(left).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        a.realtime.events(said).await;
        a.realtime.events(joined.clone()).await;
        eventually(SOON, "heard", async || three.texts() == expected).await;
        // Heard again, it is no new way in.
        a.realtime.events(joined).await;
    }
    a.send(cake, 1, "after").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(three.texts(), expected);
}

pub(crate) async fn nothing_is_missed_while_a_process_begins_to_follow(bed: &Bed) {
    let (a, b, room, _one, two) = scene(bed).await;
    drop(two);
    eventually(SOON, "only one follows", async || bed.followers(room) == 1).await;
    let mut said = 0;
    for round in 0..30 {
        let before = said;
        let is_there = Cell::new(false);
        let arriving = async {
            let socket = b.socket(2).await;
            is_there.set(true);
            socket
        };
        let sending = async {
            let mut more = 5;
            while more > 0 {
                more -= i32::from(is_there.get());
                a.send(room, 1, &said.to_string()).await;
                said += 1;
                tokio::task::yield_now().await;
            }
        };
        let (mut two, ()) = tokio::join!(arriving, sending);
        // From the first that it hears on there is no hole, and the last one comes.
        let last = (said - 1).to_string();
        eventually(SOON, "the last one", async || {
            two.texts().last() == Some(&last)
        })
        .await;
        let texts = two.texts();
        let first: i32 = texts[0].parse().expect("a number");
        assert!(first >= before, "round {round}: {texts:?}");
        let expected: Vec<_> = (first..said).map(|number| number.to_string()).collect();
        assert_eq!(texts, expected, "round {round}");
    }
}

pub(crate) async fn typing_reading_and_ended_credentials_cross(bed: &Bed) {
    let (a, _b, room, _one, mut two) = scene(bed).await;
    a.realtime
        .signal(Signal::Typing {
            room,
            user: user(1),
        })
        .await;
    eventually(SOON, "typing", async || {
        two.has(|frame| frame["type"] == "typing")
    })
    .await;
    a.realtime
        .signal(Signal::Read {
            room,
            user: user(1),
            seq: 2,
        })
        .await;
    eventually(SOON, "read", async || {
        two.has(|frame| frame["type"] == "read")
    })
    .await;
    let ended = Signal::CredentialsEnded {
        user: user(2),
        ended: vec![parlour_core::TokenId::new(2)],
    };
    a.realtime.signal(ended).await;
    eventually(SOON, "the socket closes", async || two.is_closed()).await;
}

pub(crate) async fn people_are_here_in_every_process(bed: &Bed) {
    let (a, b, room, mut one, two) = scene(bed).await;
    eventually(SOON, "1 learns that 2 came", async || {
        one.has(|frame| frame["type"] == "presence" && frame["user"] == 2 && frame["here"] == true)
    })
    .await;
    eventually(Duration::from_secs(8), "both processes know", async || {
        a.here(&[1, 2, 3]).await == [1, 2] && b.here(&[1, 2, 3]).await == [1, 2]
    })
    .await;
    // Also at the first process, and there no more: nobody is told that they left.
    let elsewhere = a.socket(2).await;
    drop(elsewhere);
    one.got.clear();
    tokio::time::sleep(Duration::from_millis(5_500)).await;
    eventually(SOON, "2 is still here", async || a.here(&[2]).await == [2]).await;
    let away =
        |frame: &Value| frame["type"] == "presence" && frame["user"] == 2 && frame["here"] == false;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!one.has(away), "2 did not flicker");
    drop(two);
    eventually(Duration::from_secs(8), "2 left", async || one.has(away)).await;
    assert_eq!(a.here(&[2]).await, [0; 0]);
    assert!(room.get() > 0);
}

pub(crate) async fn the_people_of_a_dead_process_leave(bed: &Bed) {
    let (a, b, _room, mut one, _two) = scene(bed).await;
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    // It says no good bye, and nothing any more.
    b.carrying.abort();
    eventually(Duration::from_secs(35), "told that 2 left", async || {
        one.has(|frame| frame["type"] == "presence" && frame["user"] == 2 && frame["here"] == false)
    })
    .await;
    assert_eq!(a.here(&[2]).await, [0; 0]);
}

/// A server that was told to drain goes on without sockets.
pub(crate) async fn nobody_is_at_a_drained_process(bed: &Bed) {
    let (a, b, _room, mut one, two) = scene(bed).await;
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    let drained = b.realtime.shutdown();
    let go = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(two);
    };
    tokio::join!(drained, go);
    eventually(Duration::from_secs(8), "told that 2 left", async || {
        one.has(|frame| frame["type"] == "presence" && frame["user"] == 2 && frame["here"] == false)
    })
    .await;
    assert_eq!(a.here(&[2]).await, [0; 0]);
}

/// Nobody else knows whom they came for: who came back elsewhere stays, the others leave, sooner than
/// after a death.
pub(crate) async fn the_people_of_who_stops_leave_unless_they_came_back(bed: &Bed) {
    let (a, b, room, mut one, _two) = scene(bed).await;
    b.join(room, 3).await;
    let _three = b.socket(3).await;
    eventually(SOON, "they are here", async || {
        a.here(&[2, 3]).await == [2, 3]
    })
    .await;
    let start = Instant::now();
    b.stop.cancel();
    b.carrying.await.expect("ends");
    let _back = a.socket(2).await;
    let left = |id: i64| {
        move |frame: &Value| {
            frame["type"] == "presence" && frame["user"] == id && frame["here"] == false
        }
    };
    eventually(Duration::from_secs(18), "told that 3 left", async || {
        one.has(left(3))
    })
    .await;
    assert!(start.elapsed() > Duration::from_secs(4), "not at once");
    assert!(!one.has(left(2)), "2 came back");
    assert_eq!(a.here(&[2, 3]).await, [2]);
}

/// A process of another version says what this one cannot read: it is a hint all the same.
pub(crate) async fn words_of_another_version_are_hints(bed: &Bed) {
    let (a, b, room, _one, mut two) = scene(bed).await;
    // Committed, and not announced in words that anybody here knows.
    let events = a.log.send(room, user(1), "from the future");
    assert_eq!(events.len(), 1);
    let channel = bed.channel(room);
    let frame = format!("e 0123 {room}\n[{{\"something\":\"new\"}}]");
    bed.publish(&channel, &frame);
    eventually(SOON, "read from the database", async || {
        two.texts() == ["from the future"]
    })
    .await;
    for nonsense in ["", "x", "e\n[]", "s 0123 0\n{}", "e 0123 notaroom\n{"] {
        bed.publish(&channel, nonsense);
    }
    a.send(room, 1, "and on").await;
    eventually(SOON, "goes on", async || two.texts().len() == 2).await;
    b.bus.publish(News::Events(Vec::new())).await;
}
