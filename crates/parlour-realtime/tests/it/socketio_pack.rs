//! Socket.IO in packets of msgpack.

use crate::{
    msgpack::{packed, unpacked},
    socketio::Sio,
    wire::Client,
    world::{World, user},
};
use parlour_core::event::LeaveReason;
use parlour_realtime::{Frame, Speech};
use serde_json::{Value, json};

fn send(client: &Client, packet: &Value) {
    client.send(Frame::Binary(packed(packet).into()));
}

/// The next packet, answering pings.
async fn packet(client: &mut Client) -> Value {
    loop {
        match client.next_frame().await {
            Frame::Binary(bytes) => return unpacked(&bytes),
            // Engine.IO's own packets are text.
            Frame::Text(text) if *text == *b"2" => client.text("3"),
            other => panic!("expected a packet, not {other:?}"),
        }
    }
}

fn connect(space: &str, auth: &Value) -> Value {
    json!({"type": 0, "nsp": space, "data": auth})
}

fn event(space: &str, id: u64, name: &str, argument: &Value) -> Value {
    json!({"type": 2, "nsp": space, "id": id, "data": [name, argument], "options": {"compress": true}})
}

/// A connection of this account with the namespace `/`.
async fn open(world: &World, id: i64) -> Sio {
    let mut sio = world.meet_as(Speech::Pack);
    let client = &mut sio.client;
    send(client, &connect("/", &json!({"token": id.to_string()})));
    let connected = json!({"type": 0, "nsp": "/", "data": {"sid": "S"}});
    assert_eq!(packet(client).await, connected);
    assert_eq!(packet(client).await["data"][0], "hello");
    sio
}

#[tokio::test(start_paused = true)]
async fn what_is_said_is_the_same_as_in_text() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    let (mut one, mut two) = (open(&world, 1).await, world.sio(2).await);
    let hi = json!({"room": 1, "text": "안녕", "nonce": "n"});
    send(&one.client, &event("/", 7, "message", &hi));
    let (mut ack, mut live) = (Value::Null, Value::Null);
    while ack.is_null() || live.is_null() {
        let packet = packet(&mut one.client).await;
        match (&packet["type"], &packet["data"][0]) {
            (kind, _) if kind == 3 => ack = packet,
            (_, name) if name == "message" => live = packet,
            _ => {}
        }
    }
    let (name, message) = two.news().await;
    assert_eq!(name, "message");
    assert_eq!(message["text"], "안녕");
    assert_eq!(
        ack,
        json!({"type": 3, "nsp": "/", "id": 7, "data": [{"ok": true, "message": message}]})
    );
    assert_eq!(
        live,
        json!({"type": 2, "nsp": "/", "data": ["message", message]})
    );
    // And what is handed over later.
    let join = event("/", 8, "join", &json!({"room": 1, "after": 2}));
    send(&one.client, &join);
    assert_eq!(packet(&mut one.client).await["id"], 8);
    assert_eq!(packet(&mut one.client).await, live);
    let recovered = packet(&mut one.client).await;
    assert_eq!(recovered["data"][0], "recovered", "{recovered}");
}

#[tokio::test(start_paused = true)]
async fn a_room_and_its_end() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    let mut sio = world.meet_as(Speech::Pack);
    let client = &mut sio.client;
    send(client, &connect("/random", &Value::Null));
    let refused = json!({"type": 4, "nsp": "/random", "data": {"message": "Invalid namespace"}});
    assert_eq!(packet(client).await, refused);
    send(client, &connect("/room-1", &Value::Null));
    let refused = packet(client).await;
    assert_eq!(refused["data"]["data"]["code"], "unauthenticated");
    send(client, &connect("/room-1", &json!({"token": "2"})));
    assert_eq!(packet(client).await["type"], 0);
    assert_eq!(packet(client).await["data"][0], "hello");
    let bytes = json!({"text": {"_placeholder": true}});
    send(client, &event("/room-1", 1, "message", &bytes));
    let refused = packet(client).await;
    assert_eq!(refused["data"][0]["code"], "invalid", "{refused}");
    let left = world.log.leave(room, user(2), LeaveReason::Removed);
    world.tell(left).await;
    assert_eq!(packet(client).await["data"][0], "member.left");
    assert_eq!(packet(client).await, json!({"type": 1, "nsp": "/room-1"}));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_packet_ends_it() {
    let world = World::new();
    world.room(1).await;
    let frames = [
        Frame::Text("40{\"token\":\"1\"}".into()),
        Frame::Text("42[\"message\",{}]".into()),
        Frame::Binary(b"\x80".as_slice().into()),
        Frame::Binary(packed(&event("/", 1, "message", &json!({}))).into()),
        Frame::Binary(packed(&json!({"type": 2, "nsp": "/", "data": {}})).into()),
    ];
    for frame in frames {
        let mut sio = world.meet_as(Speech::Pack);
        sio.client.send(frame.clone());
        assert_eq!(sio.until_closed().await.1, Some(4002), "{frame:?}");
    }
    let mut sio = open(&world, 1).await;
    sio.client.text("1");
    assert_eq!(sio.until_closed().await.1, Some(1000));
}
