//! A cluster of three shards, the first with a replica: the same as over one server, and what only a
//! cluster can do.

use super::{
    Bed, NEVER, Node, SOON, Socket, eventually, everyday, family, faults,
    server::{Server, left_out},
};
use crate::log::Log;
use parlour_core::{RoomId, ports::SystemRandom};
use parlour_realtime::{RedisBus, RedisError, RedisInspection, inspect_redis};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// The first epoch of which all keys are on this shard.
fn epoch_at(server: &Server, shard: usize) -> String {
    let at = |epoch: &String| server.shard_of(&format!("{{{epoch}}}")).0 == shard;
    let mut epochs = (1..).map(|number| format!("h{number}"));
    epochs.find(at).expect("there is one")
}

/// Two processes, and a room on each shard in which 2 is a member and hears at the second process.
async fn rooms_on_each_shard(bed: &Bed) -> (Node, Node, [RoomId; 3], Socket, Socket) {
    let log = Arc::new(Log::default());
    let a = Node::start(bed, &log, NEVER).await;
    let b = Node::start(bed, &log, NEVER).await;
    let mut rooms = [None; 3];
    while rooms.contains(&None) {
        let room = a.room(1).await;
        a.join(room, 2).await;
        rooms[bed.node_of(room)] = Some(room);
    }
    let rooms = rooms.map(|room| room.expect("a room"));
    let (one, two) = (a.socket(1).await, b.socket(2).await);
    for room in rooms {
        eventually(SOON, "both follow", async || bed.followers(room) == 2).await;
    }
    (a, b, rooms, one, two)
}

/// Says something that only Redis can bring: the database answers nobody meanwhile.
async fn is_heard_by_redis(from: &Node, room: RoomId, text: &str, hears: &mut Socket) {
    from.log.set_down(true);
    from.send(room, 1, text).await;
    let heard = |texts: Vec<String>| texts.iter().any(|heard| heard == text);
    eventually(SOON, text, async || heard(hears.texts())).await;
    from.log.set_down(false);
}

/// Each with a corner of its own: their keys are on different shards.
#[tokio::test]
async fn all_that_crosses_over_one_server_crosses_over_a_cluster() {
    if left_out() {
        return;
    }
    let server = Arc::new(Server::start_cluster(&[]));
    let bed = |number: u8| Bed::new(&server, &format!("e{number}"));
    tokio::join!(
        async { everyday::people_are_here_in_every_process(&bed(1)).await },
        async { everyday::the_people_of_a_dead_process_leave(&bed(2)).await },
        async { everyday::the_people_of_who_stops_leave_unless_they_came_back(&bed(3)).await },
        async { everyday::nobody_is_at_a_drained_process(&bed(4)).await },
        async {
            everyday::what_is_said_in_one_process_is_heard_in_the_other_once_and_in_order(&bed(5))
                .await;
            everyday::a_process_follows_a_room_while_somebody_there_listens(&bed(6)).await;
            everyday::who_joins_elsewhere_hears_at_once_and_who_is_removed_hears_no_more(&bed(7))
                .await;
            everyday::a_stay_is_heard_whole_whichever_end_comes_first(&bed(8)).await;
            everyday::nothing_is_missed_while_a_process_begins_to_follow(&bed(9)).await;
            everyday::typing_reading_and_ended_credentials_cross(&bed(10)).await;
            everyday::words_of_another_version_are_hints(&bed(11)).await;
        },
    );
}

#[tokio::test]
async fn a_cluster_that_is_disturbed_loses_nothing() {
    if left_out() {
        return;
    }
    let server = Arc::new(Server::start_cluster(&[]));
    let bed = |number: u8| Bed::new(&server, &format!("e{number}"));
    faults::what_one_process_could_not_say_is_looked_for_by_the_others(&bed(1)).await;
    faults::a_lost_departure_is_made_up_for(&bed(2)).await;
    faults::clearing_up_is_tried_again(&bed(3)).await;
    faults::emptying_redis_loses_nothing(&bed(4)).await;
    faults::a_full_redis_loses_nothing(&bed(5)).await;
}

#[tokio::test]
async fn a_cluster_that_dies_and_comes_back_empty_loses_nothing() {
    if left_out() {
        return;
    }
    let server = Arc::new(Server::start_cluster(&[]));
    faults::redis_dies_and_an_empty_one_comes_back(&Bed::new(&server, "e1")).await;
    let bed = Bed::new(&server, "e2");
    faults::who_came_and_left_while_redis_was_away_is_told_afterwards(&bed).await;
}

/// At the same addresses, and each has other slots.
#[tokio::test]
async fn another_cluster_may_take_the_place_of_one() {
    if left_out() {
        return;
    }
    let server = Arc::new(Server::start_cluster(&[]));
    let bed = Bed::new(&server, "e1");
    let (a, _b, rooms, one, mut two) = rooms_on_each_shard(&bed).await;
    server.replace();
    for room in rooms {
        eventually(SOON, "both follow", async || bed.followers(room) == 2).await;
    }
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    for room in rooms {
        is_heard_by_redis(&a, room, &format!("after {room}"), &mut two).await;
    }
    assert!(!one.is_closed() && !two.is_closed());
}

