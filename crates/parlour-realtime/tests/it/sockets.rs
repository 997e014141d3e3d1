//! Whole sockets: frames over a wire in memory, actions over the log.

use crate::{
    log::Log,
    wire::{Client, pair},
    world::{World, actor, settle, user},
};
use async_trait::async_trait;
use futures_util::FutureExt as _;
use parlour_core::{
    Actor, Error, Problem, RoomId, Signal, TokenId,
    error::{BUSY, NONCE_REUSED, NOT_FOUND, NOT_IN_ROOM, RATE_LIMITED},
    event::LeaveReason,
    ports::{Announce as _, History, Span},
};
use parlour_realtime::{
    Actions, Changed, DialectKind, Frame, NewChange, NewSend, Realtime, Registration, Source as _,
    Submitted, TransportError,
};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinHandle};

/// What the actions do, with some rules of their own: texts are commands to the test.
pub(crate) struct TestActions {
    log: Arc<Log>,
    realtime: Realtime,
    /// Commits wait for a permit each.
    pub(crate) commits: Arc<Semaphore>,
    /// Texts in the order in which they were submitted.
    pub(crate) submitted: Mutex<Vec<String>>,
    in_submit: AtomicUsize,
    /// How often somebody was said to be writing.
    pub(crate) typed: AtomicUsize,
}

#[async_trait]
impl Actions for TestActions {
    async fn submit(&self, actor: &Actor, send: NewSend) -> Result<Submitted, Error> {
        assert_eq!(
            self.in_submit.fetch_add(1, Ordering::SeqCst),
            0,
            "one at a time"
        );
        tokio::task::yield_now().await;
        self.in_submit.fetch_sub(1, Ordering::SeqCst);
        self.submitted
            .lock()
            .expect("not poisoned")
            .push(send.text.clone());
        match send.text.trim() {
            "" => return Err(Error::field("text", Problem::EmptyMessage)),
            "flood" => {
                return Err(Error::from(RATE_LIMITED).retry_after(Duration::from_millis(70)));
            }
            "busy" => return Err(Error::from(BUSY).retry_after(Duration::from_secs(1))),
            "panic" => panic!("as the test wants"),
            "expired" => return Err(parlour_core::error::INVALID_TOKEN.into()),
            _ => {}
        }
        let rooms = self.log.heard_by(actor.user);
        if !rooms.contains(&send.room) {
            let problem = if self.log.is_living(send.room) {
                Problem::NotInRoom
            } else {
                let pk = send.room.to_string();
                Problem::NoSuchKey { pk }
            };
            return Err(Error::field("room", problem));
        }
        let (log, realtime, commits) = (
            Arc::clone(&self.log),
            self.realtime.clone(),
            Arc::clone(&self.commits),
        );
        let author = actor.user;
        Ok(async move {
            commits.acquire().await.expect("never closed").forget();
            if send.text == "raced" {
                return Err(NONCE_REUSED.into());
            }
            let events = log.send_with(send.room, author, &send.text, send.nonce);
            let message = events.first().and_then(|event| match &event.what {
                parlour_core::What::MessageCreated(message) => Some(Arc::clone(message)),
                _ => None,
            });
            realtime.events(events).await;
            Ok(message.expect("stored"))
        }
        .boxed())
    }

    async fn change(&self, actor: &Actor, change: NewChange) -> Result<Changed, Error> {
        let (_, events) = self.log.change(&change, actor.user).ok_or(NOT_FOUND)?;
        let event = events.first().cloned().ok_or(NOT_FOUND)?;
        self.realtime.events(events).await;
        Ok(Changed {
            id: change.id,
            seq: Some(event.seq),
            at: event.at,
        })
    }

    async fn read(&self, actor: &Actor, room: RoomId, seq: i64, _: bool) -> Result<(), Error> {
        self.must_hear(actor, room)?;
        let user = actor.user;
        self.realtime.signal(Signal::Read { room, user, seq }).await;
        Ok(())
    }

    async fn typing(&self, actor: &Actor, room: RoomId) -> Result<(), Error> {
        self.must_hear(actor, room)?;
        self.typed.fetch_add(1, Ordering::SeqCst);
        let user = actor.user;
        self.realtime.signal(Signal::Typing { room, user }).await;
        Ok(())
    }

    async fn join(&self, actor: &Actor, room: RoomId) -> Result<i64, Error> {
        if !self.log.is_living(room) {
            return Err(NOT_FOUND.into());
        }
        if !self.log.heard_by(actor.user).contains(&room) {
            let events = self.log.join(room, actor.user);
            self.realtime.events(events).await;
        }
        Ok(self.log.seqs()[&room])
    }

    async fn leave(&self, actor: &Actor, room: RoomId) -> Result<i64, Error> {
        self.must_hear(actor, room)?;
        let events = self.log.leave(room, actor.user, LeaveReason::Left);
        self.realtime.events(events).await;
        Ok(self.log.seqs()[&room])
    }

