//! The documents in `docs/protocol` are run: what they show is what happens.

use crate::log::new_message;
use crate::sockets::Served;
use crate::world::{World, settle, user};
use parlour_core::{
    MessageId, RoomId, Signal, Time, UserId, What,
    event::{EndReason, LeaveReason},
    model::Message,
    ports::Announce as _,
};
use std::sync::Arc;

const DOCUMENT: &str = include_str!("../../../../docs/protocol/account-socket.md");
const VERSION_2: &str = include_str!("../../../../docs/protocol/account-socket-v2.md");
const SOCKET_IO: &str = include_str!("../../../../docs/protocol/socket-io.md");
const ROOM: &str = include_str!("../../../../docs/protocol/room-socket.md");

/// What a document asks a test to do.
#[derive(Debug, PartialEq, Eq)]
enum Step<'a> {
    Client(&'a str),
    Server(&'a str),
    Event(&'a str),
}

fn steps(document: &str) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let event = line.strip_prefix("<!-- event: ");
        if let Some(event) = event.and_then(|rest| rest.strip_suffix(" -->")) {
            steps.push(Step::Event(event));
        } else if line.starts_with("```json") || line.starts_with("```packets") {
            let frames = lines.by_ref().take_while(|frame| *frame != "```");
            steps.extend(frames.map(|frame| match line {
                "```json client" | "```packets client" => Step::Client(frame),
                "```json server" | "```packets server" => Step::Server(frame),
                other => panic!("unknown block {other}"),
            }));
        }
    }
    steps
}

/// The message that the document changes.
fn changed() -> What {
    What::MessageUpdated(Arc::new(Message {
        nonce: Some("7f3a".to_owned()),
        created_at: Time::from_micros(1_795_304_414_000_003),
        updated_at: Time::from_micros(1_795_304_415_000_000),
        ..new_message(
            (MessageId::new(2), RoomId::new(1), UserId::new(2)),
            4,
            "안녕!",
        )
    }))
}

#[tokio::test(start_paused = true)]
async fn the_account_socket() {
    let world = World::new();
    let room = world.room(1).await;
    let _not_mine = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    let mut served = world.serve(2).await;
    let steps = steps(DOCUMENT);
    assert!(steps.len() > 20);
    for step in steps {
        match step {
            Step::Client(text) => served.client.text(text),
            Step::Server(text) => {
                let frame = served.client.next_frame().await;
                assert_eq!(frame, parlour_realtime::Frame::Text(text.to_owned().into()));
            }
            Step::Event(event) => {
                let events = match event {
                    "message 2 is changed to \"안녕!\"" => world.log.commit(room, changed()),
                    "message 2 is deleted" => {
                        let what = What::MessageDeleted(MessageId::new(2));
                        world.log.commit(room, what)
                    }
                    "room 1 is deleted" => world.log.end(room, EndReason::Deleted),
                    other => panic!("unknown event {other}"),
                };
                world.tell(events).await;
            }
        }
        settle().await;
    }
}

/// Sends what the document sends, expects what it shows, and lets `act` do the rest.
async fn run(document: &str, served: &mut Served, mut act: impl AsyncFnMut(&str)) {
    let steps = steps(document);
    assert!(steps.len() > 10);
    for step in steps {
        match step {
            Step::Client(text) => served.client.text(text),
            Step::Server(text) => {
                let frame = served.client.next_frame().await;
                assert_eq!(frame, parlour_realtime::Frame::Text(text.to_owned().into()));
            }
            Step::Event(event) => act(event).await,
        }
        settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_account_socket_version_2() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    world.tell(world.log.rename(room)).await;
    world.send(room, 1, "hello").await;
    world.send(room, 1, "anybody?").await;
    settle().await;
    let mut served = world.serve_v2(2).await;
    let mut others = Vec::new();
    let (tea, cake, mine) = (room, RoomId::new(2), RoomId::new(3));
    run(VERSION_2, &mut served, async |event| {
        let log = &world.log;
        let events = match event {
            "3 joins" => log.join(tea, user(3)),
            "3 is removed" => log.leave(tea, user(3), LeaveReason::Removed),
            "1 is changed" => log.rename(tea),
            "4 is purged" => log.commit(tea, What::MessagesPurged(user(4))),
            "1 is deleted" => log.end(tea, EndReason::Deleted),
            "a room begins" => log.create(user(1)).1,
            "2 is changed" => log.rename(cake),
            "2 is deleted" => log.end(cake, EndReason::Deleted),
            "room 3 of one's own begins, and 3 joins it" => {
                let mut events = log.create(user(2)).1;
                events.extend(log.join(mine, user(3)));
                events
            }
            "3 comes" => {
                others.push(world.serve(3).await);
                Vec::new()
            }
            "3 writes" => {
                let (room, user) = (mine, user(3));
                world.realtime.signal(Signal::Typing { room, user }).await;
                Vec::new()
            }
            "the server stops" => {
                let realtime = world.realtime.clone();
                tokio::spawn(async move { realtime.shutdown().await });
                Vec::new()
            }
            other => panic!("unknown event {other}"),
        };
        world.tell(events).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_socket_of_one_room() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    settle().await;
    let mut served = world.serve_room(2, room).await.expect("a member");
    run(ROOM, &mut served, async |event| {
        let id = MessageId::new(1);
        let events = match event {
            "message 1 is changed to \"hello!\"" => {
                let change = parlour_realtime::NewChange {
                    id,
                    what: parlour_realtime::ChangeKind::Edit("hello!".to_owned()),
                    nonce: None,
                };
                world.log.change(&change, user(2)).expect("is there").1
            }
            "message 1 is deleted" => world.log.commit(room, What::MessageDeleted(id)),
            "room 1 is deleted" => world.log.end(room, EndReason::Deleted),
            other => panic!("unknown event {other}"),
        };
        world.tell(events).await;
    })
    .await;
    assert_eq!(served.client.until_closed().await.1, Some(4404));
}

#[tokio::test(start_paused = true)]
async fn socket_io() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    let mut sio = world.meet();
    for step in steps(SOCKET_IO) {
        match step {
            Step::Client(packet) => sio.client.text(packet),
            Step::Server(packet) => assert_eq!(sio.packet().await, packet),
            Step::Event("1 says hi") => world.send(room, 1, "hi").await,
            Step::Event("3 joins") => world.tell(world.log.join(room, user(3))).await,
            Step::Event("2 is removed") => {
                let events = world.log.leave(room, user(2), LeaveReason::Removed);
                world.tell(events).await;
            }
            Step::Event(other) => panic!("unknown event {other}"),
        }
        settle().await;
    }
    assert_eq!(sio.client.try_recv(), None, "everything is in the document");
}