/// The shard that dies has the keys of this family, too.
#[tokio::test]
async fn a_shard_dies_and_its_replica_takes_its_place() {
    if left_out() {
        return;
    }
    let server = Arc::new(Server::start_cluster(&["--cluster-node-timeout", "1500"]));
    let bed = Bed::new(&server, &epoch_at(&server, 0));
    let (a, _b, rooms, one, mut two) = rooms_on_each_shard(&bed).await;
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    server.kill_node(0);
    for (number, room) in rooms.into_iter().enumerate() {
        a.send(room, 1, &format!("while away {number}")).await;
    }
    eventually(SOON, "all is heard", async || two.texts().len() == 3).await;
    let taken = Duration::from_secs(20);
    eventually(taken, "the replica has the room", async || {
        bed.followers(rooms[0]) == 2
    })
    .await;
    eventually(SOON, "the replica knows who is here", async || {
        a.here(&[1, 2]).await == [1, 2]
    })
    .await;
    for room in rooms {
        is_heard_by_redis(&a, room, &format!("after {room}"), &mut two).await;
    }
    assert!(!one.is_closed() && !two.is_closed());
}

/// It answers nothing and closes nothing; the others are not to wait for it.
#[tokio::test]
async fn a_silent_shard_silences_only_itself() {
    if left_out() {
        return;
    }
    let server = Arc::new(Server::start_cluster(&[]));
    let bed = Bed::new(&server, &epoch_at(&server, 1));
    let (a, _b, rooms, _one, mut two) = rooms_on_each_shard(&bed).await;
    server.set_silent(2, true);
    a.send(rooms[2], 1, "into the silence").await;
    for room in &rooms[..2] {
        is_heard_by_redis(&a, *room, &format!("beside {room}"), &mut two).await;
    }
    let noticed = Duration::from_secs(10);
    eventually(noticed, "through the database", async || {
        two.texts().contains(&"into the silence".to_owned())
    })
    .await;
    server.set_silent(2, false);
    eventually(SOON, "both follow", async || bed.followers(rooms[2]) == 2).await;
    is_heard_by_redis(&a, rooms[2], "after", &mut two).await;
}

/// The same, and it is the one that knows who is here.
#[tokio::test]
async fn a_silent_home_silences_only_itself() {
    if left_out() {
        return;
    }
    let server = Arc::new(Server::start_cluster(&[]));
    let bed = Bed::new(&server, &epoch_at(&server, 2));
    let (a, b, rooms, one, mut two) = rooms_on_each_shard(&bed).await;
    eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    server.set_silent(2, true);
    // The home is to be told of them, and does not answer.
    a.join(rooms[0], 3).await;
    let _three = a.socket(3).await;
    for number in 0..20 {
        let room = rooms[number % 2];
        is_heard_by_redis(&a, room, &format!("beside {number}"), &mut two).await;
    }
    server.set_silent(2, false);
    eventually(Duration::from_secs(6), "told who is here", async || {
        b.here(&[1, 2, 3]).await == [1, 2, 3]
    })
    .await;
    eventually(SOON, "both follow", async || bed.followers(rooms[2]) == 2).await;
    is_heard_by_redis(&a, rooms[2], "after", &mut two).await;
    assert!(!one.is_closed() && !two.is_closed());
}

