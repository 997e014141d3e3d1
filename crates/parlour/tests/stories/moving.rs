//! Moving house, as an operator does it: the database by `parlour db copy`, the files by
//! `parlour blobs copy`, and nobody notices.

use crate::support::{
    Engine, MESSAGES, ROOMS, Server, Socket, User, Value, json,
    media::{PNG, large_png, send_file},
    people::{id, message_path, path_of, room_path, user_path},
    s3::Bucket,
    server::Setup,
    stories,
};

stories![
    a_chat_moves_there_and_back_with_all_it_has,
    files_move_there_and_back,
    a_server_that_runs_is_not_copied,
];

/// Where the second database is: the other engine's, where there is PostgreSQL.
fn urls(engine: Engine, setup: &Setup) -> [String; 3] {
    let file = |name: &str| format!("sqlite://{}", setup.folder().join(name).display());
    match engine {
        Engine::Postgres => [file("one.db"), setup.get("DATABASE_URL"), file("three.db")],
        Engine::Sqlite => [file("one.db"), file("two.db"), file("three.db")],
    }
}

/// Runs a command that must succeed; what it printed.
fn run(server: &Server, args: &[&str]) -> String {
    let output = server.setup.command(args, "");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "parlour {args:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a command that must fail; what it complained of.
fn refused(setup: &Setup, args: &[&str]) -> String {
    let output = setup.command(args, "");
    assert_eq!(output.status.code(), Some(1), "parlour {args:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn a_chat_moves_there_and_back_with_all_it_has(engine: Engine) {
    let setup = engine.setup().env("PUBLIC_URL", "http://chat.example");
    let urls = urls(engine, &setup);
    let mut server = setup.env("DATABASE_URL", &urls[0]).start().await;
    let people = live(&server).await;
    let (epoch, rooms) = (epoch(&server, &people[0]).await, rooms(&people).await);
    let before = all_answers(&people, &rooms).await;
    let told = before
        .iter()
        .filter(|(_, status, _)| *status == 200)
        .count();
    assert!(told > before.len() / 2, "{told} of {}", before.len());
    let seqs = last_seqs(&people[0], &rooms).await;
    for (from, to) in [(0, 1), (1, 2)] {
        let (status, _) = server.terminate().await;
        assert!(status.success(), "{status}");
        let (from, to) = (&urls[from], &urls[to]);
        let printed = run(&server, &["db", "copy", "--from", from, "--to", to]);
        for word in ["messages", "account_names", "whole", &epoch] {
            assert!(printed.contains(word), "{word} in {printed}");
        }
        server.setup.set("DATABASE_URL", to);
        server.start_again().await;
        let after = all_answers(&people, &rooms).await;
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after);
        }
        assert_eq!(before.len(), after.len());
        resumes(&server, &people[0], &epoch, &seqs).await;
    }
    // Life goes on: ids and positions after the ones of before, and the same nonce is still known.
    let next = people[0].say(rooms[0], "after the move").await;
    assert_eq!(next["seq"], seqs[0].1 + 1);
    let again = json!({"room": rooms[0], "text": "with a nonce", "nonce": "n-1"});
    let again = people[0].post(MESSAGES).json(again).await.ok(201);
    assert!(id(&again) < id(&next), "{again}");
    let late = server.user("late").await;
    assert!(people.iter().all(|person| person.id < late.id));
}

