//! Who may do what: one row per route and socket command.

/// A status per role, in this order: stranger, invited, member, left, removed, owner, admin.
pub(crate) type Statuses = [u16; 7];

/// Whose thing the `{id}` of a message's path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Owner,
    /// A member who is nobody of the roles.
    Guest,
}

/// What a role gets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Door {
    /// No credential is looked at: everybody gets this.
    Everybody(u16),
    /// Anonymous callers get the first, who has a valid token the second, a dead token 401.
    Open(u16, u16),
    /// A token is needed: 401 without, then the same for all kinds of rooms.
    Token(Statuses),
    /// A token is needed; what follows depends on the room: GROUP, PRIVATE.
    Room(Statuses, Statuses),
    /// Who has no right to it does not learn that it exists, whoever it is; the same in all rooms.
    File(Statuses),
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    /// A JSON body; `{room}`, `{guest}`, `{owner}` and `{new}` (a fresh name) are filled in.
    pub(crate) body: &'static str,
    pub(crate) of: Of,
    pub(crate) door: Door,
    /// Ends the token that it is called with, or may: every call gets a token of its own.
    pub(crate) ends_token: bool,
}

const fn row(method: &'static str, path: &'static str, body: &'static str, door: Door) -> Row {
    Row {
        method,
        path,
        body,
        of: Of::Owner,
        door,
        ends_token: false,
    }
}

const fn of_guest(row: Row) -> Row {
    Row {
        of: Of::Guest,
        ..row
    }
}

const fn ends_token(row: Row) -> Row {
    Row {
        ends_token: true,
        ..row
    }
}

/// The same for every role.
const fn all(status: u16) -> Statuses {
    [status; 7]
}

/// The owner gets the first, everybody else the second.
const fn owner(owner: u16, others: u16) -> Statuses {
    [others, others, others, others, others, owner, others]
}

/// What strangers get depends on whether they may know of the room.
const fn hidden(invited: u16, member: u16, owner: u16) -> Statuses {
    [404, invited, member, 404, 404, owner, 404]
}

/// Only the owner; nobody else learns of a PRIVATE room that they do not know.
const fn owner_of_room(status: u16) -> Door {
    Door::Room(owner(status, 403), hidden(403, 403, status))
}

const USERS: &str = "/api/v1/users/";
const USER: &str = "/api/v1/users/{id}/";
const ALIAS: &str = "/api/v1/chats/user/";
const ALIAS_ONE: &str = "/api/v1/chats/user/{id}/";
const ROOMS: &str = "/api/v1/chats/rooms/";
const ROOM: &str = "/api/v1/chats/rooms/{id}/";
const MESSAGES: &str = "/api/v1/chats/messages/";
const MESSAGE: &str = "/api/v1/chats/messages/{id}/";
const REACTION: &str = "/api/v1/chats/messages/{id}/reactions/{emoji}/";
const PREFERENCES: &str = "/api/v1/users/{id}/preferences/";

const SIGN_UP: &str = r#"{"username":"{new}","password":"difference of squares"}"#;
const LOG_IN: &str = r#"{"username":"guest","password":"difference of squares"}"#;
const REPLACE_USER: &str = r#"{"username":"owner","password":"difference of squares"}"#;
const USER_REF: &str = r#"{"user":{guest}}"#;
const READ: &str = r#"{"seq":1}"#;
const SEND: &str = r#"{"room":{room},"text":"hi"}"#;

const JOIN: Door = Door::Room([200, 200, 200, 200, 403, 200, 200], hidden(200, 200, 200));
const LEAVE: Door = Door::Room([404, 404, 200, 404, 404, 404, 404], hidden(404, 200, 404));
const TALK: Door = Door::Room([403, 403, 200, 403, 403, 200, 403], hidden(403, 200, 200));
/// [`TALK`] with nothing to answer.
const TELL: Door = Door::Room([403, 403, 204, 403, 403, 204, 403], hidden(403, 204, 204));
const SAY: Door = Door::Room(
    [400, 400, 201, 400, 400, 201, 400],
    [400, 400, 201, 400, 400, 201, 400],
);
/// An error frame counts as 400, the message's own frame as 200.
const SAY_FRAME: Door = Door::Room(
    [400, 400, 200, 400, 400, 200, 400],
    [400, 400, 200, 400, 400, 200, 400],
);

