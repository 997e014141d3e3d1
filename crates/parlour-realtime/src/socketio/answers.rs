//! What becomes of wishes: acknowledgements to those who ask for them, errors to all.

use super::{Conversation, Place};
use crate::{
    actions::{Changed, Submitted},
    close,
    command::Refusal,
    dialect::socketio::{self, Answer, packet::Space},
    session::{Flow, is_clients_fault},
    view::MessageView,
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use metrics::counter;
use parlour_core::{Error, Kind, RoomId, model::Message};
use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// Who asked.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) space: Space,
    /// The id of the acknowledgement, if one is wanted.
    pub(super) id: Option<u64>,
    pub(super) nonce: Option<String>,
    /// Under which key a second try is known.
    pub(super) key: Option<u64>,
}

impl Ask {
    pub(super) const fn new(space: Space, id: Option<u64>) -> Self {
        Self {
            space,
            id,
            nonce: None,
            key: None,
        }
    }
}

/// A wish that was carried out, as far as it is waited for.
pub(super) struct Done {
    pub(super) ask: Ask,
    pub(super) result: Result<Next, Error>,
    /// Whether any fault of the client's makes its packet a bad one; else only malformed input does,
    /// because the rest may be a race.
    pub(super) is_strict: bool,
}

/// What follows.
pub(super) enum Next {
    /// The commit, then the acknowledgement.
    Commit(Submitted),
    /// A message changed.
    Changed(Changed),
    /// A room was joined or left, at this place of its stream; what comes after `after` is wanted.
    Room {
        room: RoomId,
        seq: i64,
        after: Option<i64>,
    },
    /// This is the acknowledgement.
    Said(Option<Bytes>),
    /// Nothing but that it is done.
    Nothing,
    /// A namespace is connected, and what its client missed is to be handed over.
    Place(Box<Place>, Option<BoxFuture<'static, ()>>),
    /// A namespace is not.
    NoPlace(String, Error),
}

/// A message on its way to the disk.
pub(super) struct InFlight {
    ask: Ask,
    submitted: Submitted,
}

impl Conversation {
    /// Goes on with what is under way, as far as that goes now.
    pub(super) fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<Flow> {
        let mut moved = false;
        if let Some(current) = &mut self.current
            && let Poll::Ready(done) = current.as_mut().poll(cx)
        {
            moved = true;
            self.current = None;
            self.done(done)?;
        }
        while let Some(next) = self.in_flight.front_mut()
            && let Poll::Ready(result) = next.submitted.as_mut().poll(cx)
        {
            moved = true;
            if let Some(InFlight { ask, .. }) = self.in_flight.pop_front() {
                self.stored(&ask, result)?;
            }
        }
        if moved && self.in_flight.is_empty() {
            // Nothing is held while nothing is on its way.
            self.in_flight = VecDeque::new();
        }
        moved |= self.replays.poll_step(cx);
        if moved {
            return Poll::Ready(Ok(()));
        }
        let Some(connect_by) = &mut self.connect_by else {
            return Poll::Pending;
        };
        ready!(connect_by.as_mut().poll(cx));
        if self.current.is_some() {
            // It may be connecting just now; that ends by itself.
            self.connect_by = None;
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(Err(&close::NORMAL))
    }

    fn done(&mut self, done: Done) -> Flow {
        let Done {
            ask,
            result,
            is_strict,
        } = done;
        match result {
            Ok(Next::Commit(submitted)) => {
                self.in_flight.push_back(InFlight { ask, submitted });
            }
            Ok(Next::Changed(Changed { id, seq, at })) => {
                let ok = true;
                self.answer(&ask, &Answer::Changed { ok, id, seq, at });
            }
            Ok(Next::Room { room, seq, after }) => {
                let ok = true;
                self.answer(&ask, &Answer::Room { ok, room, seq });
                if let Some(after) = after {
                    self.rewind(ask.space, room, after, seq);
                }
            }
            Ok(Next::Said(packet)) => {
                if let Some(packet) = packet {
                    self.say(packet);
                }
            }
            Ok(Next::Nothing) => self.answer(&ask, &Answer::Done { ok: true }),
            Ok(Next::Place(place, replay)) => self.connected(*place, replay),
            Ok(Next::NoPlace(name, error)) => return self.refuse_place(&name, &error),
            Err(error) => {
                let kind = error.kind();
                let is_bad = if is_strict {
                    is_clients_fault(kind)
                } else {
                    kind == Kind::Invalid
                };
                let refusal = Refusal::new(error, ask.nonce.clone());
                return if is_bad {
                    self.refuse_bad_packet(&ask, &refusal)
                } else {
                    self.refuse(&ask, &refusal)
                };
            }
        }
        Ok(())
    }

    fn stored(&mut self, ask: &Ask, result: Result<Arc<Message>, Error>) -> Flow {
        let message = match result {
            Ok(message) => message,
            Err(error) => return self.refuse(ask, &Refusal::new(error, ask.nonce.clone())),
        };
        let Some(id) = ask.id else {
            return Ok(());
        };
        let answer = Answer::Message {
            ok: true,
            message: MessageView::from(&*message),
        };
        let packet = socketio::acknowledge(ask.space, id, &answer);
        self.say(packet.clone());
        if let Some(key) = ask.key {
            self.recent.answered(key, Some(packet));
        }
        Ok(())
    }

    fn answer(&self, ask: &Ask, answer: &Answer<'_>) {
        if let Some(id) = ask.id {
            let packet = socketio::acknowledge(ask.space, id, answer);
            self.say(packet);
        }
    }

    /// An error that costs the client a bit of patience.
    pub(super) fn refuse_bad_packet(&mut self, ask: &Ask, refusal: &Refusal) -> Flow {
        self.spend_patience()?;
        self.refuse(ask, refusal)
    }

    /// # Errors
    /// When it is used up.
    pub(super) fn spend_patience(&mut self) -> Flow {
        let now = tokio::time::Instant::now();
        if self.conduct().bad_packets.spend(now) {
            Ok(())
        } else {
            Err(&close::BAD_PAYLOAD)
        }
    }

    /// An error as the acknowledgement, where one is wanted, else as an event.
    pub(super) fn refuse(&mut self, ask: &Ask, refusal: &Refusal) -> Flow {
        let now = tokio::time::Instant::now();
        match refusal.error.kind() {
            Kind::Unauthenticated => return Err(&close::CREDENTIAL_ENDED),
            Kind::TooMany if !self.conduct().refusals.spend(now) => return Err(&close::RATE),
            Kind::Internal => tracing::error!(error = ?refusal.error, "a packet's wish failed"),
            _ => {}
        }
        counter!("parlour_soft_errors_total", "code" => refusal.error.code()).increment(1);
        let packet = match ask.id {
            Some(id) => socketio::acknowledge_refusal(ask.space, id, refusal),
            None => socketio::refuse(ask.space, refusal),
        };
        self.say(packet);
        if let Some(key) = ask.key {
            self.recent.answered(key, None);
        }
        Ok(())
    }
}
