//! A fresh store with everything that tests ask of it.

use async_trait::async_trait;
use parlour_core::{
    Error, Event, MessageId, RoomId, Signal, Time, UserId,
    model::{Mention, Message, PageNumber, PageRequest, Room, RoomKind, Sender, Standing},
    ports::{
        AccountKeys, Announce, Append, Change, Join, MessageChange, NewMessage, NewReaction,
        NewRoom, NewToken, NewUser, React, SaveRoom, SaveUser, Store,
    },
};
use parlour_store::Options;
use sqlx::Connection;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

/// Hears what the store announces.
#[derive(Default)]
pub(crate) struct Ear {
    events: Mutex<Vec<Arc<Event>>>,
    signals: Mutex<Vec<Signal>>,
}

#[async_trait]
impl Announce for Ear {
    async fn events(&self, events: Vec<Arc<Event>>) {
        self.events.lock().unwrap().extend(events);
    }

    async fn signal(&self, signal: Signal) {
        self.signals.lock().unwrap().push(signal);
    }
}

impl Ear {
    /// What was heard of a room, in the order of hearing.
    pub(crate) fn of(&self, room: RoomId) -> Vec<Event> {
        let events = self.events.lock().unwrap();
        let of_room = events.iter().filter(|event| event.room == room);
        of_room.map(|event| (**event).clone()).collect()
    }

    /// The signals heard so far.
    pub(crate) fn signals(&self) -> Vec<Signal> {
        self.signals.lock().unwrap().clone()
    }
}

/// A store in a place of its own.
pub(crate) struct Bench {
    pub(crate) url: String,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) ear: Arc<Ear>,
    clock: AtomicI64,
    senders: Mutex<HashMap<UserId, Arc<Sender>>>,
    _folder: Option<tempfile::TempDir>,
    /// Where databases are made and dropped, and this one's name.
    server: Option<(String, String)>,
}

/// The server to test on, unless somebody said without.
pub(crate) fn server() -> Option<String> {
    match std::env::var("PARLOUR_TEST_POSTGRES") {
        Ok(url) if !url.is_empty() => Some(url),
        _ => {
            let without = std::env::var("PARLOUR_TEST_WITHOUT").unwrap_or_default();
            assert!(
                without.contains("postgres"),
                "set PARLOUR_TEST_POSTGRES to a PostgreSQL URL, or PARLOUR_TEST_WITHOUT=postgres"
            );
            None
        }
    }
}

