//! Contract 6c: a message sent by any door appears at every other door exactly once, with the same id;
//! edits and deletions as well.

use crate::support::{
    MESSAGES, Server, Socket, Value,
    browser::token,
    json,
    people::{User, id, message_path, room_path},
    sio::Sio,
    stories,
};

stories![every_door_is_the_same_stream];

/// One open door and what it heard of messages: the id and the text, or nothing when it is gone.
struct Door {
    name: &'static str,
    way: Way,
}

enum Way {
    Socket(Box<Socket>),
    SocketIo(Box<Sio>),
}

impl Door {
    async fn open(server: &Server, name: &'static str, path: &str) -> Self {
        let socket = Socket::open_at(server.address(), path, &[]).await;
        let socket = socket.unwrap_or_else(|status| panic!("{name}: {status}"));
        let way = Way::Socket(Box::new(socket));
        Self { name, way }
    }

    async fn open_sio(server: &Server, name: &'static str, space: &str, token: &str) -> Self {
        let sio = Sio::connect(server, space, &json!({ "token": token }), &[]).await;
        let sio = sio.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let way = Way::SocketIo(Box::new(sio));
        Self { name, way }
    }

    /// Sends a message as this door's clients do; its text.
    async fn say(&mut self, room: i64) -> String {
        let text = format!("by {}", self.name);
        let frame = match self.name {
            "version 2" => json!({"type": "send", "room": room, "text": text}),
            "one room" => json!({"message": text}),
            _ => json!({"room": room, "text": text}),
        };
        match &mut self.way {
            Way::Socket(socket) => assert!(socket.send(frame).await),
            Way::SocketIo(sio) => sio.emit("message", &frame).await,
        }
        text
    }

    /// The next message, change or deletion.
    async fn next(&mut self) -> (i64, Option<String>) {
        loop {
            let frame = match &mut self.way {
                Way::Socket(socket) => socket.next().await,
                Way::SocketIo(sio) => match sio.next().await {
                    (name, argument) if name.starts_with("message") => argument,
                    _ => continue,
                },
            };
            let object = match frame["type"].as_str() {
                Some("message.created" | "message.updated") => frame["message"].clone(),
                Some("message.deleted") => return (id(&frame), None),
                None if frame.get("error").is_none() => frame,
                _ => continue,
            };
            let text = object["text"].as_str().expect("a text");
            return (id(&object), Some(text.to_owned()));
        }
    }
}

fn room_page(room: i64) -> String {
    format!("/chat/{room}/")
}

async fn doors(server: &Server, ada: &User, bob: &User, room: i64) -> Vec<Door> {
    let mut doors = Vec::new();
    for user in [ada, bob] {
        let token = &user.token;
        doors.push(Door::open(server, "version 1", &format!("/?token={token}")).await);
        doors.push(Door::open(server, "version 2", &format!("/?token={token}&v=2")).await);
        let path = format!("/ws/chat/{room}/?token={token}");
        doors.push(Door::open(server, "one room", &path).await);
        doors.push(Door::open_sio(server, "Socket.IO", "/", token).await);
        let space = format!("/room-{room}");
        doors.push(Door::open_sio(server, "a namespace", &space, token).await);
    }
    doors
}

async fn every_door_is_the_same_stream(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let mut doors = doors(&server, &ada, &bob, room).await;
    let form = format!("room={room}&text=by+form");
    let multipart = format!(
        "--x\r\nContent-Disposition: form-data; name=\"room\"\r\n\r\n{room}\r\n\
         --x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nby multipart\r\n--x--\r\n"
    );
    ada.say(room, "by json").await;
    ada.post(MESSAGES)
        .body("application/x-www-form-urlencoded", form)
        .await
        .ok(201);
    ada.post(MESSAGES)
        .body("multipart/form-data; boundary=x", multipart)
        .await
        .ok(201);
    let browser = server.browser();
    browser.log_in("bob").await;
    let path = room_page(room);
    let page = browser.get(&path).await;
    let (path, token) = (format!("{path}send/"), token(&page));
    let sent_by_page = browser.post(&path, &token, &[("text", "by page")]).await;
    assert_eq!(sent_by_page.status, 303);
    let sent = ["by json", "by form", "by multipart", "by page"];
    let mut sent = sent.map(str::to_owned).to_vec();
    for door in &mut doors[5..10] {
        // One after the other: which comes first is then known.
        let before = bob.history(room).await.len();
        let text = door.say(room).await;
        for _ in 0..10_000 {
            if bob.history(room).await.len() > before {
                break;
            }
        }
        sent.push(text);
    }
    let messages = ada.get(&format!("{MESSAGES}?room={room}")).await.ok(200);
    let mut messages: Vec<Value> = messages["results"].as_array().cloned().expect("results");
    messages.reverse();
    let stored: Vec<_> = messages.iter().map(|one| one["text"].clone()).collect();
    assert_eq!(stored, sent);
    let last = id(&messages[8]);
    let path = message_path(last);
    bob.patch(&path)
        .json(json!({"text": "changed"}))
        .await
        .ok(200);
    bob.delete(&path).await.is_empty();
    let mut expected: Vec<_> = messages
        .iter()
        .map(|one| (id(one), one["text"].as_str().map(str::to_owned)))
        .collect();
    expected.push((last, Some("changed".to_owned())));
    expected.push((last, None));
    for door in &mut doors {
        for expected in &expected {
            assert_eq!(door.next().await, *expected, "{}", door.name);
        }
    }
    let history = bob
        .get(&room_path(room, "history/?after=0&limit=200"))
        .await;
    assert_eq!(history.ok(200)["events"].as_array().map(Vec::len), Some(13));
}
