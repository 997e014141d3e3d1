//! What waits in an outbox: whole frames as they are on the wire, in pieces that many outboxes share.

use crate::wire;
use bytes::Bytes;
use std::collections::VecDeque;

/// Some frames, one after the other, as they are on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    /// The bytes.
    pub(crate) wire: Bytes,
    /// How many frames they are; none for control frames, which count nowhere.
    pub(crate) frames: usize,
    /// Bytes of their payloads.
    pub(crate) weight: usize,
}

impl Piece {
    /// One frame.
    pub(crate) fn frame(payload: &[u8]) -> Self {
        Self {
            wire: wire::frame(payload),
            frames: 1,
            weight: payload.len(),
        }
    }

    /// One frame of bytes, whatever it begins with.
    #[cfg(feature = "protocol-suite")]
    pub(crate) fn bytes(payload: &[u8]) -> Self {
        Self {
            wire: wire::bytes(payload),
            frames: 1,
            weight: payload.len(),
        }
    }

    /// A control frame.
    pub(crate) const fn control(wire: Bytes) -> Self {
        Self {
            wire,
            frames: 0,
            weight: 0,
        }
    }
}

/// Pieces in order. Holds no memory while it is empty, and none of its own for one piece.
#[derive(Debug, Default)]
pub(super) struct Queue {
    head: Option<Piece>,
    rest: VecDeque<Piece>,
    /// How much of the head is written.
    written: usize,
}

impl Queue {
    pub(super) const fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    pub(super) fn push(&mut self, piece: Piece) {
        if self.head.is_none() {
            self.head = Some(piece);
        } else {
            self.rest.push_back(piece);
        }
    }

    /// What is still to be written, in order.
    pub(super) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let head = self.head.iter().map(|head| &head.wire[self.written..]);
        head.chain(self.rest.iter().map(|piece| &*piece.wire))
    }

    /// Whether there is one piece only.
    pub(super) fn is_single(&self) -> bool {
        self.rest.is_empty()
    }

    /// Notes that so many bytes were written; answers the frames and payload bytes of the pieces
    /// that are done.
    pub(super) fn advance(&mut self, mut bytes: usize) -> (usize, usize) {
        let mut done = (0, 0);
        while let Some(head) = &self.head {
            let left = head.wire.len() - self.written;
            if bytes < left {
                self.written += bytes;
                break;
            }
            bytes -= left;
            done.0 += head.frames;
            done.1 += head.weight;
            self.written = 0;
            self.head = self.rest.pop_front();
        }
        if self.rest.is_empty() {
            self.rest = VecDeque::new();
        }
        done
    }

    /// Takes everything.
    pub(super) fn take(&mut self) -> Vec<Piece> {
        let all = std::mem::take(self);
        all.head.into_iter().chain(all.rest).collect()
    }

    /// Throws away what waits, but for the rest of a frame that the peer has seen the beginning of.
    pub(super) fn shut(&mut self) {
        let cut = std::mem::take(self);
        if let Some(head) = cut.head {
            let end = wire::end_of_frame(&head.wire, cut.written);
            if end > cut.written {
                self.push(Piece::control(head.wire.slice(cut.written..end)));
            }
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.rest.capacity()
    }
}
