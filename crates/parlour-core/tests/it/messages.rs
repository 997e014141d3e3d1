//! Messages: who may, what is kept, what a nonce does.

use crate::world::{World, code, fields, value};
use parlour_core::{
    Actor, RoomId, Settings, What,
    given::Given,
    messages::{self, EditMessage, SendMessage, Sent},
    model::{PageNumber, PageRequest},
    rooms,
};

async fn send(
    world: &World,
    actor: &Actor,
    room: RoomId,
    text: &str,
    nonce: &str,
) -> Result<Sent, parlour_core::Error> {
    let nonce = if nonce.is_empty() {
        Given::Missing
    } else {
        value(nonce)
    };
    let input = SendMessage {
        files: Vec::new(),
        room: Given::Value(room),
        text: value(text),
        nonce,
        reply_to: Given::Missing,
    };
    messages::send(&world.app, actor, input).await
}

const FIRST: Option<PageRequest> = Some(PageRequest {
    page: PageNumber::Nth(1),
    size: 10,
});

#[tokio::test]
async fn only_those_inside_write_and_read() {
    let world = World::new().await;
    let (ada, bob, eve) = (
        world.actor("ada").await,
        world.actor("bob").await,
        world.actor("eve").await,
    );
    let room = world.room(&ada, "open", "GROUP", 5).await;
    let hidden = world.room(&ada, "secret", "PRIVATE", 5).await;
    rooms::join(&world.app, &bob, room.id).await.expect("joins");
    let message = send(&world, &bob, room.id, " hi\nthere ", "")
        .await
        .expect("sends")
        .message;
    assert_eq!(message.text, "hi\nthere");
    messages::get(&world.app, &ada, message.id)
        .await
        .expect("the host reads");
    assert_eq!(
        code(messages::get(&world.app, &eve, message.id).await),
        "owner_only"
    );

    let text = |outcome| fields(outcome)[0].1.clone();
    assert_eq!(
        text(send(&world, &eve, room.id, "hi", "").await),
        "You're not authorized to perform any actions in this room"
    );
    let secret = text(send(&world, &eve, hidden.id, "hi", "").await);
    let nothing = text(send(&world, &eve, RoomId::new(99), "hi", "").await);
    assert_eq!(secret.replace(&hidden.id.to_string(), "99"), nothing);

    let list = async |actor: &Actor, room| {
        messages::list(&world.app, actor, room, FIRST)
            .await
            .map(|page| page.items.len())
    };
    assert_eq!(
        list(&eve, Given::Value(room.id))
            .await
            .expect("known, but not in it"),
        0
    );
    assert_eq!(
        fields(list(&eve, Given::Value(hidden.id)).await)[0].0,
        "room"
    );
    assert_eq!(list(&ada, Given::Missing).await.expect("all of hers"), 1);
}

#[tokio::test]
async fn a_nonce_sends_once() {
    let world = World::new().await;
    let ada = world.actor("ada").await;
    let room = world.room(&ada, "open", "GROUP", 5).await;
    let first = send(&world, &ada, room.id, "hi", "n1")
        .await
        .expect("sends");
    let again = send(&world, &ada, room.id, "hi", "n1")
        .await
        .expect("answers the first");
    assert_eq!((first.repeated, again.repeated), (false, true));
    assert_eq!(first.message, again.message);
    assert_eq!(
        code(send(&world, &ada, room.id, "other", "n1").await),
        "nonce_reused"
    );
    let edit = EditMessage {
        text: value("edited"),
        ..EditMessage::default()
    };
    messages::edit(&world.app, &ada, first.message.id, edit)
        .await
        .expect("edits");
    let edited = send(&world, &ada, room.id, "hi", "n1")
        .await
        .expect("the first body counts");
    assert_eq!(edited.message.text, "edited");
    messages::delete(&world.app, &ada, first.message.id)
        .await
        .expect("deletes");
    assert_eq!(
        code(send(&world, &ada, room.id, "hi", "n1").await),
        "nonce_reused"
    );
    let sent = world
        .events()
        .iter()
        .filter(|e| matches!(e.what, What::MessageCreated(_)))
        .count();
    assert_eq!(sent, 1);
}

#[tokio::test]
async fn texts_within_the_limit() {
    let settings = Settings {
        rates: None,
        max_text_chars: 10,
        ..Settings::default()
    };
    let world = World::with(settings).await;
    let ada = world.actor("ada").await;
    let room = world.room(&ada, "open", "GROUP", 5).await;
    send(&world, &ada, room.id, "다은다은다은다은다은", "")
        .await
        .expect("ten characters");
    for bad in ["", "  \n ", "12345678901", "a\0b"] {
        assert_eq!(
            fields(send(&world, &ada, room.id, bad, "").await)[0].0,
            "text",
            "{bad:?}"
        );
    }
}

#[tokio::test]
async fn leaving_ends_writing_but_not_deleting() {
    let world = World::new().await;
    let (ada, bob) = (world.actor("ada").await, world.actor("bob").await);
    for (kind, refusal) in [("GROUP", "not_in_room"), ("PRIVATE", "not_found")] {
        let room = world.room(&ada, kind, kind, 5).await;
        rooms::invite(&world.app, &ada, room.id, Given::Value(bob.user))
            .await
            .expect("invites");
        rooms::join(&world.app, &bob, room.id).await.expect("joins");
        let message = send(&world, &bob, room.id, "mine", "")
            .await
            .expect("sends")
            .message;
        let edit = async |actor| {
            let input = EditMessage {
                text: value("changed"),
                ..EditMessage::default()
            };
            messages::edit(&world.app, actor, message.id, input).await
        };
        assert_eq!(
            code(edit(&ada).await),
            "owner_only",
            "the host moderates, but does not rewrite"
        );
        edit(&bob).await.expect("the author edits");
        rooms::leave(&world.app, &bob, room.id)
            .await
            .expect("leaves");
        assert_eq!(code(edit(&bob).await), refusal);
        messages::delete(&world.app, &bob, message.id)
            .await
            .expect("the author deletes");
        assert_eq!(
            code(messages::delete(&world.app, &ada, message.id).await),
            "not_found"
        );
    }
}

#[tokio::test]
async fn a_message_stays_in_its_room() {
    let world = World::new().await;
    let ada = world.actor("ada").await;
    let (one, two) = (
        world.room(&ada, "one", "GROUP", 5).await,
        world.room(&ada, "two", "GROUP", 5).await,
    );
    let message = send(&world, &ada, one.id, "hi", "")
        .await
        .expect("sends")
        .message;
    let to = async |room, whole| {
        let input = EditMessage {
            room,
            whole,
            ..EditMessage::default()
        };
        messages::edit(&world.app, &ada, message.id, input).await
    };
    to(Given::Value(one.id), true)
        .await
        .expect("repeating the room is fine");
    assert_eq!(fields(to(Given::Value(two.id), false).await)[0].0, "room");
    assert_eq!(
        fields(to(Given::Missing, true).await)[0].1,
        "This field is required."
    );
}