impl Bench {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!(
            "sqlite://{}",
            folder.path().join("deep/er/parlour.db").display()
        );
        Self::start(url, Some(folder), None).await
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let server = server()?;
        let name = format!(
            "parlour_{:032x}",
            rand::RngExt::random::<u128>(&mut rand::rng())
        );
        let base = server
            .rsplit_once('/')
            .filter(|(head, _)| !head.ends_with('/'));
        let base = base.map_or(server.as_str(), |(head, _)| head).to_owned();
        admin(&base, format!("CREATE DATABASE {name} TEMPLATE template0")).await;
        let url = format!("{base}/{name}");
        Some(Self::start(url, None, Some((base, name))).await)
    }

    async fn start(
        url: String,
        folder: Option<tempfile::TempDir>,
        server: Option<(String, String)>,
    ) -> Self {
        let ear = Arc::new(Ear::default());
        let announce: Arc<dyn Announce> = Arc::<Ear>::clone(&ear);
        let store = parlour_store::open(&url, small(), announce).await.unwrap();
        Self {
            url,
            store,
            ear,
            clock: AtomicI64::new(1_700_000_000_000_000),
            senders: Mutex::default(),
            _folder: folder,
            server,
        }
    }

    /// Closes the store and removes its database.
    pub(crate) async fn end(self) {
        self.store.close().await;
        if let Some((base, name)) = self.server {
            admin(&base, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    /// A second handle on the same database, with nothing in memory, and its ear.
    pub(crate) async fn second(&self) -> (Arc<dyn Store>, Arc<Ear>) {
        let ear = Arc::new(Ear::default());
        let announce: Arc<dyn Announce> = Arc::<Ear>::clone(&ear);
        let options = Options {
            exclusive: false,
            ..small()
        };
        let store = parlour_store::open(&self.url, options, announce).await;
        (store.unwrap(), ear)
    }

    pub(crate) const fn is_postgres(&self) -> bool {
        self.server.is_some()
    }

    /// A moment later than all before.
    pub(crate) fn now(&self) -> Time {
        Time::from_micros(self.clock.fetch_add(1_000, Ordering::Relaxed))
    }

    pub(crate) fn new_user(&self, name: &str) -> NewUser {
        let key = name.to_lowercase();
        NewUser {
            username: name.to_owned(),
            nickname: name.to_owned(),
            email: None,
            keys: AccountKeys {
                username: Some(key.clone()),
                nickname: Some(key),
                email: None,
            },
            first_name: String::new(),
            last_name: String::new(),
            password_hash: format!("hash of {name}"),
            is_admin: false,
            at: self.now(),
        }
    }

    pub(crate) async fn user(&self, name: &str) -> UserId {
        match self.store.create_user(self.new_user(name)).await.unwrap() {
            SaveUser::Saved { user, .. } => {
                let sender = Arc::new(user.sender());
                self.senders.lock().unwrap().insert(user.id, sender);
                user.id
            }
            other => panic!("{other:?}"),
        }
    }

    /// How an account made by [`Bench::user`] was shown then; others are not shown.
    pub(crate) fn sender(&self, user: UserId) -> Arc<Sender> {
        let known = self.senders.lock().unwrap().get(&user).cloned();
        known.unwrap_or_else(|| {
            Arc::new(Sender {
                nickname: String::new(),
                hue: parlour_core::model::hue(user, None),
            })
        })
    }

    pub(crate) async fn users<const N: usize>(&self, names: [&str; N]) -> [UserId; N] {
        let mut users = [UserId::new(0); N];
        for (user, name) in users.iter_mut().zip(names) {
            *user = self.user(name).await;
        }
        users
    }

    pub(crate) fn new_room(&self, name: &str, owner: UserId, kind: RoomKind) -> NewRoom {
        NewRoom {
            name: name.to_owned(),
            name_key: name.to_lowercase(),
            topic: String::new(),
            kind,
            owner,
            max_users: 50,
            expires_at: None,
            at: self.now(),
        }
    }

    pub(crate) async fn make_room(&self, new: NewRoom) -> Arc<Room> {
        match self.store.create_room(new).await.unwrap() {
            SaveRoom::Saved(room) => room,
            other => panic!("{other:?}"),
        }
    }

    /// A GROUP room.
    pub(crate) async fn room(&self, name: &str, owner: UserId) -> RoomId {
        let new = self.new_room(name, owner, RoomKind::Group);
        self.make_room(new).await.id
    }

    /// A PRIVATE room.
    pub(crate) async fn private(&self, name: &str, owner: UserId) -> RoomId {
        let new = self.new_room(name, owner, RoomKind::Private);
        self.make_room(new).await.id
    }

    pub(crate) async fn join(&self, room: RoomId, user: UserId) -> Join {
        let at = self.now();
        self.store.join(room, user, 250, at).await.unwrap()
    }

    pub(crate) async fn joined(&self, room: RoomId, user: UserId) {
        let answer = self.join(room, user).await;
        assert!(matches!(answer, Join::Joined(_)), "{answer:?}");
    }

    pub(crate) async fn leave(&self, room: RoomId, user: UserId) -> Change {
        self.store.leave(room, user, self.now()).await.unwrap()
    }

    pub(crate) async fn standing(&self, room: RoomId, user: UserId) -> Standing {
        let view = self.store.room(room, user).await.unwrap();
        view.unwrap().standing
    }

    pub(crate) async fn see(&self, room: RoomId) -> Arc<Room> {
        let view = self.store.room(room, UserId::new(1)).await.unwrap();
        view.unwrap().room
    }

    pub(crate) fn new_message(&self, room: RoomId, author: UserId, text: &str) -> NewMessage {
        NewMessage {
            room,
            author,
            sender: self.sender(author),
            text: text.to_owned(),
            reply_to: None,
            reply_is_there: true,
            mentions: Vec::new(),
            files: Vec::new(),
            nonce: None,
            at: self.now(),
        }
    }

    pub(crate) async fn append(&self, message: NewMessage) -> Append {
        append(&self.store, message).await.unwrap()
    }

    pub(crate) async fn send(&self, room: RoomId, author: UserId, text: &str) -> Arc<Message> {
        match self.append(self.new_message(room, author, text)).await {
            Append::Stored(message) => message,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn delete(&self, id: MessageId) -> bool {
        self.store.delete_message(id, self.now()).await.unwrap()
    }

    /// Reacts, or takes it back, with at most 20 different emoji on a message.
    pub(crate) async fn react(&self, id: MessageId, user: UserId, emoji: &str, on: bool) -> React {
        let reaction = NewReaction {
            user,
            emoji: emoji.to_owned(),
            on,
            at: self.now(),
        };
        self.store.react(id, reaction, 20).await.unwrap()
    }

    /// Reacts, and answers the message as it is then and the event's seq.
    pub(crate) async fn reacted(
        &self,
        id: MessageId,
        user: UserId,
        emoji: &str,
        on: bool,
    ) -> (Arc<Message>, Option<i64>) {
        match self.react(id, user, emoji, on).await {
            React::Done { message, seq } => (message, seq),
            other => panic!("{other:?}"),
        }
    }

    /// Sends a text that addresses these users.
    pub(crate) async fn call(
        &self,
        room: RoomId,
        author: UserId,
        users: &[UserId],
    ) -> Arc<Message> {
        let new = NewMessage {
            mentions: mentions(users),
            ..self.new_message(room, author, "@somebody")
        };
        match self.append(new).await {
            Append::Stored(message) => message,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn new_token(&self, user: UserId, hash: &str) -> NewToken {
        NewToken {
            user,
            hash: hash.to_owned(),
            kind: parlour_core::model::TokenKind::Token,
            label: "test".to_owned(),
            at: self.now(),
            expires_at: None,
        }
    }
}

pub(crate) fn mentions(users: &[UserId]) -> Vec<Mention> {
    let mentions = users.iter().map(|user| Mention {
        user: *user,
        name: format!("\"n\" {user}"),
    });
    mentions.collect()
}

/// Small pools: many tests run side by side.
fn small() -> Options {
    Options {
        postgres_connections: Some(6),
        sqlite_readers: 2,
        ..Options::default()
    }
}

pub(crate) async fn append(store: &Arc<dyn Store>, message: NewMessage) -> Result<Append, Error> {
    store.append(message)?.wait().await
}

/// A change of a text that leaves what hangs there.
pub(crate) fn reworded(text: impl Into<String>, mentions: Vec<Mention>, at: Time) -> MessageChange {
    MessageChange {
        text: text.into(),
        mentions,
        files: None,
        at,
    }
}

pub(crate) fn page(number: i64, size: i64) -> PageRequest {
    PageRequest {
        page: PageNumber::Nth(number),
        size,
    }
}

pub(crate) fn last(size: i64) -> PageRequest {
    PageRequest {
        page: PageNumber::Last,
        size,
    }
}

pub(crate) async fn admin(base: &str, sql: String) {
    let mut conn = sqlx::PgConnection::connect(&format!("{base}/postgres"))
        .await
        .unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
}

impl Bench {
    /// Changes the database behind the store's back.
    pub(crate) async fn execute(&self, sql: &'static str) {
        if self.is_postgres() {
            let mut conn = sqlx::PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
            conn.close().await.unwrap();
        } else {
            let mut conn = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();
            conn.close().await.unwrap();
        }
    }

    /// Asks the database itself for a number.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        if self.is_postgres() {
            let mut conn = sqlx::PgConnection::connect(&self.url).await.unwrap();
            let count = sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap();
            conn.close().await.unwrap();
            count
        } else {
            let mut conn = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            let count = sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap();
            conn.close().await.unwrap();
            count
        }
    }
}
