//! How far people have read, who is in a room, who is writing.

use crate::support::{
    Server, User, Value, eventually, json,
    people::{id, message_path, room_path},
    stories,
};

stories![
    joining_sets_the_position,
    others_count_and_one_oneself_does_not,
    positions_move_forwards,
    unread_from_here,
    the_count_ends_at_a_hundred,
    rooms_of_the_unread_list,
    positions_outlive_a_restart,
    bad_positions,
    who_may_read,
    the_people_of_a_room,
    people_who_are_here,
    writing,
];

const UNREAD: &str = "/api/v1/chats/unread/";
const NOT_IN: &str = "You're not authorized to perform any actions in this room";

#[track_caller]
fn counts(unread: &Value, room: i64, of: [i64; 4]) {
    let [seq, read_seq, messages, mentions] = of;
    let whole = json!({
        "room": room, "seq": seq, "read_seq": read_seq, "unread": messages, "mentions": mentions,
    });
    assert_eq!(*unread, whole);
}

async fn joining_sets_the_position(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    ada.say(room, "before @bob").await;
    bob.join(room).await;
    counts(&bob.unread(room).await, room, [3, 3, 0, 0]);
    ada.say(room, "after @bob").await;
    counts(&bob.unread(room).await, room, [4, 3, 1, 1]);
    // Joining again changes nothing.
    bob.join(room).await;
    counts(&bob.unread(room).await, room, [4, 3, 1, 1]);
    // Coming back begins anew.
    bob.leave(room).await;
    ada.say(room, "meanwhile").await;
    bob.join(room).await;
    counts(&bob.unread(room).await, room, [7, 7, 0, 0]);
}

async fn others_count_and_one_oneself_does_not(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    // An owner who never read stands at 0, but wrote everything so far.
    ada.say(room, "one").await;
    counts(&ada.unread(room).await, room, [3, 0, 0, 0]);
    let two = ada.say(room, "two @bob").await;
    bob.say(room, "three @ada @bob").await;
    counts(&ada.unread(room).await, room, [5, 0, 1, 1]);
    counts(&bob.unread(room).await, room, [5, 2, 2, 1]);
    // What is deleted need not be read; reactions, edits and joins are no messages.
    ada.delete(&message_path(id(&two))).await.is_empty();
    counts(&bob.unread(room).await, room, [6, 2, 1, 0]);
    let last = ada.say(room, "four").await;
    bob.react(id(&last), "👍").await;
    ada.patch(&message_path(id(&last)))
        .json(json!({"text": "five @bob"}))
        .await
        .ok(200);
    server.user("eve").await.join(room).await;
    counts(&bob.unread(room).await, room, [10, 2, 2, 1]);
    counts(&ada.unread(room).await, room, [10, 0, 1, 1]);
}

async fn positions_move_forwards(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    for text in ["3", "4 @bob", "5", "6 @bob"] {
        ada.say(room, text).await;
    }
    counts(&bob.unread(room).await, room, [6, 2, 4, 2]);
    counts(&bob.read(room, 4).await, room, [6, 4, 2, 1]);
    for lower in [3, 0, 4] {
        counts(&bob.read(room, lower).await, room, [6, 4, 2, 1]);
    }
    counts(&bob.read(room, 5).await, room, [6, 5, 1, 1]);
    counts(&bob.unread(room).await, room, [6, 5, 1, 1]);
    // More than there is is all there is, and does not cover what comes.
    counts(&bob.read(room, i64::MAX).await, room, [6, 6, 0, 0]);
    ada.say(room, "7").await;
    counts(&bob.unread(room).await, room, [7, 6, 1, 0]);
    assert_eq!(ada.unread(room).await["read_seq"], 0, "everybody's own");
    assert_eq!(ada.history(room).await.len(), 7, "reading is no event");
}

async fn unread_from_here(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    for text in ["3", "4 @bob", "5"] {
        ada.say(room, text).await;
    }
    bob.read(room, 5).await;
    let back = async |body: Value| {
        let call = bob.post(&room_path(room, "read/"));
        call.json(body).await.ok(200)
    };
    counts(
        &back(json!({"seq": 3, "back": false})).await,
        room,
        [5, 5, 0, 0],
    );
    counts(
        &back(json!({"seq": 3, "back": true})).await,
        room,
        [5, 3, 2, 1],
    );
    counts(
        &back(json!({"seq": 0, "back": "1"})).await,
        room,
        [5, 0, 3, 1],
    );
    counts(
        &back(json!({"seq": "4", "back": true})).await,
        room,
        [5, 4, 1, 0],
    );
    counts(
        &back(json!({"seq": 99, "back": true})).await,
        room,
        [5, 5, 0, 0],
    );
    let form = bob
        .post(&room_path(room, "read/"))
        .form(&[("seq", "2"), ("back", "on")]);
    counts(&form.await.ok(200), room, [5, 2, 3, 1]);
    counts(&bob.unread(room).await, room, [5, 2, 3, 1]);
}

