//! Contract 3 and 7d: new passwords and the end of accounts.

use crate::support::{
    MESSAGES, PASSWORD, ROOMS, Server, USERS, json,
    people::{ids, message_path, room_path, user_path},
    stories,
};

const NEW: &str = "eleven purple lamps";

stories![
    a_new_password_ends_all_other_tokens,
    an_account_that_owns_rooms_stays,
    a_deleted_account_is_gone_everywhere,
    a_deactivated_account_is_out_at_once,
    the_operator_makes_accounts_and_resets_passwords,
];

/// The new one logs in, the old one does not (D-03); the token that asked stays.
async fn a_new_password_ends_all_other_tokens(server: Server) {
    for method in ["PATCH", "PUT"] {
        let ada = server.user(&format!("ada-{method}")).await;
        let other = ada.again().await;
        let mut theirs = ada.socket().await;
        let mut others = other.socket().await;
        let body = json!({"username": ada.name, "password": NEW});
        ada.call(method, &user_path(ada.id))
            .json(body)
            .await
            .ok(200);
        assert_eq!(
            ada.get(ROOMS).await.status,
            200,
            "{method}: the token that asked"
        );
        other.get(ROOMS).await.is_detail(401, "Invalid token.");
        assert_eq!(others.close_code().await, 4401, "{method}");
        theirs.expect_silence().await;
        server.login(&ada.name, PASSWORD).await.is_refused();
        server.login(&ada.name, NEW).await.token();
    }
}

async fn an_account_that_owns_rooms_stays(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let rooms = [ada.room("Tea").await, ada.private_room("Cake").await];
    let answer = ada.delete(&user_path(ada.id)).await;
    let body = answer.ok(409);
    assert!(body["detail"].is_string(), "{body}");
    let mut told: Vec<i64> = body["rooms"]
        .as_array()
        .map(|rooms| {
            rooms
                .iter()
                .filter_map(crate::support::Value::as_i64)
                .collect()
        })
        .unwrap_or_default();
    told.sort_unstable();
    assert_eq!(told, rooms);
    assert_eq!(ada.get(ROOMS).await.status, 200);
    ada.delete(&room_path(rooms[1], "")).await.is_empty();
    bob.join(rooms[0]).await;
    ada.about(rooms[0], "hand-over/", &bob).await.ok(200);
    ada.delete(&user_path(ada.id)).await.is_empty();
}

async fn a_deleted_account_is_gone_everywhere(server: Server) {
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = bob.room("Tea").await;
    ada.join(room).await;
    let message = ada.say(room, "from ada").await["id"]
        .as_i64()
        .expect("an id");
    let kept = bob.say(room, "from bob").await["id"]
        .as_i64()
        .expect("an id");
    let other = ada.again().await;
    let (mut one, mut two) = (ada.socket().await, other.socket().await);
    // Told that their user leaves, or that their credential ends, whichever comes first.
    let mut in_room = [ada.room_socket(room).await, other.room_socket(room).await];
    ada.delete(&user_path(ada.id)).await.is_empty();
    for token in [&ada, &other] {
        token.get(ROOMS).await.is_detail(401, "Invalid token.");
    }
    assert_eq!(
        (one.close_code().await, two.close_code().await),
        (4401, 4401)
    );
    for socket in &mut in_room {
        assert_eq!(socket.close_code().await, 4401);
    }
    server
        .get(&user_path(ada.id))
        .await
        .is_detail(404, "Not found.");
    assert_eq!(ids(&server.get(USERS).await.rows()), [bob.id]);
    assert_eq!(ids(&bob.get(MESSAGES).await.rows()), [kept]);
    bob.get(&message_path(message))
        .await
        .is_detail(404, "Not found.");
    assert_eq!(
        bob.get(&room_path(room, "")).await.ok(200)["users"],
        json!([])
    );
    let history = bob.history(room).await;
    let text = json!(history).to_string();
    assert!(!text.contains("from ada"), "{text}");
    server.login("ada", PASSWORD).await.is_refused();
    // The name is free again, and it is another account.
    assert_ne!(server.user("ada").await.id, ada.id);
}

async fn a_deactivated_account_is_out_at_once(server: Server) {
    let ada = server.user("ada").await;
    let mut socket = ada.socket().await;
    assert_eq!(ada.get(ROOMS).await.status, 200);
    server.command(&["user", "deactivate", "ada"]);
    assert_eq!(socket.close_code().await, 4401);
    ada.get(ROOMS).await.is_detail(401, "Invalid token.");
    server.login("ada", PASSWORD).await.is_refused();
    let user = server.get(&user_path(ada.id)).await.ok(200);
    assert_eq!(user["is_active"], false);
}

async fn the_operator_makes_accounts_and_resets_passwords(server: Server) {
    let made = server.setup.command(
        &["user", "create", "root", "--admin", "--password-stdin"],
        &format!("{PASSWORD}\n"),
    );
    assert!(made.status.success(), "{made:?}");
    let token = server.login("root", PASSWORD).await.token();
    let reset = server.setup.command(
        &["user", "reset-password", "root", "--password-stdin"],
        &format!("{NEW}\n"),
    );
    assert!(reset.status.success(), "{reset:?}");
    server
        .get(ROOMS)
        .token(&token)
        .await
        .is_detail(401, "Invalid token.");
    server.login("root", PASSWORD).await.is_refused();
    server.login("root", NEW).await.token();
    for (args, input) in [
        (
            &["user", "create", "weak", "--password-stdin"][..],
            "12345678\n",
        ),
        (
            &["user", "create", "ROOT", "--password-stdin"],
            "another fine phrase\n",
        ),
        (&["user", "deactivate", "nobody"], ""),
        (&["user", "promote", "nobody"], ""),
    ] {
        let output = server.setup.command(args, input);
        assert!(!output.status.success(), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}