    async fn history(
        &self,
        actor: &Actor,
        room: RoomId,
        span: Span,
        limit: i64,
    ) -> Result<History, Error> {
        self.must_hear(actor, room)?;
        let after = match span {
            Span::After(after) => after,
            Span::Before(_) | Span::Newest => 0,
        };
        let history = self.log.history(room, after, limit).await?;
        Ok(history.ok_or(NOT_FOUND)?)
    }
}

impl TestActions {
    fn must_hear(&self, actor: &Actor, room: RoomId) -> Result<(), Error> {
        if self.log.heard_by(actor.user).contains(&room) {
            Ok(())
        } else {
            Err(NOT_IN_ROOM.into())
        }
    }
}

pub(crate) struct Served {
    pub(crate) client: Client,
    pub(crate) actions: Arc<TestActions>,
    pub(crate) task: JoinHandle<()>,
}

impl World {
    pub(crate) async fn serve_v2(&self, id: i64) -> Served {
        self.serve_as(id, id, 1_000_000, DialectKind::AccountV2)
            .await
    }

    /// A socket of one room.
    pub(crate) async fn serve_room(&self, id: i64, room: RoomId) -> Result<Served, Error> {
        let registration = self.realtime.enter(actor(id, id), room).await?;
        Ok(self.serve_registered(registration, 1_000_000))
    }

    pub(crate) async fn serve(&self, id: i64) -> Served {
        self.serve_with(id, id, 1_000_000).await
    }

    /// A socket of this user with this token; the wire holds `capacity` frames.
    pub(crate) async fn serve_with(&self, id: i64, token: i64, capacity: usize) -> Served {
        self.serve_as(id, token, capacity, DialectKind::Account)
            .await
    }

    pub(crate) async fn serve_as(
        &self,
        id: i64,
        token: i64,
        capacity: usize,
        dialect: DialectKind,
    ) -> Served {
        let actor = actor(id, token);
        let registration = self.realtime.register(actor, dialect).await;
        self.serve_registered(registration.expect("registers"), capacity)
    }

    pub(crate) fn actions(&self) -> Arc<TestActions> {
        Arc::new(TestActions {
            log: Arc::clone(&self.log),
            realtime: self.realtime.clone(),
            commits: Arc::new(Semaphore::new(1_000_000)),
            submitted: Mutex::default(),
            in_submit: AtomicUsize::new(0),
            typed: AtomicUsize::new(0),
        })
    }

    fn serve_registered(&self, registration: Registration, capacity: usize) -> Served {
        let (wire, client) = pair(capacity);
        let actions = self.actions();
        let realtime = self.realtime.clone();
        let served: Arc<dyn Actions> = Arc::clone(&actions) as _;
        let task = tokio::spawn(async move { realtime.serve(wire, registration, served).await });
        Served {
            client,
            actions,
            task,
        }
    }
}

fn send(room: RoomId, text: &str) -> Value {
    json!({"room": room.get(), "text": text})
}

