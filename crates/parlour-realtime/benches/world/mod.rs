//! A room's stream in memory, a hub, and connections without a wire.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Sink, Stream};
use parlour_core::{
    Actor, Error, Event, MessageId, Proof, RoomId, Time, TokenId, UserId, What,
    model::{Html, Message, RoomKind, Sender},
    ports::{Hearing, History, Span},
};
use parlour_realtime::{
    Actions, Changed, Config, DialectKind, Frame, Line, LocalBus, NewChange, NewSend, Realtime,
    Registration, Source, Submitted, Transport, TransportError,
};
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::{runtime::Runtime, sync::Notify};

/// The room in which everything happens.
pub(crate) const ROOM: i64 = 1;

/// A message of the usual length at this place of the stream.
pub(crate) fn message(seq: i64) -> Event {
    let at = Time::from_micros(1_800_000_000_000_000 + seq);
    let message = Message {
        id: MessageId::new(seq),
        room: RoomId::new(ROOM),
        owner: UserId::new(1),
        sender: Arc::new(Sender {
            nickname: "ada".to_owned(),
            hue: 1,
        }),
        seq,
        text: "A message of the usual length, which is short.".to_owned(),
        nonce: None,
        reply_to: None,
        mentions: Vec::new(),
        reactions: Vec::new(),
        created_at: at,
        updated_at: at,
        files: Vec::new(),
        html: Html::default(),
    };
    Event {
        room: RoomId::new(ROOM),
        seq,
        at,
        what: What::MessageCreated(Arc::new(message)),
    }
}

/// The room's stream; everybody is a member.
#[derive(Default)]
struct Log(Mutex<Vec<Arc<Event>>>);

impl Log {
    fn with<T>(&self, look: impl FnOnce(&mut Vec<Arc<Event>>) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn newest(&self) -> i64 {
        self.with(|events| i64::try_from(events.len()).unwrap_or(i64::MAX))
    }
}

#[async_trait]
impl Source for Log {
    async fn history(&self, _: RoomId, after: i64, limit: i64) -> Result<Option<History>, Error> {
        let (after, limit) = (usize::try_from(after), usize::try_from(limit));
        let (after, limit) = (after.unwrap_or(0), limit.unwrap_or(0));
        let seq = self.newest();
        Ok(self.with(|events| {
            let rest = events.get(after..).unwrap_or_default();
            Some(History {
                events: rest
                    .iter()
                    .take(limit)
                    .map(|event| (**event).clone())
                    .collect(),
                has_more: rest.len() > limit,
                seq,
            })
        }))
    }

    async fn positions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, i64)>, Error> {
        let seq = self.newest();
        Ok(rooms.iter().map(|room| (*room, seq)).collect())
    }

    async fn hearings(&self, users: &[UserId]) -> Result<Vec<(UserId, Hearing)>, Error> {
        let hearing = || Hearing {
            room: RoomId::new(ROOM),
            seq: self.newest(),
            owner: UserId::new(1),
            is_member: true,
        };
        Ok(users.iter().map(|user| (*user, hearing())).collect())
    }

    async fn ended_kind(&self, _: RoomId) -> Result<Option<RoomKind>, Error> {
        Ok(None)
    }

    fn epoch(&self) -> &str {
        "e1"
    }
}

/// Clients that only listen.
struct NoActions;

#[async_trait]
impl Actions for NoActions {
    async fn submit(&self, _: &Actor, _: NewSend) -> Result<Submitted, Error> {
        Err(Error::internal("nobody writes here"))
    }

    async fn change(&self, _: &Actor, _: NewChange) -> Result<Changed, Error> {
        Err(Error::internal("nobody writes here"))
    }

    async fn read(&self, _: &Actor, _: RoomId, _: i64, _: bool) -> Result<(), Error> {
        Ok(())
    }

    async fn typing(&self, _: &Actor, _: RoomId) -> Result<(), Error> {
        Ok(())
    }

    async fn join(&self, _: &Actor, _: RoomId) -> Result<i64, Error> {
        Err(Error::internal("nobody moves here"))
    }

    async fn leave(&self, _: &Actor, _: RoomId) -> Result<i64, Error> {
        Err(Error::internal("nobody moves here"))
    }

