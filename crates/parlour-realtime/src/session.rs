//! One client, without any socket in sight: frames in, commands to the actions; errors and
//! acknowledgements to its outbox.

mod budget;
mod catch_up;

pub(crate) use budget::Budget;
pub(crate) use catch_up::{replay, rewind};

use crate::{
    actions::{Actions, Changed, Submitted},
    close::{self, Close},
    command::{Command, NewChange, NewSend, Refusal},
    dialect::{Account, Ack, Dialect, Input},
    hub::Registration,
    outbox::Outbox,
};
use catch_up::CatchUp;
use futures_util::{FutureExt as _, future::BoxFuture};
use metrics::counter;
use parlour_core::{
    Error, Kind, RoomId,
    error::{NOT_IN_ROOM, RATE_LIMITED},
    model::Message,
};
use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;

/// How many resumes a client may ask for per [`RESUMES_WITHIN`].
const RESUMES: usize = 20;
/// See [`RESUMES`].
const RESUMES_WITHIN: Duration = Duration::from_secs(60);
/// That somebody is writing is said once within this time.
pub(crate) const TYPING: Duration = Duration::from_secs(1);

/// What a client may do (`realtime.md`, "Soft errors" and "Backpressure in").
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Bad frames that are answered by an error frame, per [`bad_frames_within`](Self::bad_frames_within);
    /// one more closes with 4002.
    pub bad_frames: usize,
    /// See [`bad_frames`](Self::bad_frames).
    pub bad_frames_within: Duration,
    /// `rate_limited` errors per [`refusals_within`](Self::refusals_within); one more closes with 4029.
    pub refusals: usize,
    /// See [`refusals`](Self::refusals).
    pub refusals_within: Duration,
    /// Messages that may be on their way to the disk before reading stops.
    pub credit: usize,
    /// How long the rooms of a socket of version 2 wait for the client to say what it missed; its
    /// first frame ends the wait.
    pub resume_within: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            bad_frames: 10,
            bad_frames_within: Duration::from_secs(60),
            refusals: 20,
            refusals_within: Duration::from_secs(10),
            credit: 32,
            resume_within: Duration::from_secs(1),
        }
    }
}

/// What comes after a frame or a result.
pub type Flow = Result<(), &'static Close>;

/// One client: its place in the hub and its conversation. What only some need is made when they do:
/// most sockets are idle most of the time.
pub struct Session {
    registration: Registration,
    actions: Arc<dyn Actions>,
    limits: Arc<SessionLimits>,
    conduct: Option<Box<Conduct>>,
    /// The command that is being carried out; frames are handled one after the other.
    current: Option<BoxFuture<'static, Done>>,
    /// What is not yet committed or not yet acknowledged, in the order of the frames. Only the first
    /// is waited for: the others cannot be acknowledged before it.
    in_flight: VecDeque<InFlight>,
    catch_up: CatchUp,
}

/// What a client may still do, where that is limited.
struct Conduct {
    bad_frames: Budget,
    refusals: Budget,
    resumes: Budget,
    /// When the client last said that its user is writing.
    typing: Option<Instant>,
}

/// What a client waits for.
struct InFlight {
    nonce: Option<String>,
    what: Waiting,
}

enum Waiting {
    /// A message on its way to the disk.
    Message(Submitted),
    /// A change that is stored already.
    Change(Changed),
}

/// A command that was carried out, as far as it is waited for.
struct Done {
    nonce: Option<String>,
    result: Result<Next, Error>,
    /// Whether any fault of the client's makes its frame a bad one; else only malformed input does,
    /// because the rest may be a race.
    is_strict: bool,
}

/// What follows.
enum Next {
    /// The commit, then the acknowledgement.
    Commit(Submitted),
    /// The acknowledgement.
    Ack(Changed),
    /// Nothing.
    Nothing,
}

impl Session {
    /// A client that begins to talk.
    #[must_use]
    pub fn new(
        registration: Registration,
        actions: Arc<dyn Actions>,
        limits: Arc<SessionLimits>,
    ) -> Self {
        Self {
            catch_up: CatchUp::new(&registration, limits.resume_within),
            registration,
            actions,
            conduct: None,
            limits,
            current: None,
            in_flight: VecDeque::new(),
        }
    }