/// The whole table.
pub(crate) const TABLE: &[Row] = &[
    row("POST", "/api/v1/auth/login/", LOG_IN, Door::Open(200, 200)),
    row("POST", "/api/token/", LOG_IN, Door::Open(200, 200)),
    ends_token(row(
        "POST",
        "/api/v1/auth/logout/",
        "",
        Door::Token(all(204)),
    )),
    row("GET", "/api/v1/auth/tokens/", "", Door::Token(all(200))),
    ends_token(row(
        "DELETE",
        "/api/v1/auth/tokens/{id}/",
        "",
        Door::Token(owner(204, 404)),
    )),
    row("GET", USERS, "", Door::Open(200, 200)),
    row("POST", USERS, SIGN_UP, Door::Open(201, 201)),
    row("GET", USER, "", Door::Open(200, 200)),
    row("PUT", USER, REPLACE_USER, Door::Token(owner(200, 403))),
    row(
        "PATCH",
        USER,
        r#"{"first_name":"x"}"#,
        Door::Token(owner(200, 403)),
    ),
    row("DELETE", USER, "", Door::Token(owner(409, 403))),
    row("GET", PREFERENCES, "", Door::Token(owner(200, 403))),
    row(
        "PATCH",
        PREFERENCES,
        r#"{"theme":"dark"}"#,
        Door::Token(owner(200, 403)),
    ),
    row("GET", ALIAS, "", Door::Open(200, 200)),
    row("POST", ALIAS, SIGN_UP, Door::Open(201, 201)),
    row("GET", ALIAS_ONE, "", Door::Open(200, 200)),
    row("PUT", ALIAS_ONE, REPLACE_USER, Door::Token(owner(200, 403))),
    row(
        "PATCH",
        ALIAS_ONE,
        r#"{"first_name":"x"}"#,
        Door::Token(owner(200, 403)),
    ),
    row("DELETE", ALIAS_ONE, "", Door::Token(owner(409, 403))),
    row("GET", ROOMS, "", Door::Token(all(200))),
    row("POST", ROOMS, r#"{"name":"{new}"}"#, Door::Token(all(201))),
    row(
        "GET",
        ROOM,
        "",
        Door::Room([403, 200, 200, 403, 403, 200, 403], hidden(200, 200, 200)),
    ),
    row("PUT", ROOM, r#"{"name":"{new}"}"#, owner_of_room(200)),
    row("PATCH", ROOM, r#"{"topic":"x"}"#, owner_of_room(200)),
    row("DELETE", ROOM, "", owner_of_room(204)),
    row("PUT", "/api/v1/chats/rooms/{id}/join/", "", JOIN),
    row("PATCH", "/api/v1/chats/rooms/{id}/join/", "", JOIN),
    row("PUT", "/api/v1/chats/rooms/{id}/leave/", "", LEAVE),
    row("PATCH", "/api/v1/chats/rooms/{id}/leave/", "", LEAVE),
    row(
        "POST",
        "/api/v1/chats/rooms/{id}/invite/",
        USER_REF,
        owner_of_room(200),
    ),
    row(
        "POST",
        "/api/v1/chats/rooms/{id}/remove/",
        USER_REF,
        owner_of_room(200),
    ),
    row(
        "POST",
        "/api/v1/chats/rooms/{id}/hand-over/",
        USER_REF,
        owner_of_room(200),
    ),
    row(
        "POST",
        "/api/v1/chats/rooms/{id}/renew/",
        "",
        owner_of_room(200),
    ),
    row("GET", "/api/v1/chats/rooms/{id}/history/", "", TALK),
    row("POST", "/api/v1/chats/rooms/{id}/read/", READ, TALK),
    row("POST", "/api/v1/chats/rooms/{id}/typing/", "", TELL),
    row("GET", "/api/v1/chats/rooms/{id}/people/", "", TALK),
    row("GET", "/api/v1/chats/rooms/{id}/files/", "", TALK),
    row("OPTIONS", "/api/v1/uploads/", "", Door::Open(204, 204)),
    row("OPTIONS", "/api/v1/uploads/{id}/", "", Door::Open(204, 204)),
    row("POST", "/api/v1/uploads/", "", Door::Token([412; 7])),
    row("HEAD", "/api/v1/uploads/{id}/", "", Door::Token([412; 7])),
    row("PATCH", "/api/v1/uploads/{id}/", "", Door::Token([412; 7])),
    row("DELETE", "/api/v1/uploads/{id}/", "", Door::Token([412; 7])),
    row("POST", "/api/v1/uploads/{id}/", "", Door::Token([412; 7])),
    row("GET", "/api/v1/chats/unread/", "", Door::Token(all(200))),
    row("GET", MESSAGES, "", Door::Token(all(200))),
    row("POST", MESSAGES, SEND, SAY),
    row("GET", MESSAGE, "", TALK),
    row("PUT", MESSAGE, SEND, owner_of_room(200)),
    row("PATCH", MESSAGE, r#"{"text":"x"}"#, owner_of_room(200)),
    row("DELETE", MESSAGE, "", owner_of_room(204)),
    of_guest(row("GET", MESSAGE, "", TALK)),
    of_guest(row("PUT", MESSAGE, SEND, owner_of_room(403))),
    of_guest(row("PATCH", MESSAGE, r#"{"text":"x"}"#, owner_of_room(403))),
    of_guest(row("DELETE", MESSAGE, "", owner_of_room(204))),
    row("PUT", REACTION, "", TALK),
    row("DELETE", REACTION, "", TELL),
    of_guest(row("PUT", REACTION, "", TALK)),
    of_guest(row("DELETE", REACTION, "", TELL)),
    row(
        "GET",
        "/media/{class}/{name}",
        "",
        Door::File([404, 404, 200, 404, 404, 200, 404]),
    ),
    row("GET", "/api/v1/", "", Door::Everybody(200)),
    row("GET", "/api/v1/redoc/", "", Door::Everybody(200)),
    row("GET", "/api/v1/schema/", "", Door::Everybody(200)),
    row("GET", "/api/v1/assets/redoc.js", "", Door::Everybody(200)),
    row("GET", "/", "", Door::Everybody(200)),
    row("GET", "/healthz", "", Door::Everybody(200)),
    row("GET", "/readyz", "", Door::Everybody(200)),
    row("GET", "/metrics", "", Door::Everybody(404)),
    row("SOCKET", "/", "", Door::Token(all(101))),
    row("SOCKET", "send", SEND, SAY_FRAME),
];