/// Something of everything.
async fn live(server: &Server) -> Vec<User> {
    let (ada, bob) = (server.user("ada").await, server.user("Bób").await);
    let (eve, gone) = (server.user("eve").await, server.user("gone").await);
    ada.again().await;
    ada.rename("Ada \u{1f98a}").await;
    let prefs = json!({"theme": "dark"});
    let path = format!("{}preferences/", user_path(ada.id));
    ada.patch(&path).json(prefs).await.ok(200);
    let tea = ada
        .room_of(json!({"name": "Tea 'n' \"cake\"", "topic": "한국어\n\\n"}))
        .await;
    let secret = ada.private_room("Secret").await;
    for user in [&bob, &eve, &gone] {
        user.join(tea).await;
    }
    ada.invite(secret, &bob).await;
    bob.join(secret).await;
    ada.invite(secret, &eve).await;
    gone.leave(tea).await;
    ada.remove(tea, &eve).await;
    let first = ada.say(tea, "first @Bób <b>&amp;</b> \u{1f642}").await;
    for number in 0..30 {
        bob.say(tea, &format!("number {number}")).await;
    }
    let reply = json!({"room": tea, "text": "a reply", "reply_to": id(&first)});
    bob.post(MESSAGES).json(reply).await.ok(201);
    let nonce = json!({"room": tea, "text": "with a nonce", "nonce": "n-1"});
    ada.post(MESSAGES).json(nonce).await.ok(201);
    bob.react(id(&first), "👍").await;
    ada.react(id(&first), "🎉").await;
    let edited = bob.say(tea, "will change").await;
    let change = json!({"text": "changed"});
    bob.patch(&message_path(id(&edited)))
        .json(change)
        .await
        .ok(200);
    let deleted = bob.say(tea, "will go").await;
    bob.delete(&message_path(id(&deleted))).await.is_empty();
    send_file(&ada, tea, "a cat.png", &large_png()).await;
    send_file(&bob, secret, "notes.txt", b"secret notes").await;
    ada.read(tea, 20).await;
    let ended = ada.room("Ended").await;
    ada.delete(&room_path(ended, "")).await.is_empty();
    gone.delete(&user_path(gone.id)).await.is_empty();
    vec![ada, bob, eve]
}

async fn rooms(people: &[User]) -> Vec<i64> {
    let rows = people[0].get(ROOMS).await.rows();
    let mut rooms: Vec<i64> = rows.iter().map(id).collect();
    rooms.sort_unstable();
    assert_eq!(rooms.len(), 2, "{rooms:?}");
    rooms
}

/// What everybody is answered to everything that can be asked.
async fn all_answers(people: &[User], rooms: &[i64]) -> Vec<(String, u16, Value)> {
    let mut answers = Vec::new();
    for person in people {
        let mut paths = vec![
            "/api/v1/users/".to_owned(),
            user_path(person.id),
            format!("{}preferences/", user_path(person.id)),
            ROOMS.to_owned(),
            "/api/v1/chats/unread/".to_owned(),
        ];
        for room in rooms {
            paths.push(room_path(*room, ""));
            for what in ["history/?after=0&limit=200", "people/", "files/"] {
                paths.push(room_path(*room, what));
            }
            paths.push(format!("{MESSAGES}?room={room}"));
        }
        for path in paths {
            let answer = person.get(&path).await;
            let body = serde_json::from_str(&answer.text()).unwrap_or(Value::Null);
            let is_mine = !path.contains("/rooms/") && !path.contains("room=");
            assert!(
                answer.status == 200 || !is_mine,
                "{path}: {}",
                answer.status
            );
            answers.push((
                format!("{} {path}", person.name),
                answer.status,
                lasting(body),
            ));
        }
    }
    answers
}

/// Without what is signed anew with every answer, and without who is here just now.
fn lasting(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains("/media/") => {
            json!(text.split('?').next().unwrap_or(""))
        }
        Value::Array(list) => list.into_iter().map(lasting).collect(),
        Value::Object(map) => map
            .into_iter()
            .filter(|(name, _)| !["online", "here", "last_login"].contains(&name.as_str()))
            .map(|(name, value)| (name, lasting(value)))
            .collect(),
        other => other,
    }
}

async fn epoch(server: &Server, user: &User) -> String {
    let (_, hello) = version_2(server, user).await;
    hello["epoch"].as_str().expect("an epoch").to_owned()
}

async fn version_2(server: &Server, user: &User) -> (Socket, Value) {
    let path = format!("/?token={}&v=2", user.token);
    let socket = Socket::open_at(server.address(), &path, &[]).await;
    let mut socket = socket.expect("a socket");
    let hello = socket.next().await;
    assert_eq!(hello["type"], "hello");
    (socket, hello)
}

async fn last_seqs(user: &User, rooms: &[i64]) -> Vec<(i64, i64)> {
    let mut seqs = Vec::new();
    for room in rooms {
        let path = room_path(*room, "history/?after=0&limit=200");
        let body = user.get(&path).await.ok(200);
        let last = body["events"].as_array().and_then(|events| events.last());
        seqs.push((*room, last.expect("events")["seq"].as_i64().expect("a seq")));
    }
    seqs
}

