//! The jobs over a real store.

use super::{JOBS, Jobs};
use async_trait::async_trait;
use parlour_core::{
    App, Event, Settings, Signal, Time, UserId, What,
    app::Ports,
    event::EndReason,
    model::RoomKind,
    ports::{
        AccountKeys, Announce, NewRoom, NewUser, SaveRoom, SaveUser, Store, SystemClock,
        SystemRandom, UserChange,
    },
    workers::Background,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Notes what it is told.
#[derive(Default)]
struct Notes {
    events: Mutex<Vec<Arc<Event>>>,
    signals: Mutex<Vec<Signal>>,
}

#[async_trait]
impl Announce for Notes {
    async fn events(&self, events: Vec<Arc<Event>>) {
        let mut notes = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        notes.extend(events);
    }

    async fn signal(&self, signal: Signal) {
        let mut notes = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push(signal);
    }
}

impl Notes {
    fn expired(&self) -> usize {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let expired = |event: &&Arc<Event>| event.what == What::RoomDeleted(EndReason::Expired);
        events.iter().filter(expired).count()
    }

    fn heard(&self, wanted: &Signal) -> bool {
        let signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        signals.contains(wanted)
    }
}

/// A process: its own store on the shared file, its own jobs.
pub(super) struct Process {
    pub(super) app: App,
    notes: Arc<Notes>,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Process {
    pub(super) async fn start(dir: &TempDir) -> Self {
        let url = format!("sqlite://{}", dir.path().join("parlour.db").display());
        let notes = Arc::new(Notes::default());
        let options = parlour_store::Options {
            exclusive: false,
            ..parlour_store::Options::default()
        };
        let store: Arc<dyn Store> =
            parlour_store::open(&url, options, Arc::clone(&notes) as Arc<dyn Announce>)
                .await
                .expect("a store");
        let media = format!("file://{}", dir.path().join("media").display());
        let ports = Ports {
            store,
            blobs: parlour_store::blobs::open_blobs(&media, dir.path(), || {})
                .await
                .expect("a storage"),
            scanner: None,
            announce: Arc::clone(&notes) as Arc<dyn Announce>,
            presence: Arc::new(parlour_core::ports::Nobody),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        };
        Self {
            app: App::new(ports, Settings::default(), Background::on(1)).expect("an app"),
            notes,
            tracker: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    fn work(&self) -> Jobs {
        Jobs::start(&self.app, &self.tracker, &self.stop)
    }

    async fn end(&self) {
        self.stop.cancel();
        self.tracker.close();
        timeout(Duration::from_secs(10), self.tracker.wait())
            .await
            .expect("the jobs end soon");
        self.app.store().close().await;
    }

    async fn user(&self, name: &str) -> UserId {
        let new = NewUser {
            username: name.into(),
            nickname: name.into(),
            email: None,
            keys: AccountKeys {
                username: Some(name.into()),
                nickname: Some(name.into()),
                email: None,
            },
            first_name: String::new(),
            last_name: String::new(),
            password_hash: "none".into(),
            is_admin: false,
            at: self.app.now(),
        };
        match self.app.store().create_user(new).await {
            Ok(SaveUser::Saved { user, .. }) => user.id,
            other => panic!("{other:?}"),
        }
    }

    async fn room(&self, owner: UserId, number: usize, expires_at: Time) {
        let new = NewRoom {
            name: format!("room {number}"),
            name_key: format!("room {number}"),
            topic: String::new(),
            kind: RoomKind::Group,
            owner,
            max_users: 50,
            expires_at: Some(expires_at),
            at: self.app.now(),
        };
        match self.app.store().create_room(new).await {
            Ok(SaveRoom::Saved(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = timeout(Duration::from_secs(20), wait).await;
    assert!(waited.is_ok(), "{what} did not happen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_room_ends_exactly_once_with_two_processes() {
    const ROOMS: usize = 30;
    let dir = tempfile::tempdir().expect("a folder");
    let (one, two) = (Process::start(&dir).await, Process::start(&dir).await);
    let ada = one.user("ada").await;
    let soon = one.app.now().plus(Duration::from_millis(1500));
    for number in 0..ROOMS {
        one.room(ada, number, soon).await;
    }
    let later = one.app.now().plus(Duration::from_secs(3600));
    one.room(ada, ROOMS, later).await;
    let jobs = one.work();
    two.work();
    let ended = || one.notes.expired() + two.notes.expired();
    eventually("the end of all rooms", || ended() >= ROOMS).await;
    jobs.room_ended();
    sleep(Duration::from_millis(1500)).await;
    assert_eq!(ended(), ROOMS, "none twice, none before its time");
    one.end().await;
    two.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_revokes_is_heard() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, command) = (Process::start(&dir).await, Process::start(&dir).await);
    let ada = server.user("ada").await;
    server.work();
    let change = UserChange {
        is_active: Some(false),
        ..UserChange::default()
    };
    let now = command.app.now();
    let saved = command.app.store().update_user(ada, change, now).await;
    assert!(matches!(saved, Ok(SaveUser::Saved { .. })), "{saved:?}");
    let changed = Signal::UserChanged(ada);
    eventually("the signal", || server.notes.heard(&changed)).await;
    server.end().await;
    command.end().await;
}

#[test]
fn what_belongs_to_nobody_is_gone_within_the_hour() {
    let job = JOBS.iter().find(|job| job.name == "sweep_orphaned_files");
    let every = job.expect("it is in the table").every;
    // The pause between two runs is up to a tenth longer; a sweep of very many takes minutes.
    let longest = parlour_core::files::ORPHAN_AGE + every + every / 10 + Duration::from_secs(180);
    assert!(longest <= Duration::from_secs(3600), "{longest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_news_of_a_deletion_wakes_the_sweeper() {
    let released = JOBS.iter().find(|job| job.name == "sweep_released_files");
    let dir = tempfile::tempdir().expect("a folder");
    let process = Process::start(&dir).await;
    let jobs = process.work();
    let context = super::Context {
        app: process.app.clone(),
        stop: process.stop.clone(),
        room_ended: Arc::clone(&jobs.room_ended),
        files_released: Arc::clone(&jobs.files_released),
        heard_of_files: Arc::clone(&jobs.heard_of_files),
        duty: Arc::new(super::Duty::alone()),
        revocations: parlour_core::app::Followed::default(),
    };
    let wake = released.and_then(|job| job.wake).expect("it can be woken");
    assert!(Arc::ptr_eq(wake(&context), &jobs.files_released));
    process.end().await;
}

#[tokio::test]
async fn jobs_outlive_a_store_that_is_closed() {
    let dir = tempfile::tempdir().expect("a folder");
    let process = Process::start(&dir).await;
    process.app.store().close().await;
    process.work();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(process.tracker.len(), JOBS.len(), "none has given up");
    process.end().await;
}
