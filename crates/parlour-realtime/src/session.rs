//! One client, without any socket in sight: frames in, commands to the actions; errors and
//! acknowledgements to its outbox.

mod budget;
mod catch_up;

use crate::{
    actions::{Actions, Changed, Submitted},
    close::{self, Close},
    command::{Command, NewChange, NewSend, Refusal},
    dialect::{Ack, Dialect, Input},
    hub::Registration,
    outbox::Outbox,
};
use budget::Budget;
use catch_up::CatchUp;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, ready},
    stream::FuturesOrdered,
};
use metrics::counter;
use parlour_core::{
    Error, Kind, RoomId,
    error::{NOT_IN_ROOM, RATE_LIMITED},
};
use std::{future::pending, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How many resumes a client may ask for per [`RESUMES_WITHIN`].
const RESUMES: usize = 20;
/// See [`RESUMES`].
const RESUMES_WITHIN: Duration = Duration::from_secs(60);
/// That somebody is writing is said once within this time.
const TYPING: Duration = Duration::from_secs(1);

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

type Outcome = (Option<String>, Result<Changed, Error>);

/// One client: its place in the hub and its conversation.
pub struct Session {
    registration: Registration,
    dialect: &'static dyn Dialect,
    actions: Arc<dyn Actions>,
    limits: SessionLimits,
    bad_frames: Budget,
    refusals: Budget,
    resumes: Budget,
    /// When the client last said that its user is writing.
    typing: Option<Instant>,
    /// The command that is being carried out; frames are handled one after the other.
    current: Option<BoxFuture<'static, Done>>,
    /// What is not yet committed or not yet acknowledged, in the order of the frames.
    in_flight: FuturesOrdered<BoxFuture<'static, Outcome>>,
    catch_up: CatchUp,
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

/// What [`Session::progress`] waits for.
enum Step {
    Done(Done),
    Stored(Outcome),
    CaughtUp,
}

impl Session {
    /// A client that begins to talk.
    #[must_use]
    pub fn new(
        registration: Registration,
        actions: Arc<dyn Actions>,
        limits: SessionLimits,
    ) -> Self {
        Self {
            dialect: registration.dialect().dialect(),
            catch_up: CatchUp::new(&registration, limits.resume_within),
            registration,
            actions,
            bad_frames: Budget::new(limits.bad_frames, limits.bad_frames_within),
            refusals: Budget::new(limits.refusals, limits.refusals_within),
            resumes: Budget::new(RESUMES, RESUMES_WITHIN),
            typing: None,
            limits,
            current: None,
            in_flight: FuturesOrdered::new(),
        }
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

    /// Whether [`progress`](Self::progress) has something to wait for.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.is_busy() || self.catch_up.is_busy()
    }

    /// Takes a frame. Call it only while [`wants_frame`](Self::wants_frame).
    ///
    /// # Errors
    /// How to close the socket.
    pub fn handle(&mut self, input: Input<'_>) -> Flow {
        let decoded = self.dialect.decode(input);
        if let Ok(Command::Resume(resume)) = decoded {
            if !self.resumes.spend(Instant::now()) {
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
                });
            }
            Command::Change(change) => self.change(change),
            Command::Read { room, seq, back } => self.read(room, seq, back),
            Command::Typing(room) => self.typing(room),
            Command::Ping { nonce } => {
                if let Some(frame) = self.dialect.pong(nonce.as_deref()) {
                    self.outbox().send(&frame);
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
        if self
            .typing
            .is_some_and(|last| now.duration_since(last) < TYPING)
        {
            return;
        }
        self.typing = Some(now);
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

    /// Goes on with what is under way; returns after each step. Cancel safe. Waits for ever when
    /// nothing is under way.
    ///
    /// # Errors
    /// How to close the socket.
    pub async fn progress(&mut self) -> Flow {
        let Self {
            current,
            in_flight,
            catch_up,
            ..
        } = self;
        let done = async {
            match current {
                Some(current) => current.await,
                None => pending().await,
            }
        };
        let step = tokio::select! {
            done = done => Step::Done(done),
            Some(outcome) = in_flight.next(), if !in_flight.is_empty() => Step::Stored(outcome),
            () = catch_up.step(), if catch_up.is_busy() => Step::CaughtUp,
        };
        match step {
            Step::Done(done) => {
                self.current = None;
                self.done(done)
            }
            Step::Stored((nonce, Ok(changed))) => {
                let ack = Ack {
                    nonce: nonce.as_deref(),
                    id: changed.id,
                    seq: changed.seq,
                    at: changed.at,
                };
                if let Some(frame) = self.dialect.acknowledge(&ack) {
                    self.outbox().send(&frame);
                }
                Ok(())
            }
            Step::Stored((nonce, Err(error))) => self.refuse(&Refusal::new(error, nonce)),
            Step::CaughtUp => Ok(()),
        }
    }

    fn done(&mut self, done: Done) -> Flow {
        let Done {
            nonce,
            result,
            is_strict,
        } = done;
        match result {
            Ok(Next::Commit(submitted)) => {
                let outcome = submitted.map(move |result| {
                    let stored = result.map(|message| Changed {
                        id: message.id,
                        seq: Some(message.seq),
                        at: message.created_at,
                    });
                    (nonce, stored)
                });
                self.in_flight.push_back(outcome.boxed());
                Ok(())
            }
            Ok(Next::Ack(changed)) => {
                // Behind the acknowledgements of what was asked before.
                self.in_flight
                    .push_back(ready((nonce, Ok(changed))).boxed());
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
        if !self.bad_frames.spend(Instant::now()) {
            return Err(&close::BAD_PAYLOAD);
        }
        self.refuse(refusal)
    }

    fn refuse(&mut self, refusal: &Refusal) -> Flow {
        match refusal.error.kind() {
            Kind::Unauthenticated => return Err(&close::CREDENTIAL_ENDED),
            Kind::TooMany if !self.refusals.spend(Instant::now()) => return Err(&close::RATE),
            Kind::Internal => tracing::error!(error = ?refusal.error, "a socket's message failed"),
            _ => {}
        }
        counter!("parlour_soft_errors_total", "code" => refusal.error.code()).increment(1);
        self.outbox().send(&self.dialect.refuse(refusal));
        Ok(())
    }
}

/// Whether a frame was bad, rather than unlucky.
const fn is_clients_fault(kind: Kind) -> bool {
    match kind {
        Kind::Invalid
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::Gone
        | Kind::TooLarge => true,
        Kind::Unauthenticated | Kind::TooMany | Kind::Unavailable | Kind::Internal => false,
    }
}