    async fn history(&self, _: &Actor, _: RoomId, _: Span, _: i64) -> Result<History, Error> {
        Err(Error::internal("nobody reads here"))
    }
}

/// What was written to connections.
#[derive(Default)]
pub(crate) struct Written {
    frames: AtomicUsize,
    recovered: Notify,
}

impl Written {
    /// How many text frames, or writes, so far.
    pub(crate) fn frames(&self) -> usize {
        self.frames.load(Ordering::Acquire)
    }
}

/// Counts writes: each turn is one for each socket.
impl Line for Written {
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.frames.fetch_add(1, Ordering::AcqRel);
        Ok(bytes.len())
    }

    fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.frames.fetch_add(1, Ordering::AcqRel);
        Ok(pieces.iter().map(|piece| piece.len()).sum())
    }
}

/// A connection that takes everything, from a client that says one thing at most.
struct Wire {
    has_line: bool,
    says: Option<Bytes>,
    written: Arc<Written>,
}

impl Stream for Wire {
    type Item = Result<Frame, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.says.take() {
            Some(text) => Poll::Ready(Some(Ok(Frame::Text(text)))),
            None => Poll::Pending,
        }
    }
}

impl Sink<Frame> for Wire {
    type Error = TransportError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> Result<(), TransportError> {
        if let Frame::Text(text) = frame {
            self.written.frames.fetch_add(1, Ordering::AcqRel);
            if text.starts_with(br#"{"type":"recovered""#) {
                self.written.recovered.notify_one();
            }
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }
}

impl Transport for Wire {
    fn line(&self) -> Option<Arc<dyn Line>> {
        self.has_line.then(|| Arc::clone(&self.written) as _)
    }
}

/// A hub over the stream. One thread, so that a figure is work and not luck with cores.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) realtime: Realtime,
    log: Arc<Log>,
}

impl World {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let log = Arc::new(Log::default());
        let realtime = {
            let _inside = runtime.enter();
            let source = Arc::clone(&log) as Arc<dyn Source>;
            Realtime::start(source, Arc::new(LocalBus::new()), Config::default())
        };
        Self {
            runtime,
            realtime,
            log,
        }
    }

    /// The next event of the stream, stored and not yet announced.
    pub(crate) fn next(&self) -> Arc<Event> {
        let event = Arc::new(message(self.newest() + 1));
        self.log.with(|events| events.push(Arc::clone(&event)));
        event
    }

    pub(crate) fn newest(&self) -> i64 {
        self.log.newest()
    }

    /// Places in the hub without connections.
    pub(crate) async fn register(&self, count: usize) -> Vec<Registration> {
        let mut places = Vec::with_capacity(count);
        for user in (1..).take(count) {
            places.push(self.place(user, DialectKind::Account).await);
        }
        places
    }

    /// Connections that are served, and written to by the outbox itself or by their tasks.
    pub(crate) async fn connect(&self, count: usize, has_line: bool) -> Arc<Written> {
        let written = Arc::<Written>::default();
        for place in self.register(count).await {
            let (realtime, written) = (self.realtime.clone(), Arc::clone(&written));
            let wire = Wire {
                has_line,
                says: None,
                written,
            };
            tokio::spawn(async move { realtime.serve(wire, place, Arc::new(NoActions)).await });
        }
        written
    }

    /// A client of version 2 that says what it missed; how many frames it got until it had recovered.
    pub(crate) async fn resume(&self, asks: &str) -> usize {
        let written = Arc::<Written>::default();
        let wire = Wire {
            has_line: false,
            says: Some(Bytes::copy_from_slice(asks.as_bytes())),
            written: Arc::clone(&written),
        };
        let place = self.place(2_000_000, DialectKind::AccountV2).await;
        tokio::select! {
            () = self.realtime.serve(wire, place, Arc::new(NoActions)) => {}
            () = written.recovered.notified() => {}
        }
        written.frames()
    }

    async fn place(&self, user: i64, dialect: DialectKind) -> Registration {
        let actor = Actor {
            user: UserId::new(user),
            is_admin: false,
            proof: Proof::Token(TokenId::new(user)),
        };
        let place = self.realtime.register(actor, dialect).await;
        place.expect("registers")
    }
}