async fn the_count_ends_at_a_hundred(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    for number in 0..99 {
        ada.say(room, &format!("{number} @bob")).await;
    }
    counts(&bob.unread(room).await, room, [101, 2, 99, 99]);
    for number in 0..3 {
        ada.say(room, &format!("{number} @bob")).await;
    }
    counts(&bob.unread(room).await, room, [104, 2, 100, 100]);
    counts(&bob.read(room, 4).await, room, [104, 4, 100, 100]);
    counts(&bob.read(room, 6).await, room, [104, 6, 98, 98]);
}

async fn rooms_of_the_unread_list(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    assert_eq!(bob.get(UNREAD).await.ok(200), json!({"results": []}));
    let (tea, cake) = (ada.room("Tea").await, ada.room("Cake").await);
    let (hidden, own) = (ada.private_room("Hidden").await, bob.room("Own").await);
    ada.invite(hidden, &bob).await;
    bob.join(cake).await;
    bob.join(tea).await;
    let listed = async |user: &User| {
        let rows = user.get(UNREAD).await.rows();
        rows.iter()
            .map(|row| row["room"].as_i64())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(&bob).await, [tea, cake, own].map(Some));
    bob.join(hidden).await;
    assert_eq!(listed(&bob).await, [tea, cake, hidden, own].map(Some));
    assert_eq!(listed(&ada).await, [tea, cake, hidden].map(Some));
    bob.leave(tea).await;
    ada.remove(hidden, &bob).await;
    ada.delete(&room_path(cake, "")).await.is_empty();
    assert_eq!(listed(&bob).await, [own].map(Some));
    assert_eq!(listed(&ada).await, [tea, hidden].map(Some));
}

async fn positions_outlive_a_restart(mut server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    for text in ["3", "4 @bob"] {
        ada.say(room, text).await;
    }
    bob.read(room, 3).await;
    let before = bob.get(UNREAD).await.rows();
    server.terminate().await;
    server.start_again().await;
    assert_eq!(bob.get(UNREAD).await.rows(), before);
    counts(&before[0], room, [4, 3, 1, 1]);
}

async fn bad_positions(server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let path = room_path(room, "read/");
    let integer = "A valid integer is required.";
    for (given, text) in [
        (json!(null), "This field may not be null."),
        (json!("abc"), integer),
        (json!(""), integer),
        (json!(1.5), integer),
        (json!(true), integer),
        (json!([1]), integer),
        (json!({}), integer),
        (json!("1\u{0}"), integer),
        (json!("👍".repeat(10_000)), integer),
        (
            json!(-1),
            "Ensure this value is greater than or equal to 0.",
        ),
        (
            json!(i64::MIN),
            "Ensure this value is greater than or equal to 0.",
        ),
        (
            json!(-1e300),
            "Ensure this value is greater than or equal to 0.",
        ),
    ] {
        let answer = ada.post(&path).json(json!({ "seq": given })).await;
        answer.is_bad("seq", text);
    }
    ada.post(&path)
        .await
        .is_bad("seq", "This field is required.");
    for (given, text) in [
        (json!(null), "This field may not be null."),
        (json!("maybe"), "Must be a valid boolean."),
        (json!(2), "Must be a valid boolean."),
        (json!([true]), "Must be a valid boolean."),
        (json!("👍".repeat(10_000)), "Must be a valid boolean."),
    ] {
        let answer = ada.post(&path).json(json!({"seq": 1, "back": given})).await;
        answer.is_bad("back", text);
    }
    let body = json!({"seq": "x", "back": "x"});
    ada.post(&path).json(body).await.is(
        400,
        json!({"seq": [integer], "back": ["Must be a valid boolean."]}),
    );
    for huge in [
        "9223372036854775808",
        "1e300",
        "\"99999999999999999999999\"",
    ] {
        let body = format!("{{\"seq\":{huge}}}");
        let answer = ada.post(&path).body("application/json", body).await;
        assert_eq!(answer.ok(200)["read_seq"], 1, "{huge}");
    }
}