#[tokio::test]
async fn a_slot_goes_to_another_shard_while_its_rooms_are_talked_in() {
    if left_out() {
        return;
    }
    let server = Arc::new(Server::start_cluster(&[]));
    let bed = Bed::new(&server, &epoch_at(&server, 1));
    let (a, b, rooms, mut one, mut two) = rooms_on_each_shard(&bed).await;
    let room = rooms[0];
    let (_, slot) = server.shard_of(&bed.channel(room));
    let (_, home) = server.shard_of(&bed.key("all"));
    let mut said = Vec::new();
    for (round, (slot, to)) in [(&slot, 2), (&home, 0), (&slot, 1)].into_iter().enumerate() {
        for number in 0..60 {
            if number == 20 {
                server.move_slot(slot, to);
            }
            let (node, author) = if number % 2 == 0 { (&a, 1) } else { (&b, 2) };
            let text = format!("{round} {number}");
            node.send(room, author, &text).await;
            said.push(text);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        eventually(SOON, "heard", async || {
            two.texts().len() == said.len() && one.texts().len() == said.len()
        })
        .await;
        eventually(SOON, "both follow", async || bed.followers(room) == 2).await;
        eventually(SOON, "2 is here", async || a.here(&[2]).await == [2]).await;
    }
    assert_eq!(two.texts(), said);
    assert_eq!(one.texts(), said);
    let channel = bed.channel(room);
    let counted = server.ask_node(1, &["pubsub", "shardnumsub", &channel]);
    assert_eq!(counted.lines().last(), Some("2"), "at its new place");
    is_heard_by_redis(&a, room, "after", &mut two).await;
}

/// Who only speaks in a room is not told that its slot went elsewhere, but when it speaks.
#[tokio::test]
async fn who_has_an_old_map_is_sent_on() {
    if left_out() {
        return;
    }
    let server = Arc::new(Server::start_cluster(&[]));
    let bed = Bed::new(&server, &epoch_at(&server, 1));
    let (a, _b, rooms, _one, mut two) = rooms_on_each_shard(&bed).await;
    let speaker = Node::start(&bed, &a.log, NEVER).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (_, slot) = server.shard_of(&bed.channel(rooms[0]));
    for to in [2, 0, 1] {
        server.move_slot(&slot, to);
        let counted = ["pubsub", "shardnumsub", &bed.channel(rooms[0])];
        eventually(SOON, "both follow it there", async || {
            server.ask_node(to, &counted).lines().last() == Some("2")
        })
        .await;
        is_heard_by_redis(&speaker, rooms[0], &format!("sent on to {to}"), &mut two).await;
    }
}

async fn start(url: &str) -> Result<(), RedisError> {
    let bus = RedisBus::new(url, &SystemRandom)?;
    bus.start(family("e1", "s"), CancellationToken::new())
        .await
        .map(|_| ())
}

#[tokio::test]
async fn a_cluster_and_one_server_are_not_taken_for_each_other() {
    if left_out() {
        return;
    }
    let server = Server::start_cluster(&[]);
    let plain = format!("redis://{}", server.address(0));
    for refused in [
        start(&plain).await.expect_err("a cluster"),
        inspect_redis(&plain).await.expect_err("a cluster"),
    ] {
        assert!(matches!(refused, RedisError::Cluster), "{refused:?}");
        assert!(refused.to_string().contains("redis+cluster://"));
    }
    let found = inspect_redis(&server.url()).await.expect("a cluster");
    let RedisInspection {
        shards, replicas, ..
    } = found;
    assert_eq!(shards, Some(3));
    assert!(replicas <= 1, "{replicas}");
    // Servers name a replica once they know how far it is.
    eventually(Duration::from_secs(15), "a replica", async || {
        let found = inspect_redis(&server.url()).await.expect("a cluster");
        found.replicas == 1
    })
    .await;
    // One of the named servers is enough, and it need not be a master.
    let address = server.address(3);
    let some = format!("redis+cluster://127.0.0.1:1,{address}");
    start(&some).await.expect("let in");
    let nowhere = start("redis+cluster://127.0.0.1:1").await;
    assert!(
        matches!(nowhere, Err(RedisError::Refused(_))),
        "{nowhere:?}"
    );

    let one = Server::start(&[]);
    let port = one.give_port();
    let url = format!("redis+cluster://127.0.0.1:{port}");
    for refused in [
        start(&url).await.expect_err("no cluster"),
        inspect_redis(&url).await.expect_err("no cluster"),
    ] {
        assert!(matches!(refused, RedisError::NoCluster), "{refused:?}");
    }
}

#[tokio::test]
async fn users_passwords_and_what_is_missing_are_told() {
    if left_out() {
        return;
    }
    let extra = ["--requirepass", "velvet", "--masterauth", "velvet"];
    let server = Arc::new(Server::start_cluster(&extra));
    faults::what_will_not_do_is_refused_with_its_reason(&Bed::new(&server, "e1")).await;
    // No more rights than docs/guide/deploy.md says.
    let rights = "~parlour:* &parlour:* +@connection +@pubsub +@read +@write +@transaction +info +time \
                  +cluster|info +cluster|slots";
    let ada = ["acl", "setuser", "ada", "on", ">rose"];
    let ada: Vec<_> = ada.into_iter().chain(rights.split_whitespace()).collect();
    server.tell_all(&ada);
    let url = |who: &str| format!("redis+cluster://{who}@{}", server.address(1));
    start(&url("ada:rose")).await.expect("let in");
    let refused = start(&url("ada:thorn")).await.expect_err("no entry");
    assert!(matches!(refused, RedisError::Refused(_)), "{refused:?}");
    assert!(!refused.to_string().contains("thorn"), "{refused}");
    let mut bed = Bed::new(&server, "e2");
    bed.url = url("ada:rose");
    let (a, _b, rooms, _one, mut two) = rooms_on_each_shard(&bed).await;
    for room in rooms {
        is_heard_by_redis(&a, room, &format!("in {room}"), &mut two).await;
    }
    eventually(SOON, "both are here", async || {
        a.here(&[1, 2]).await == [1, 2]
    })
    .await;

    // A cluster in which nobody has a slot does not work.
    assert_eq!(server.ask_node(1, &["cluster", "delslots", "8000"]), "OK");
    eventually(SOON, "the cluster is down", async || {
        server
            .ask_node(1, &["cluster", "info"])
            .contains("cluster_state:fail")
    })
    .await;
    let refused = start(&url("ada:rose")).await.expect_err("not ready");
    assert!(matches!(refused, RedisError::Unready(_)), "{refused:?}");
    assert!(
        refused.to_string().contains("cluster_state:fail"),
        "{refused}"
    );
}