#[tokio::test(start_paused = true)]
async fn what_one_sends_all_get_the_sender_included() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    let (mut one, mut two) = (world.serve(1).await, world.serve(2).await);
    for number in 0..100 {
        one.client
            .json(&json!({"room": room.get(), "text": number, "nonce": format!("n{number}")}));
    }
    for number in 0..100 {
        for client in [&mut one.client, &mut two.client] {
            let frame = client.next().await;
            assert_eq!(frame["text"], number.to_string());
            assert_eq!(frame["nonce"], format!("n{number}"));
            assert_eq!(frame["owner"], 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ten_bad_frames_are_answered_the_next_one_closes() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve(1).await;
    let bad = [
        "{",
        "[]",
        r#"{"text":"hi"}"#,
        r#"{"text":"hi","room":99}"#,
        r#"{"text":" ","room":1}"#,
    ];
    for text in bad.iter().cycle().take(10) {
        served.client.text(text);
        let frame = served.client.next().await;
        assert_eq!(frame["error"], "validation error", "{frame}");
    }
    // Alive and useful.
    served.client.json(&send(room, "good"));
    assert_eq!(served.client.next().await["text"], "good");
    served.client.send(Frame::Binary(vec![1, 2, 3].into()));
    let (texts, code) = served.client.until_closed().await;
    assert_eq!((texts.len(), code), (0, Some(4002)));
    served.task.await.expect("ends");
}

#[tokio::test(start_paused = true)]
async fn bad_frames_are_forgiven_after_a_minute() {
    let world = World::new();
    let mut served = world.serve(1).await;
    for _ in 0..40 {
        served.client.text("bad");
        assert_eq!(served.client.next().await["code"], "invalid");
        tokio::time::sleep(Duration::from_secs(7)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn races_at_the_commit_and_outages_are_no_bad_frames() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve(1).await;
    for text in ["raced", "busy"].iter().cycle().take(40) {
        let mut frame = send(room, text);
        frame["nonce"] = json!("n");
        served.client.json(&frame);
        let error = served.client.next().await;
        let code = if *text == "busy" {
            "busy"
        } else {
            "nonce_reused"
        };
        assert_eq!(
            (&error["code"], &error["nonce"]),
            (&json!(code), &json!("n"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_warned_and_then_cut() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve(1).await;
    for _ in 0..21 {
        served.client.json(&send(room, "flood"));
    }
    let (texts, code) = served.client.until_closed().await;
    assert_eq!(texts.len(), 20);
    assert!(
        texts
            .iter()
            .all(|frame| frame["code"] == "rate_limited" && frame["retry_ms"] == 70)
    );
    assert_eq!(code, Some(4029));
}

#[tokio::test(start_paused = true)]
async fn a_slower_flood_lives() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve(1).await;
    for _ in 0..60 {
        served.client.json(&send(room, "flood"));
        assert_eq!(served.client.next().await["code"], "rate_limited");
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_found_dead_closes() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve(1).await;
    served.client.json(&send(room, "expired"));
    assert_eq!(served.client.until_closed().await.1, Some(4401));
}

#[tokio::test(start_paused = true)]
async fn reading_stops_at_32_unacknowledged_messages_and_nothing_else_does() {
    let world = World::new();
    let room = world.room(1).await;
    world.tell(world.log.join(room, user(2))).await;
    let mut served = world.serve(1).await;
    served.actions.commits.forget_permits(1_000_000);
    for number in 0..100 {
        served.client.json(&send(room, &number.to_string()));
    }
    settle().await;
    assert_eq!(
        served.actions.submitted.lock().expect("not poisoned").len(),
        32
    );
    // What others say arrives all the same.
    world.send(room, 2, "from another").await;
    assert_eq!(served.client.next().await["text"], "from another");
    served.actions.commits.add_permits(1);
    assert_eq!(served.client.next().await["text"], "0");
    settle().await;
    assert_eq!(
        served.actions.submitted.lock().expect("not poisoned").len(),
        33
    );
    served.actions.commits.add_permits(99);
    for number in 1..100 {
        assert_eq!(served.client.next().await["text"], number.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn all_that_waits_is_written_with_one_flush() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve(1).await;
    settle().await;
    let before = served.client.flushes();
    let mut events = Vec::new();
    for _ in 0..200 {
        events.extend(world.log.send(room, user(1), "batch"));
    }
    world.tell_surely(events).await;
    settle().await;
    for _ in 0..200 {
        served.client.next().await;
    }
    assert_eq!(served.client.flushes() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_peer_is_gone_within_35_seconds() {
    let world = World::new();
    let mut served = world.serve(1).await;
    let start = tokio::time::Instant::now();
    let ping = served.client.recv().await;
    assert!(matches!(ping, Some(Frame::Ping(_))), "{ping:?}");
    let at = start.elapsed().as_secs_f64();
    assert!((20.0..25.0).contains(&at), "pinged at {at}");
    // No answer.
    assert_eq!(served.client.recv().await, None);
    let gone = start.elapsed();
    assert!(gone < Duration::from_secs(35), "{gone:?}");
    served.task.await.expect("ends");
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_answers_when_it_has_read_what_came_before_the_ping() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve_with(1, 1, 2).await;
    for number in 0..20 {
        world.send(room, 1, &number.to_string()).await;
    }
    let start = tokio::time::Instant::now();
    let mut read = 0;
    while read < 20 {
        tokio::time::sleep(Duration::from_secs(6)).await;
        match served.client.recv().await {
            Some(Frame::Text(_)) => read += 1,
            // Answered only after everything before it was read; this one never is.
            Some(Frame::Ping(_)) => {}
            other => panic!("{other:?} after {:?}", start.elapsed()),
        }
    }
    assert!(start.elapsed() > Duration::from_secs(60));
    // Nothing waits any more: now silence means that nobody is there.
    let silent = tokio::time::Instant::now();
    while served.client.recv().await.is_some() {}
    let silent = silent.elapsed();
    assert!(silent < Duration::from_secs(35), "{silent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_without_credit_is_not_silent() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve(1).await;
    let start = tokio::time::Instant::now();
    // The database hangs: nothing is acknowledged, and no frame is taken.
    served.actions.commits.forget_permits(1_000_000);
    for number in 0..33 {
        served.client.json(&send(room, &number.to_string()));
    }
    while start.elapsed() < Duration::from_secs(60) {
        let ping = tokio::time::timeout(Duration::from_secs(26), served.client.recv()).await;
        assert!(matches!(ping, Ok(Some(Frame::Ping(_)))), "{ping:?}");
        served.client.send(Frame::Pong(Vec::new().into()));
    }
    served.actions.commits.add_permits(33);
    let mut texts = 0;
    while texts < 33 {
        texts += usize::from(served.client.next().await["text"].is_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_lives_and_is_pinged_at_varying_times() {
    let world = World::new();
    let mut served = world.serve(1).await;
    let mut pauses = Vec::new();
    for _ in 0..50 {
        let start = tokio::time::Instant::now();
        let Some(Frame::Ping(_)) = served.client.recv().await else {
            panic!("no ping");
        };
        pauses.push(start.elapsed().as_millis());
        // Any frame is an answer.
        served.client.send(Frame::Ping(Vec::new().into()));
    }
    assert!(
        pauses.iter().all(|pause| (19_999..25_000).contains(pause)),
        "{pauses:?}"
    );
    pauses.sort_unstable();
    pauses.dedup();
    // They end on beats of 250 ms, of which there are 19 in this time.
    assert!(pauses.len() > 12, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn every_way_out_gives_the_place_back() {
    let world = World::new();
    let room = world.room(1).await;
    for (fail, code) in [
        (Some(TransportError::TooBig), Some(1009)),
        (Some(TransportError::NotUtf8), Some(1007)),
        (Some(TransportError::Protocol), Some(1002)),
        (Some(TransportError::Gone), None),
    ] {
        let mut served = world.serve(1).await;
        if let Some(error) = fail {
            served.client.fail_or_send(Err(error));
        }
        assert_eq!(served.client.until_closed().await.1, code);
        served.task.await.expect("ends");
    }
    // The client says good bye, hangs up, is dropped, or makes the actions panic.
    let polite = world.serve(1).await;
    polite.client.send(Frame::Close(1000, ""));
    polite.task.await.expect("ends");
    let mut rude = world.serve(1).await;
    rude.client.hang_up();
    rude.task.await.expect("ends");
    let dropped = world.serve(1).await;
    settle().await;
    dropped.task.abort();
    assert!(dropped.task.await.expect_err("aborted").is_cancelled());
    let panicking = world.serve(1).await;
    panicking.client.json(&send(room, "panic"));
    assert!(panicking.task.await.expect_err("panicked").is_panic());
    // Nobody is left to wait for.
    let start = tokio::time::Instant::now();
    world.realtime.shutdown().await;
    assert!(start.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn an_ended_token_closes_its_sockets_and_no_others() {
    let world = World::new();
    let room = world.room(1).await;
    let mut ended = world.serve_with(1, 11, 1_000).await;
    let mut other = world.serve_with(1, 12, 1_000).await;
    let signal = Signal::CredentialsEnded {
        user: user(1),
        ended: vec![TokenId::new(11)],
    };
    world.realtime.signal(signal).await;
    world.send(room, 1, "later").await;
    let (texts, code) = ended.client.until_closed().await;
    assert_eq!((texts.len(), code), (0, Some(4401)));
    assert_eq!(other.client.next().await["text"], "later");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_writes_without_reading_does_not_stall_itself() {
    let world = World::new();
    let room = world.room(1).await;
    let mut served = world.serve_with(1, 1, 4).await;
    for number in 0..300 {
        served.client.json(&send(room, &number.to_string()));
    }
    settle().await;
    // All were taken though the wire to the client is full.
    assert_eq!(
        served.actions.submitted.lock().expect("not poisoned").len(),
        300
    );
    for number in 0..300 {
        assert_eq!(served.client.next().await["text"], number.to_string());
    }
}

/// Many at once on several threads: all streams are the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_senders_one_order() {
    const SENDERS: i64 = 8;
    const EACH: usize = 200;
    let world = World::new();
    let room = world.room(1).await;
    let mut clients = Vec::new();
    for id in 1..=20 {
        world.tell_surely(world.log.join(room, user(id))).await;
        clients.push(world.serve(id).await);
    }
    let expected = world.log.seqs()[&room] + 1..;
    for served in &clients[..SENDERS as usize] {
        for number in 0..EACH {
            served.client.json(&send(room, &number.to_string()));
        }
    }
    let mut first: Option<Vec<Value>> = None;
    for served in &mut clients {
        let mut got = Vec::new();
        for seq in expected.clone().take(SENDERS as usize * EACH) {
            let frame = served.client.next().await;
            assert_eq!(frame["seq"], seq);
            got.push(frame);
        }
        for sender in 1..=SENDERS {
            let own = got.iter().filter(|frame| frame["owner"] == sender);
            let texts = own.map(|frame| frame["text"].as_str().expect("text").to_owned());
            assert!(texts.eq((0..EACH).map(|number| number.to_string())));
        }
        match &first {
            None => first = Some(got),
            Some(first) => assert_eq!(*first, got),
        }
    }
}
