//! `docs/protocol/account-socket.md` is run: what it shows is what happens.

use crate::log::new_message;
use crate::world::{World, settle, user};
use parlour_core::{MessageId, RoomId, Time, UserId, What, event::EndReason, model::Message};
use std::sync::Arc;

const DOCUMENT: &str = include_str!("../../../../docs/protocol/account-socket.md");

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
        } else if line.starts_with("```json") {
            let body = lines.next().expect("a block has a line");
            assert_eq!(lines.next(), Some("```"), "one line each: {body}");
            steps.push(match line {
                "```json client" => Step::Client(body),
                "```json server" => Step::Server(body),
                other => panic!("unknown block {other}"),
            });
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
