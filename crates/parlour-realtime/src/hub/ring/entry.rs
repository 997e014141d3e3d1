//! One event in a ring.

use crate::{
    dialect::{AccountV2, Dialect as _},
    outbox::Piece,
};
use parlour_core::{Event, MessageId, Time, UserId, What, model::Message};
use std::sync::Arc;

/// What an entry costs besides its frame or its texts.
pub(super) const OVERHEAD: usize = 160;

/// One event, ready to be told.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(super) seq: i64,
    pub(super) at: Time,
    /// The message that it carries.
    pub(super) about: Option<About>,
    pub(super) kept: Kept,
    /// The frame as it was when the event passed by, if the message was changed or deleted since: for
    /// sockets that were there.
    pub(super) was: Option<Piece>,
    pub(super) bytes: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) message: MessageId,
    pub(super) owner: UserId,
    is_creation: bool,
}

/// What is kept of an event: itself until somebody wants the frame, then the frame alone.
#[derive(Debug)]
pub(super) enum Kept {
    Event(Arc<Event>),
    /// `None` when it is not told.
    Frame(Option<Piece>),
}

impl Entry {
    fn new(event: &Event, kept: Kept) -> Self {
        let about = |message: &Message, is_creation| About {
            message: message.id,
            owner: message.owner,
            is_creation,
        };
        let mut entry = Self {
            seq: event.seq,
            at: event.at,
            about: match &event.what {
                What::MessageCreated(message) => Some(about(message, true)),
                What::MessageUpdated(message) => Some(about(message, false)),
                _ => None,
            },
            kept,
            was: None,
            bytes: 0,
        };
        entry.bytes = entry.weight();
        entry
    }

    /// An event that is encoded when somebody wants it.
    pub(super) fn later(event: Arc<Event>) -> Self {
        Self::new(&Arc::clone(&event), Kept::Event(event))
    }

    /// An encoded event.
    pub(crate) fn encoded(event: &Event) -> Self {
        Self::new(event, Kept::Frame(encode(event)))
    }

    /// The frame, made when it is first asked for.
    pub(super) fn piece(&mut self) -> Option<Piece> {
        if let Kept::Event(event) = &self.kept {
            self.kept = Kept::Frame(encode(event));
            self.bytes = self.weight();
        }
        match &self.kept {
            Kept::Frame(piece) => piece.clone(),
            Kept::Event(_) => None,
        }
    }

    /// The frame as it was when the event passed by.
    pub(super) fn piece_as_it_was(&mut self) -> Option<Piece> {
        match &self.was {
            Some(was) => Some(was.clone()),
            None => self.piece(),
        }
    }

    /// Says something else from now on.
    pub(super) fn rewrite(&mut self, event: Event) {
        let was = self.piece_as_it_was();
        *self = Self::later(Arc::new(event));
        self.was = was;
        self.bytes = self.weight();
    }

    /// About how much memory it takes. The text counts twice: its HTML is made when it is asked for.
    pub(super) fn weight(&self) -> usize {
        OVERHEAD
            + self.was.as_ref().map_or(0, |was| was.wire.len())
            + match &self.kept {
                Kept::Frame(piece) => piece.as_ref().map_or(0, |piece| piece.wire.len()),
                Kept::Event(event) => match &event.what {
                    What::MessageCreated(message) | What::MessageUpdated(message) => {
                        OVERHEAD + 2 * message.text.len()
                    }
                    _ => OVERHEAD,
                },
            }
    }
}

impl About {
    pub(super) fn shown_as(&self, now: &Arc<Message>) -> What {
        if self.is_creation {
            What::MessageCreated(Arc::clone(now))
        } else {
            What::MessageUpdated(Arc::clone(now))
        }
    }
}

/// An event as version 2 tells it.
fn encode(event: &Event) -> Option<Piece> {
    let frame = AccountV2.encode(event)?;
    Some(Piece::frame(&frame))
}