/// A client that knew the first two events of each room gets the rest, in order.
async fn resumes(server: &Server, user: &User, epoch: &str, seqs: &[(i64, i64)]) {
    let (mut socket, hello) = version_2(server, user).await;
    assert_eq!(hello["epoch"], epoch);
    let cursors: serde_json::Map<String, Value> = seqs
        .iter()
        .map(|(room, _)| (room.to_string(), json!(2)))
        .collect();
    socket
        .send(json!({"type": "resume", "epoch": epoch, "cursors": cursors}))
        .await;
    let mut recovered = 0;
    let mut missed = 0;
    while recovered < seqs.len() {
        let frame = socket.next().await;
        if frame["type"] == "recovered" {
            assert_eq!(frame["recovered"], true, "{frame}");
            recovered += 1;
        } else if frame["seq"].is_i64() {
            missed += 1;
        }
        assert_ne!(frame["type"], "resync", "{frame}");
    }
    let wanted: i64 = seqs.iter().map(|(_, last)| last - 2).sum();
    assert_eq!(missed, wanted, "events after the second one of each room");
}

async fn files_move_there_and_back(engine: Engine) {
    let Some(bucket) = Bucket::make().await else {
        return;
    };
    // On a disk first.
    let setup = bucket.setup(engine, bucket.address);
    let (s3, disk) = (
        setup.get("BLOBS_URL"),
        format!("file://{}", setup.folder().join("first").display()),
    );
    let mut server = setup.env("BLOBS_URL", &disk).start().await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let large: Vec<u8> = (0..9_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let mut paths = Vec::new();
    for (name, content) in [
        ("a.png", large_png()),
        ("b.png", PNG.to_vec()),
        ("c.bin", large),
    ] {
        let sent = send_file(&ada, room, name, &content).await;
        let path = path_of(&sent["file"]);
        let bytes = ada.get(&path).await.body;
        paths.push((path, bytes));
    }
    let copy = ["blobs", "copy", "--from", &disk, "--to", &s3];
    // Beside the server; what comes later goes with the second run.
    let printed = run(&server, &copy);
    assert!(printed.contains("0 were there already"), "{printed}");
    let sent = send_file(&ada, room, "late.txt", b"late").await;
    paths.push((path_of(&sent["file"]), b"late".to_vec().into()));
    server.terminate().await;
    let printed = run(&server, &copy);
    assert!(printed.contains("1 blobs with 4 bytes copied"), "{printed}");
    for (path, bytes) in &paths {
        assert_eq!(&bucket.object(path).await.body, bytes, "{path}");
    }
    server.setup.set("BLOBS_URL", &s3);
    server.start_again().await;
    let sent_on = ada.get(&paths[0].0).await;
    assert_eq!(sent_on.status, 302);
    server.terminate().await;

    // And back, into another folder, of which half is there and one file is damaged.
    let back = server.setup.folder().join("back");
    let to = format!("file://{}", back.display());
    let copy = ["blobs", "copy", "--from", &s3, "--to", &to];
    run(&server, &copy);
    let file = |path: &str| back.join(path.strip_prefix("/media/").expect("a path"));
    std::fs::remove_file(file(&paths[0].0)).expect("removed");
    std::fs::write(file(&paths[1].0), vec![b'x'; paths[1].1.len()]).expect("damaged");
    let printed = run(&server, &copy);
    assert!(
        printed.contains("\n1 blobs") || printed.starts_with("1 blobs"),
        "{printed}"
    );
    let all = [&copy[..], &["--all"]].concat();
    let printed = run(&server, &all);
    assert!(printed.starts_with("1 blobs"), "the damaged one: {printed}");
    server.setup.set("BLOBS_URL", &to);
    server.start_again().await;
    for (path, bytes) in &paths {
        assert_eq!(&ada.get(path).await.body, bytes, "{path}");
    }
    let none = format!("file://{}", server.setup.folder().join("none").display());
    let text = refused(
        &server.setup,
        &["blobs", "copy", "--from", &none, "--to", &to],
    );
    assert!(text.contains("not there"), "{text}");
}

async fn a_server_that_runs_is_not_copied(engine: Engine) {
    let server = engine.setup().start().await;
    server.user("ada").await;
    let from = server.setup.get("DATABASE_URL");
    let to = server.setup.folder().join("copy.db");
    let url = format!("sqlite://{}", to.display());
    let text = refused(
        &server.setup,
        &["db", "copy", "--from", &from, "--to", &url],
    );
    assert!(text.contains("uses the source"), "{text}");
    assert!(!to.exists(), "nothing is made");
    assert!(server.is_well().await);
}
