//! A small world to act in.

use async_trait::async_trait;
use parlour_core::{
    Actor, App, Error, Event, Proof, Settings, Signal, Time, UserId,
    accounts::{self, LogIn, SignUp},
    app::Ports,
    given::Given,
    model::{Room, TokenKind, User},
    ports::{Announce, Clock, Store, SystemRandom},
    rooms::{self, CreateRoom},
    workers::Background,
};
use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// Where everybody in these tests calls from.
pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// A password that passes the rules.
pub(crate) const PASSWORD: &str = "difference of squares";

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct HandClock(AtomicI64);

impl HandClock {
    pub(crate) fn forward(&self, by: Duration) {
        self.0.fetch_add(by.as_micros() as i64, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Time {
        Time::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// What was announced.
#[derive(Debug, Default)]
pub(crate) struct Record {
    events: Mutex<Vec<Arc<Event>>>,
    signals: Mutex<Vec<Signal>>,
}

#[async_trait]
impl Announce for Record {
    async fn events(&self, events: Vec<Arc<Event>>) {
        self.events.lock().expect("not poisoned").extend(events);
    }

    async fn signal(&self, signal: Signal) {
        self.signals.lock().expect("not poisoned").push(signal);
    }
}

/// An app with its clock and record.
pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) record: Arc<Record>,
    folder: tempfile::TempDir,
}

impl World {
    /// A world with rates off.
    pub(crate) async fn new() -> Self {
        Self::with(Settings {
            rates: None,
            ..Settings::default()
        })
        .await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let record = Arc::new(Record::default());
        let announce: Arc<dyn Announce> = record.clone();
        let store: Arc<dyn Store> = parlour_store::open(
            &url,
            parlour_store::Options::default(),
            Arc::clone(&announce),
        )
        .await
        .expect("the store opens");
        let clock = Arc::new(HandClock(AtomicI64::new(1_795_304_414_000_000)));
        let media = format!("file://{}", folder.path().join("media").display());
        let ports = Ports {
            store,
            blobs: parlour_store::blobs::open_blobs(&media, folder.path(), || {})
                .await
                .expect("the storage opens"),
            scanner: None,
            announce,
            presence: Arc::new(parlour_core::ports::Nobody),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
        };
        let app = App::new(ports, settings, Background::on(2)).expect("threads");
        Self {
            app,
            clock,
            record,
            folder,
        }
    }

    /// Where its data is.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) async fn user(&self, name: &str) -> User {
        let input = SignUp {
            username: value(name),
            password: value(PASSWORD),
            ..SignUp::default()
        };
        accounts::register(&self.app, input, HERE)
            .await
            .expect("signs up")
    }

    /// An account and what it is when it acts.
    pub(crate) async fn actor(&self, name: &str) -> Actor {
        acting(self.user(name).await.id)
    }

    pub(crate) async fn log_in(&self, name: &str, password: &str) -> Result<String, Error> {
        let input = LogIn {
            username: value(name),
            password: value(password),
            address: HERE,
            kind: TokenKind::Token,
            label: "test".into(),
        };
        accounts::log_in(&self.app, input)
            .await
            .map(|issued| issued.secret)
    }

    pub(crate) async fn room(
        &self,
        owner: &Actor,
        name: &str,
        kind: &str,
        seats: i64,
    ) -> Arc<Room> {
        let input = CreateRoom {
            name: value(name),
            kind: value(kind),
            max_users: Given::Value(seats),
            ..CreateRoom::default()
        };
        rooms::create(&self.app, owner, input)
            .await
            .expect("a room")
    }

    pub(crate) fn signals(&self) -> Vec<Signal> {
        self.record.signals.lock().expect("not poisoned").clone()
    }

    pub(crate) fn events(&self) -> Vec<Arc<Event>> {
        self.record.events.lock().expect("not poisoned").clone()
    }
}

pub(crate) fn acting(user: UserId) -> Actor {
    Actor {
        user,
        is_admin: false,
        proof: Proof::System,
    }
}

pub(crate) fn value(text: &str) -> Given<String> {
    Given::Value(text.to_owned())
}

/// The code of a refusal.
pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, Error>) -> &'static str {
    outcome.expect_err("refused").code()
}

/// The bad fields of a refusal with their texts.
pub(crate) fn fields<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Vec<(&'static str, String)> {
    let error = outcome.expect_err("refused");
    error
        .field_errors()
        .iter()
        .map(|field| (field.field, field.problem.to_string()))
        .collect()
}