/// Who is no member is told so; to whom a room does not exist, it does not.
async fn who_may_read(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let (room, hidden) = (ada.room("Tea").await, ada.private_room("Hidden").await);
    let refused = async |room: i64, status: u16, text: &str| {
        for body in [json!({"seq": 1}), json!({"seq": "x"})] {
            let call = bob.post(&room_path(room, "read/")).json(body);
            call.await.is_detail(status, text);
        }
        let call = bob.post(&room_path(room, "typing/"));
        call.await.is_detail(status, text);
        let call = bob.get(&room_path(room, "people/"));
        call.await.is_detail(status, text);
    };
    refused(room, 403, NOT_IN).await;
    refused(hidden, 404, "Not found.").await;
    refused(999, 404, "Not found.").await;
    ada.invite(hidden, &bob).await;
    refused(hidden, 403, NOT_IN).await;
    bob.join(hidden).await;
    bob.read(hidden, 1).await;
    bob.leave(hidden).await;
    refused(hidden, 404, "Not found.").await;
    bob.join(room).await;
    bob.read(room, 1).await;
    ada.remove(room, &bob).await;
    refused(room, 403, NOT_IN).await;
    ada.delete(&room_path(room, "")).await.is_empty();
    refused(room, 404, "Not found.").await;
}

async fn people_of(user: &User, room: i64) -> (Value, Vec<Value>) {
    let body = user.get(&room_path(room, "people/")).await.ok(200);
    let people = body["people"].as_array().cloned().expect("people");
    (body["seats"].clone(), people)
}

fn names(people: &[Value]) -> Vec<&str> {
    people
        .iter()
        .filter_map(|p| p["nickname"].as_str())
        .collect()
}

async fn the_people_of_a_room(server: Server) {
    let zoe = server.user("zoe").await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = zoe.room_of(json!({"name": "Tea", "max_users": 7})).await;
    bob.rename("Émile the 2nd").await;
    let (seats, people) = people_of(&zoe, room).await;
    assert_eq!(seats, json!({"taken": 0, "of": 7}));
    let host = json!({
        "id": zoe.id, "nickname": "zoe", "hue": zoe.id % 12, "is_host": true,
        "is_member": false, "here": false, "read_seq": null,
    });
    assert_eq!(people, [host]);
    bob.join(room).await;
    ada.join(room).await;
    let (seats, people) = people_of(&bob, room).await;
    assert_eq!(seats, json!({"taken": 2, "of": 7}));
    assert_eq!(names(&people), ["zoe", "ada", "Émile the 2nd"]);
    let member = json!({
        "id": ada.id, "nickname": "ada", "hue": ada.id % 12, "is_host": false,
        "is_member": true, "here": false, "read_seq": 3,
    });
    assert_eq!(people[1], member);
    zoe.join(room).await;
    zoe.read(room, 4).await;
    let path = crate::support::people::user_path(ada.id);
    let body = json!({"nickname": "Yves", "avatar_hue": 11});
    ada.patch(&path).json(body).await.ok(200);
    let (seats, people) = people_of(&ada, room).await;
    assert_eq!(seats, json!({"taken": 3, "of": 7}));
    assert_eq!(names(&people)[0], "zoe");
    let zoes = (&people[0]["is_member"], &people[0]["read_seq"]);
    assert_eq!(zoes, (&json!(true), &json!(4)));
    let yves = people.iter().find(|p| p["id"] == ada.id).expect("ada");
    assert_eq!(
        (&yves["nickname"], &yves["hue"]),
        (&json!("Yves"), &json!(11))
    );
    // Who left is gone, and so is where they had read to.
    ada.leave(room).await;
    let (_, people) = people_of(&zoe, room).await;
    assert_eq!(names(&people), ["zoe", "Émile the 2nd"]);
}

async fn people_who_are_here(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let here = async || {
        let (_, people) = people_of(&ada, room).await;
        people.iter().map(|p| p["here"] == true).collect::<Vec<_>>()
    };
    assert_eq!(here().await, [false, false]);
    let socket = bob.socket().await;
    eventually("bob is here", async || here().await == [false, true]).await;
    assert_eq!(socket.close().await, 1000);
    // A reload does not flicker: the seat is kept for some seconds.
    assert_eq!(here().await, [false, true]);
    eventually("bob is gone", async || here().await == [false, false]).await;
}

async fn writing(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let path = room_path(room, "typing/");
    for user in [&ada, &bob] {
        user.post(&path).await.is_empty();
        user.post(&path).json(json!({"x": 1})).await.is_empty();
    }
    let broken = ada.post(&path).body("application/json", "{").await;
    assert_eq!(broken.status, 400);
    for id in ["abc", "0", "%ff", "99999999999999999999"] {
        for what in ["typing", "read"] {
            let path = format!("/api/v1/chats/rooms/{id}/{what}/");
            let call = ada.post(&path).json(json!({"seq": 1}));
            call.await.is_detail(404, "Not found.");
        }
    }
    assert_eq!(ada.history(room).await.len(), 2, "writing is no event");
}
