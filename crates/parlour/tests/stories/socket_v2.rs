//! The account socket, version 2, against the real server and both databases.

use crate::support::{Server, Socket, User, Value, json, people::id, stories};
use std::collections::BTreeMap;

stories![
    hello_then_acknowledged_sends,
    the_same_nonce_is_acknowledged_the_same_way,
    changes_and_reactions_are_acknowledged,
    a_client_that_was_cut_goes_on_where_it_was,
    an_old_epoch_and_a_foreign_room_are_told,
    the_cookie_needs_our_own_page,
    strangers_hear_of_group_rooms_only,
];

async fn open(server: &Server, user: &User) -> (Socket, Value) {
    let path = format!("/?token={}&v=2", user.token);
    let mut socket = Socket::open_at(server.address(), &path, &[])
        .await
        .expect("opens");
    let hello = socket.next().await;
    assert_eq!(hello["type"], "hello", "{hello}");
    assert_eq!(hello["user"], user.id);
    (socket, hello)
}

/// The next frame of this type; what may be lost is passed over.
async fn expect(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let frame = socket.next().await;
        if frame["type"] == kind {
            return frame;
        }
        let is_passing =
            ["presence", "read", "typing"].contains(&frame["type"].as_str().expect("a type"));
        assert!(is_passing, "{kind} was expected: {frame}");
    }
}

/// Reads until there is one frame of each of these types, in any order.
async fn each(socket: &mut Socket, kinds: &[&str]) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    while found.len() < kinds.len() {
        let frame = socket.next().await;
        let kind = frame["type"].as_str().expect("a type").to_owned();
        assert!(kinds.contains(&kind.as_str()), "{kinds:?}: {frame}");
        assert!(found.insert(kind, frame).is_none(), "{kinds:?} twice");
    }
    found
}

async fn hello_then_acknowledged_sends(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let (mut socket, hello) = open(&server, &ada).await;
    assert_eq!(hello["cursors"], json!({ room.to_string(): 1 }));
    assert_eq!(hello["max_frame"], 128_192);
    socket
        .send(json!({"type": "send", "room": room, "text": "**hi**", "nonce": "n1"}))
        .await;
    let frames = each(&mut socket, &["ack", "message.created"]).await;
    let (ack, created) = (&frames["ack"], &frames["message.created"]);
    assert_eq!((&ack["nonce"], &ack["seq"]), (&json!("n1"), &json!(2)));
    assert_eq!(ack["id"], created["message"]["id"]);
    assert_eq!(created["message"]["nonce"], "n1");
    assert_eq!(created["message"]["sender"], "ada");
    let html = created["message"]["html"].as_str().expect("HTML");
    assert!(html.contains("<strong>hi</strong>"), "{html}");
}

async fn the_same_nonce_is_acknowledged_the_same_way(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let (mut socket, _) = open(&server, &ada).await;
    let wish = json!({"type": "send", "room": room, "text": "hi", "nonce": "n1"});
    socket.send(wish.clone()).await;
    let first = each(&mut socket, &["ack", "message.created"]).await["ack"].clone();
    for _ in 0..3 {
        socket.send(wish.clone()).await;
        assert_eq!(expect(&mut socket, "ack").await, first);
    }
    let mut other = wish;
    other["text"] = json!("something else");
    socket.send(other).await;
    let error = expect(&mut socket, "error").await;
    assert_eq!(
        (&error["code"], &error["nonce"]),
        (&json!("nonce_reused"), &json!("n1"))
    );
    assert_eq!(ada.history(room).await.len(), 2);
}

async fn changes_and_reactions_are_acknowledged(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let message = id(&ada.say(room, "hi").await);
    let (mut socket, _) = open(&server, &ada).await;
    let mut seq = 2;
    for (mut wish, kind) in [
        (json!({"type": "edit", "text": "ho"}), "message.updated"),
        (
            json!({"type": "react", "emoji": "👍", "on": true}),
            "reaction.added",
        ),
        (
            json!({"type": "react", "emoji": "👍", "on": false}),
            "reaction.removed",
        ),
        (json!({"type": "delete"}), "message.deleted"),
    ] {
        seq += 1;
        wish["id"] = json!(message);
        wish["nonce"] = json!(kind);
        socket.send(wish).await;
        let frames = each(&mut socket, &["ack", kind]).await;
        assert_eq!(frames[kind]["seq"], seq);
        let ack = &frames["ack"];
        assert_eq!(
            (&ack["nonce"], &ack["seq"], &ack["id"]),
            (&json!(kind), &json!(seq), &json!(message))
        );
    }
}

