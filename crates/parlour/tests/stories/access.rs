//! The access matrix: the table of [`crate::access_table`] against a running server.

use crate::access_table::{Door, Of, Row, TABLE};
use crate::support::{
    Answer, MESSAGES, PASSWORD, Server, Socket, User, Value, json,
    people::{LOGIN, id, path_of, user_path},
    stories,
};
use std::collections::{BTreeMap, BTreeSet};

stories![
    every_route_of_the_document_has_a_row,
    every_role_at_every_door
];

const ROLES: [&str; 7] = [
    "stranger", "invited", "member", "left", "removed", "owner", "admin",
];
const DEAD: [&str; 3] = ["deactivated", "deleted", "revoked"];
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "patch", "head", "options", "trace",
];

async fn every_route_of_the_document_has_a_row(server: Server) {
    let document = server.get("/api/v1/schema/?format=json").await.ok(200);
    let mut missing = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for method in operations.as_object().expect("operations").keys() {
            if !METHODS.contains(&method.as_str()) {
                continue;
            }
            let method = method.to_uppercase();
            if !TABLE
                .iter()
                .any(|row| row.method == method && row.path == path)
            {
                missing.insert(format!("{method} {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "no row in the table for {missing:?}");
}

/// Everybody who takes part.
struct People {
    owner: User,
    guest: User,
    roles: BTreeMap<&'static str, User>,
    dead: BTreeMap<&'static str, String>,
}

/// A room in which each role stands where it says.
struct Scene {
    room: i64,
    message_of_owner: i64,
    message_of_guest: i64,
    /// Path of a file in the room.
    file: String,
}

impl People {
    async fn gather(server: &Server) -> Self {
        let mut roles = BTreeMap::new();
        for role in ROLES {
            roles.insert(role, server.user(role).await);
        }
        server.command(&["user", "promote", "admin"]);
        let admin = roles["admin"].again().await;
        roles.insert("admin", admin);
        let mut dead = BTreeMap::new();
        for role in DEAD {
            dead.insert(role, server.user(role).await);
        }
        dead["revoked"]
            .post("/api/v1/auth/logout/")
            .await
            .is_empty();
        dead["deleted"]
            .delete(&user_path(dead["deleted"].id))
            .await
            .is_empty();
        server.command(&["user", "deactivate", "deactivated"]);
        Self {
            owner: roles["owner"].clone(),
            guest: server.user("guest").await,
            roles,
            dead: dead
                .into_iter()
                .map(|(role, user)| (role, user.token))
                .collect(),
        }
    }

    async fn scene(&self, kind: &str, number: usize) -> Scene {
        let body = json!({"name": format!("Scene {number}"), "type": kind});
        let room = self.owner.room_of(body).await;
        let enter = async |user: &User| {
            self.owner.invite(room, user).await;
            user.join(room).await;
        };
        for role in ["member", "left", "removed"] {
            enter(&self.roles[role]).await;
        }
        enter(&self.guest).await;
        self.owner.invite(room, &self.roles["invited"]).await;
        self.roles["left"].leave(room).await;
        self.owner.remove(room, &self.roles["removed"]).await;
        let number = room.to_string();
        let call = self
            .guest
            .post(MESSAGES)
            .file(&[("room", &number)], "a.txt", "text");
        let file = path_of(&call.await.ok(201)["file"]);
        Scene {
            room,
            file,
            message_of_owner: id(&self.owner.say(room, "of the owner").await),
            message_of_guest: id(&self.guest.say(room, "of the guest").await),
        }
    }
}

/// The table's run: what is new is made on demand, what was wrong is collected.
struct Run<'a> {
    server: &'a Server,
    people: People,
    count: usize,
    wrong: Vec<String>,
}

impl Run<'_> {
    fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    fn fill(&mut self, text: &str, scene: &Scene) -> String {
        let number = self.next();
        text.replace("{room}", &scene.room.to_string())
            .replace("{guest}", &self.people.guest.id.to_string())
            .replace("{owner}", &self.people.owner.id.to_string())
            .replace("{new}", &format!("new-{number}"))
    }

    async fn path(&self, row: &Row, scene: &Scene, owners_token: &str) -> String {
        if matches!(row.door, Door::File(_)) {
            return scene.file.clone();
        }
        let id = if row.path.contains("/rooms/") {
            scene.room
        } else if row.path.contains("/messages/") && row.of == Of::Guest {
            scene.message_of_guest
        } else if row.path.contains("/messages/") {
            scene.message_of_owner
        } else if row.path.contains("/tokens/{id}") {
            let list = self
                .server
                .get("/api/v1/auth/tokens/")
                .token(owners_token)
                .await
                .ok(200);
            let current = list
                .as_array()
                .and_then(|all| all.iter().find(|t| t["current"] == true));
            current.map(id).unwrap_or_default()
        } else {
            self.people.owner.id
        };
        row.path
            .replace("{id}", &id.to_string())
            .replace("{emoji}", "%F0%9F%91%8D")
    }

    /// Makes the call with a token or without; the status.
    async fn call(&mut self, row: &Row, scene: &Scene, token: Option<&str>, path: &str) -> u16 {
        let body = self.fill(row.body, scene);
        if row.method == "SOCKET" {
            return self.socket(row, token, &body).await;
        }
        let mut call = self.server.call(row.method, path);
        if let Some(token) = token {
            call = call.token(token);
        }
        if !body.is_empty() {
            call = call.body("application/json", body);
        }
        let answer: Answer = call.await;
        answer.status
    }

    async fn socket(&self, row: &Row, token: Option<&str>, frame: &str) -> u16 {
        let path = token.map_or("/".to_owned(), |token| format!("/?token={token}"));
        let mut socket = match Socket::open_at(self.server.address(), &path, &[]).await {
            Ok(socket) => socket,
            // 403 is what the handshake says where REST says 401.
            Err(403) => return 401,
            Err(status) => return status,
        };
        if row.path == "/" {
            return 101;
        }
        assert!(socket.send_text(frame).await);
        let answer: Value = socket.next().await;
        if answer.get("error").is_some() {
            400
        } else {
            200
        }
    }

    fn expect(&mut self, row: &Row, who: &str, kind: &str, got: u16, wanted: u16) {
        if got != wanted {
            let Row {
                method, path, of, ..
            } = row;
            self.wrong.push(format!(
                "{method} {path} ({of:?}'s) by {who} in {kind}: {got}, wanted {wanted}"
            ));
        }
    }

    async fn without_a_live_token(&mut self, row: &Row, kind: &str, scene: &Scene) {
        let (anonymous, dead) = match row.door {
            Door::Everybody(status) => (status, status),
            Door::Open(anonymous, _) => (anonymous, 401),
            Door::Token(_) | Door::Room(..) => (401, 401),
            Door::File(_) => (404, 404),
        };
        let token = self.people.owner.token.clone();
        let path = self.path(row, scene, &token).await;
        let got = self.call(row, scene, None, &path).await;
        self.expect(row, "anonymous", kind, got, anonymous);
        for role in DEAD {
            let token = self.people.dead[role].clone();
            let got = self.call(row, scene, Some(&token), &path).await;
            self.expect(row, role, kind, got, dead);
        }
    }

    /// Everybody with a valid token, in a room of this kind.
    async fn with_tokens(&mut self, row: &Row, kind: &str, scene: &mut Scene) {
        let statuses = match row.door {
            Door::Everybody(status) | Door::Open(_, status) => [status; 7],
            Door::Token(statuses) | Door::File(statuses) => statuses,
            Door::Room(group, private) => {
                if kind == "GROUP" {
                    group
                } else {
                    private
                }
            }
        };
        for (role, wanted) in ROLES.into_iter().zip(statuses) {
            let mut token = self.people.roles[role].token.clone();
            if row.ends_token {
                let body = json!({"username": role, "password": PASSWORD});
                let login = self.server.post(LOGIN).json(body).await.ok(200);
                login["token"]
                    .as_str()
                    .unwrap_or_default()
                    .clone_into(&mut token);
            }
            let owners = match role {
                "owner" => token.clone(),
                _ => self.people.owner.token.clone(),
            };
            let path = self.path(row, scene, &owners).await;
            let got = self.call(row, scene, Some(&token), &path).await;
            self.expect(row, role, kind, got, wanted);
            // What succeeded has changed the scene.
            if row.method != "GET" && got < 300 && matches!(row.door, Door::Room(..)) {
                let number = self.next();
                *scene = self.people.scene(kind, number).await;
            }
        }
    }
}

async fn every_role_at_every_door(server: Server) {
    let people = People::gather(&server).await;
    let mut run = Run {
        server: &server,
        people,
        count: 0,
        wrong: Vec::new(),
    };
    for kind in ["GROUP", "PRIVATE"] {
        let mut scene = run.people.scene(kind, run.count).await;
        for row in TABLE {
            let depends_on_the_room = matches!(row.door, Door::Room(..) | Door::File(_));
            if kind == "PRIVATE" && !depends_on_the_room {
                continue;
            }
            run.without_a_live_token(row, kind, &scene).await;
            run.with_tokens(row, kind, &mut scene).await;
        }
    }
    assert!(
        run.wrong.is_empty(),
        "{} wrong:\n{}",
        run.wrong.len(),
        run.wrong.join("\n")
    );
}
