//! One turn of the hub: what it put into outboxes, to be sent off at its end.

use super::{SessionId, ring::Rings, room::Listener};
use crate::{
    file_view::FileSigner,
    outbox::{Outbox, Piece, Push},
};
use bytes::Bytes;
use parlour_core::{RoomId, Signal, event::EndReason};
use std::{collections::HashSet, sync::Arc};

/// What one turn of the hub did, to be finished at its end.
#[derive(Default)]
pub(super) struct Turn {
    /// Outboxes that got their first frame: their pumps are woken once, at the end.
    pub(super) touched: Vec<Arc<Outbox>>,
    /// Sessions that read too slowly and were cut.
    pub(super) slow: Vec<SessionId>,
    /// Rooms that have something to say that is not in the outboxes yet.
    pub(super) speaking: Vec<RoomId>,
    /// Events let through.
    pub(super) events: usize,
    /// Frames put into outboxes.
    pub(super) delivered: usize,
    /// Rooms that ended and whose kind is not known here.
    pub(super) ended: Vec<EndedRoom>,
    /// Who makes addresses of files that load as they stand.
    pub(super) signer: Option<FileSigner>,
    /// The newest events of each active room.
    pub(super) rings: Rings,
    /// To be told to the other processes, and only to them.
    pub(super) whispers: Vec<Signal>,
}

/// A room that ended.
pub(super) struct EndedRoom {
    pub(super) room: RoomId,
    pub(super) reason: EndReason,
    /// The sockets that heard it end.
    pub(super) heard: HashSet<SessionId>,
}

impl Turn {
    /// Puts a frame into a listener's outbox.
    pub(super) fn push(&mut self, listener: &Listener, frame: &[u8]) {
        self.push_piece(listener, Piece::frame(frame));
    }

    /// Puts a frame of version 2 into the outbox of a listener of this room, in its own dialect.
    pub(super) fn push_v2(&mut self, room: RoomId, listener: &Listener, frame: &Bytes) {
        self.push(listener, &listener.dialect.of_v2(Some(room), frame));
    }

    /// Puts frames into a listener's outbox.
    pub(super) fn push_piece(&mut self, listener: &Listener, piece: Piece) {
        let frames = piece.frames;
        let push = listener.outbox.push_piece(piece);
        self.note_some(frames, push, listener.session, &listener.outbox);
    }

    /// Notes what became of a frame.
    pub(super) fn note(&mut self, push: Push, session: SessionId, outbox: &Arc<Outbox>) {
        self.note_some(1, push, session, outbox);
    }

    fn note_some(&mut self, frames: usize, push: Push, session: SessionId, outbox: &Arc<Outbox>) {
        match push {
            Push::First => {
                self.touched.push(Arc::clone(outbox));
                self.delivered += frames;
            }
            Push::Queued => self.delivered += frames,
            Push::Overflow => self.slow.push(session),
            Push::Closed => {}
        }
    }
}