async fn a_client_that_was_cut_goes_on_where_it_was(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let mut seen = 2;
    for round in 0..5 {
        for number in 0..60 {
            ada.say(room, &format!("{round} {number}")).await;
        }
        let (mut socket, hello) = open(&server, &bob).await;
        ada.say(room, "between hello and resume").await;
        socket
            .send(json!({"type": "resume", "epoch": hello["epoch"], "cursors": {room.to_string(): seen}}))
            .await;
        // What was said between may come before or after the word that nothing is missing.
        let (mut missed, mut recovered) = (0, None);
        while missed < 61 || recovered.is_none() {
            let frame = socket.next().await;
            match frame["type"].as_str() {
                Some("message.created") => {
                    seen += 1;
                    missed += 1;
                    assert_eq!(frame["seq"], seen);
                }
                Some("recovered") => {
                    assert_eq!(
                        (&frame["room"], &frame["seq"]),
                        (&json!(room), &json!(seen))
                    );
                    recovered = Some(frame);
                }
                _ => assert_eq!(frame["type"], "presence", "{frame}"),
            }
        }
        ada.say(room, "live").await;
        seen += 1;
        assert_eq!(expect(&mut socket, "message.created").await["seq"], seen);
    }
}

async fn an_old_epoch_and_a_foreign_room_are_told(server: Server) {
    let (ada, eve) = (server.user("ada").await, server.user("eve").await);
    let (tea, secret) = (ada.room("Tea").await, eve.private_room("Secret").await);
    let (mut socket, hello) = open(&server, &ada).await;
    let cursors = json!({tea.to_string(): 1, secret.to_string(): 0});
    socket
        .send(
            json!({"type": "resume", "epoch": "of another time", "cursors": {tea.to_string(): 1}}),
        )
        .await;
    assert_eq!(expect(&mut socket, "resync").await["seq"], 1);
    socket
        .send(json!({"type": "resume", "epoch": hello["epoch"], "cursors": cursors}))
        .await;
    assert_eq!(expect(&mut socket, "recovered").await["room"], tea);
    let error = expect(&mut socket, "error").await;
    assert_eq!(
        (&error["code"], &error["room"]),
        (&json!("not_found"), &json!(secret))
    );
}

/// Without a session nothing opens, wherever the page is from; a session of its own is the business of
/// the browser suite.
async fn the_cookie_needs_our_own_page(server: Server) {
    let own = format!("http://{}", server.address());
    for headers in [
        vec![],
        vec![("origin", own.as_str())],
        vec![("cookie", "sessionid=nobody")],
        vec![("cookie", "sessionid=nobody"), ("origin", own.as_str())],
        vec![
            ("cookie", "sessionid=nobody"),
            ("origin", "https://elsewhere.example"),
        ],
    ] {
        for path in ["/ws", "/ws/"] {
            let refused = Socket::open_at(server.address(), path, &headers).await;
            assert_eq!(refused.map(drop), Err(403), "{path} {headers:?}");
        }
    }
}

async fn strangers_hear_of_group_rooms_only(server: Server) {
    let (ada, eve) = (server.user("ada").await, server.user("eve").await);
    let (mut socket, _) = open(&server, &eve).await;
    ada.private_room("Secret").await;
    let room = ada.room("Tea").await;
    let created = expect(&mut socket, "room.created").await;
    assert_eq!(
        (&created["room"], &created["details"]["name"]),
        (&json!(room), &json!("Tea"))
    );
    assert!(created.get("seq").is_none(), "{created}");
    ada.say(room, "not for eve").await;
    ada.delete(&crate::support::people::room_path(room, ""))
        .await
        .is_empty();
    let gone = expect(&mut socket, "room.deleted").await;
    assert_eq!(
        gone,
        json!({"type": "room.deleted", "room": room, "reason": "deleted"})
    );
}