    fn dialect(&self) -> &'static dyn Dialect {
        // Not reached: clients of Socket.IO have a conversation of their own.
        self.registration.dialect().dialect().unwrap_or(&Account)
    }

    fn conduct(&mut self) -> &mut Conduct {
        let limits = &self.limits;
        self.conduct.get_or_insert_with(|| {
            Box::new(Conduct {
                bad_frames: Budget::new(limits.bad_frames, limits.bad_frames_within),
                refusals: Budget::new(limits.refusals, limits.refusals_within),
                resumes: Budget::resumes(),
                typing: None,
            })
        })
    }

    /// The client's place in the hub.
    #[must_use]
    pub const fn registration(&self) -> &Registration {
        &self.registration
    }

    /// What waits for the client.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        self.registration.outbox()
    }

    /// Whether the next frame may be read: the last one was handled, and credit is left.
    #[must_use]
    pub fn wants_frame(&self) -> bool {
        self.current.is_none()
            && self.in_flight.len() < self.limits.credit
            && self.catch_up.is_free()
    }

    /// Whether something that the client asked for is not stored or acknowledged yet.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.current.is_some() || !self.in_flight.is_empty()
    }

    /// Whether [`poll_progress`](Self::poll_progress) has something to wait for.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.is_busy() || self.catch_up.is_busy()
    }

    /// Takes a frame. Call it only while [`wants_frame`](Self::wants_frame). What is said about it
    /// waits in the outbox to be [sent off](Outbox::wake).
    ///
    /// # Errors
    /// How to close the socket.
    pub fn handle(&mut self, input: Input<'_>) -> Flow {
        let decoded = self.dialect().decode(input);
        if let Ok(Command::Resume(resume)) = decoded {
            if !self.conduct().resumes.spend(Instant::now()) {
                let error = Error::from(RATE_LIMITED).retry_after(RESUMES_WITHIN);
                return self.refuse(&error.into());
            }
            self.catch_up.resume(resume);
            return Ok(());
        }
        self.catch_up.release();
        match decoded {
            Ok(command) => self.carry_out(command),
            Err(refusal) => self.refuse_bad_frame(&refusal),
        }
    }

    fn carry_out(&mut self, command: Command) -> Flow {
        match command {
            Command::Send(send) => self.submit(send),
            Command::Say { text, nonce } => {
                let Some(room) = self.registration.only() else {
                    // Not reached: only sockets of one room speak so.
                    return self.refuse(&Refusal::new(NOT_IN_ROOM.into(), nonce));
                };
                self.submit(NewSend {
                    room,
                    text,
                    nonce,
                    reply_to: None,
                    files: Vec::new(),
                });
            }
            Command::Change(change) => self.change(change),
            Command::Read { room, seq, back } => self.read(room, seq, back),
            Command::Typing(room) => self.typing(room),
            Command::Ping { nonce } => {
                if let Some(frame) = self.dialect().pong(nonce.as_deref()) {
                    self.outbox().push(&frame);
                }
            }
            // Taken before: see `handle`.
            Command::Resume(resume) => self.catch_up.resume(resume),
        }
        Ok(())
    }

    fn submit(&mut self, send: NewSend) {
        let (actions, actor) = (Arc::clone(&self.actions), *self.registration.actor());
        let nonce = send.nonce.clone();
        let done = async move {
            Done {
                result: actions.submit(&actor, send).await.map(Next::Commit),
                nonce,
                is_strict: true,
            }
        };
        self.current = Some(done.boxed());
    }

    fn change(&mut self, change: NewChange) {
        let (actions, actor) = (Arc::clone(&self.actions), *self.registration.actor());
        let nonce = change.nonce.clone();
        let done = async move {
            Done {
                result: actions.change(&actor, change).await.map(Next::Ack),
                nonce,
                is_strict: false,
            }
        };
        self.current = Some(done.boxed());
    }

    fn read(&mut self, room: RoomId, seq: i64, back: bool) {
        let (actions, actor) = (Arc::clone(&self.actions), *self.registration.actor());
        let done = async move {
            let result = actions.read(&actor, room, seq, back).await;
            Done {
                nonce: None,
                result: result.map(|()| Next::Nothing),
                is_strict: false,
            }
        };
        self.current = Some(done.boxed());
    }

    fn typing(&mut self, room: RoomId) {
        let now = Instant::now();
        let typing = &mut self.conduct().typing;
        if typing.is_some_and(|last| now.duration_since(last) < TYPING) {
            return;
        }
        *typing = Some(now);
        let (actions, actor) = (Arc::clone(&self.actions), *self.registration.actor());
        let done = async move {
            let result = match actions.typing(&actor, room).await {
                // It may be lost.
                Err(error) if error.kind() == Kind::TooMany => Ok(()),
                result => result,
            };
            Done {
                nonce: None,
                result: result.map(|()| Next::Nothing),
                is_strict: false,
            }
        };
        self.current = Some(done.boxed());
    }

    /// Goes on with what is under way, as far as that goes now. Ready when something was done; what
    /// was said about it then waits in the outbox to be [sent off](Outbox::wake).
    ///
    /// # Errors
    /// How to close the socket.
    pub fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Flow> {
        let mut moved = false;
        if let Some(current) = &mut self.current
            && let Poll::Ready(done) = current.as_mut().poll(cx)
        {
            moved = true;
            self.current = None;
            if let Err(close) = self.done(done) {
                return Poll::Ready(Err(close));
            }
        }
        while let Some(Poll::Ready(result)) = self.in_flight.front_mut().map(|next| next.poll(cx)) {
            moved = true;
            let nonce = self.in_flight.pop_front().and_then(|next| next.nonce);
            if let Err(close) = self.answer(nonce, result) {
                return Poll::Ready(Err(close));
            }
        }
        if moved && self.in_flight.is_empty() {
            // Nothing is held while nothing is on its way.
            self.in_flight = VecDeque::new();
        }
        if self.catch_up.is_busy() {
            moved |= self.catch_up.poll_step(cx).is_ready();
        }
        if moved {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    fn answer(&mut self, nonce: Option<String>, result: Result<Changed, Error>) -> Flow {
        let changed = match result {
            Ok(changed) => changed,
            Err(error) => return self.refuse(&Refusal::new(error, nonce)),
        };
        let ack = Ack {
            nonce: nonce.as_deref(),
            id: changed.id,
            seq: changed.seq,
            at: changed.at,
        };
        if let Some(frame) = self.dialect().acknowledge(&ack) {
            self.outbox().push(&frame);
        }
        Ok(())
    }

    fn done(&mut self, done: Done) -> Flow {
        let Done {
            nonce,
            result,
            is_strict,
        } = done;
        match result {
            Ok(Next::Commit(submitted)) => {
                let what = Waiting::Message(submitted);
                self.in_flight.push_back(InFlight { nonce, what });
                Ok(())
            }
            Ok(Next::Ack(changed)) => {
                // Behind the acknowledgements of what was asked before.
                let what = Waiting::Change(changed);
                self.in_flight.push_back(InFlight { nonce, what });
                Ok(())
            }
            Ok(Next::Nothing) => Ok(()),
            Err(error) => {
                let kind = error.kind();
                let is_bad = if is_strict {
                    is_clients_fault(kind)
                } else {
                    kind == Kind::Invalid
                };
                let refusal = Refusal::new(error, nonce);
                if is_bad {
                    self.refuse_bad_frame(&refusal)
                } else {
                    self.refuse(&refusal)
                }
            }
        }
    }

    /// An error frame that costs the client a bit of patience.
    fn refuse_bad_frame(&mut self, refusal: &Refusal) -> Flow {
        if !self.conduct().bad_frames.spend(Instant::now()) {
            return Err(&close::BAD_PAYLOAD);
        }
        self.refuse(refusal)
    }

    fn refuse(&mut self, refusal: &Refusal) -> Flow {
        match refusal.error.kind() {
            Kind::Unauthenticated => return Err(&close::CREDENTIAL_ENDED),
            Kind::TooMany if !self.conduct().refusals.spend(Instant::now()) => {
                return Err(&close::RATE);
            }
            Kind::Internal => tracing::error!(error = ?refusal.error, "a socket's message failed"),
            _ => {}
        }
        counter!("parlour_soft_errors_total", "code" => refusal.error.code()).increment(1);
        self.outbox().push(&self.dialect().refuse(refusal));
        Ok(())
    }
}

impl InFlight {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Changed, Error>> {
        let stored = |message: Arc<Message>| Changed {
            id: message.id,
            seq: Some(message.seq),
            at: message.created_at,
        };
        match &mut self.what {
            Waiting::Message(submitted) => {
                let result = submitted.as_mut().poll(cx);
                result.map(|result| result.map(stored))
            }
            Waiting::Change(changed) => Poll::Ready(Ok(*changed)),
        }
    }
}

/// Whether a frame was bad, rather than unlucky.
pub(crate) const fn is_clients_fault(kind: Kind) -> bool {
    match kind {
        Kind::Invalid
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::Gone
        | Kind::TooLarge => true,
        Kind::Unauthenticated
        | Kind::TooMany
        | Kind::Unavailable
        | Kind::StorageFull
        | Kind::Internal => false,
    }
}
