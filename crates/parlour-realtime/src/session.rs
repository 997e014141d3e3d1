//! One client, without any socket in sight: frames in, commands to the actions; errors and
//! acknowledgements to its outbox.

mod budget;

use crate::{
    actions::{Actions, Submitted},
    close::{self, Close},
    command::{Command, NewSend, Refusal},
    dialect::{Dialect, Input},
    hub::Registration,
    outbox::Outbox,
};
use budget::Budget;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, Either, pending, select},
    stream::FuturesUnordered,
};
use metrics::counter;
use parlour_core::{Error, Kind, model::Message};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

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
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            bad_frames: 10,
            bad_frames_within: Duration::from_secs(60),
            refusals: 20,
            refusals_within: Duration::from_secs(10),
            credit: 32,
        }
    }
}

/// What comes after a frame or a result.
pub type Flow = Result<(), &'static Close>;

type Outcome = (Option<String>, Result<Arc<Message>, Error>);

/// One client: its place in the hub and its conversation.
pub struct Session {
    registration: Registration,
    dialect: &'static dyn Dialect,
    actions: Arc<dyn Actions>,
    limits: SessionLimits,
    bad_frames: Budget,
    refusals: Budget,
    /// The message that is being checked and queued; frames are handled one after the other.
    current: Option<BoxFuture<'static, Checked>>,
    /// Messages queued and not yet committed.
    in_flight: FuturesUnordered<BoxFuture<'static, Outcome>>,
}

/// A message after its checks.
struct Checked {
    nonce: Option<String>,
    result: Result<Submitted, Error>,
}

/// What [`Session::progress`] waits for.
enum Step {
    Checked(Checked),
    Stored(Outcome),
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
            registration,
            actions,
            bad_frames: Budget::new(limits.bad_frames, limits.bad_frames_within),
            refusals: Budget::new(limits.refusals, limits.refusals_within),
            limits,
            current: None,
            in_flight: FuturesUnordered::new(),
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
        self.current.is_none() && self.in_flight.len() < self.limits.credit
    }

    /// Whether [`progress`](Self::progress) has something to wait for.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.current.is_some() || !self.in_flight.is_empty()
    }

    /// Takes a frame. Call it only while [`wants_frame`](Self::wants_frame).
    ///
    /// # Errors
    /// How to close the socket.
    pub fn handle(&mut self, input: Input<'_>) -> Flow {
        match self.dialect.decode(input) {
            Ok(Command::Send(send)) => {
                self.submit(send);
                Ok(())
            }
            Err(refusal) => self.refuse_bad_frame(&refusal),
        }
    }

    fn submit(&mut self, send: NewSend) {
        let actions = Arc::clone(&self.actions);
        let actor = *self.registration.actor();
        let nonce = send.nonce.clone();
        let check = async move {
            let result = actions.submit(&actor, send).await;
            Checked { nonce, result }
        };
        self.current = Some(check.boxed());
    }

    /// Goes on with what is under way; returns after each step. Cancel safe. Waits for ever when
    /// nothing is under way.
    ///
    /// # Errors
    /// How to close the socket.
    pub async fn progress(&mut self) -> Flow {
        let step = {
            let current = match &mut self.current {
                Some(current) => current.left_future(),
                None => pending().right_future(),
            };
            let stored = if self.in_flight.is_empty() {
                pending().right_future()
            } else {
                self.in_flight.select_next_some().left_future()
            };
            match select(current, stored).await {
                Either::Left((checked, _)) => Step::Checked(checked),
                Either::Right((outcome, _)) => Step::Stored(outcome),
            }
        };
        match step {
            Step::Checked(checked) => {
                self.current = None;
                self.checked(checked)
            }
            Step::Stored((_, Ok(message))) => {
                if let Some(frame) = self.dialect.acknowledge(&message) {
                    self.outbox().send(frame);
                }
                Ok(())
            }
            Step::Stored((nonce, Err(error))) => self.refuse(&Refusal { error, nonce }),
        }
    }

    fn checked(&mut self, checked: Checked) -> Flow {
        let Checked { nonce, result } = checked;
        match result {
            Ok(submitted) => {
                let outcome = submitted.map(move |result| (nonce, result));
                self.in_flight.push(outcome.boxed());
                Ok(())
            }
            Err(error) if is_clients_fault(error.kind()) => {
                self.refuse_bad_frame(&Refusal { error, nonce })
            }
            Err(error) => self.refuse(&Refusal { error, nonce }),
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
        self.outbox().send(self.dialect.refuse(refusal));
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
