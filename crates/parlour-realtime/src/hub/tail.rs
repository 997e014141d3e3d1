//! The newest frames of a room, kept while somebody who came back is still reading what they missed.

use bytes::Bytes;
use std::collections::VecDeque;

/// How many frames are kept: more than pass by while a piece is read from the store and handed over.
const MAX_FRAMES: usize = 128;
/// How many bytes are kept.
const MAX_BYTES: usize = 128 << 10;

/// A piece of the stream without holes that ends at the room's position. Empty while nobody needs it.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// The piece begins after this seq.
    from: i64,
    frames: VecDeque<(i64, Bytes)>,
    bytes: usize,
}

impl Tail {
    /// Begins anew: everything after this seq will be [pushed](Self::push).
    pub(super) fn begin(&mut self, from: i64) {
        *self = Self {
            from,
            ..Self::default()
        };
    }

    /// After which seq the piece begins.
    pub(super) const fn from(&self) -> i64 {
        self.from
    }

    /// Adds the next frame; what is too old or too much is forgotten.
    pub(super) fn push(&mut self, seq: i64, frame: Bytes) {
        if seq <= self.from {
            return;
        }
        self.bytes += frame.len();
        self.frames.push_back((seq, frame));
        while self.frames.len() > MAX_FRAMES || self.bytes > MAX_BYTES {
            let Some((seq, frame)) = self.frames.pop_front() else {
                break;
            };
            self.bytes -= frame.len();
            self.from = seq;
        }
    }

    /// The frames after this seq, which must not be below [`from`](Self::from).
    pub(super) fn after(&self, seq: i64) -> impl Iterator<Item = &(i64, Bytes)> {
        self.frames.iter().filter(move |(at, _)| *at > seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seqs(tail: &Tail, after: i64) -> Vec<i64> {
        tail.after(after).map(|(seq, _)| *seq).collect()
    }

    #[test]
    fn a_piece_without_holes_of_bounded_length() {
        let mut tail = Tail::default();
        tail.begin(5);
        for seq in 4..9 {
            tail.push(seq, Bytes::from_static(b"x"));
        }
        assert_eq!(seqs(&tail, 5), [6, 7, 8]);
        assert_eq!(seqs(&tail, 7), [8]);
        for seq in 9..300 {
            tail.push(seq, Bytes::from_static(b"x"));
        }
        assert_eq!((tail.from(), seqs(&tail, 0).len()), (171, MAX_FRAMES));
        tail.push(300, vec![b'x'; MAX_BYTES].into());
        assert_eq!((tail.from(), seqs(&tail, 0)), (299, vec![300]));
        tail.push(301, vec![b'x'; MAX_BYTES + 1].into());
        assert_eq!((tail.from(), seqs(&tail, 0).len()), (301, 0));
        tail.begin(7);
        assert_eq!((tail.from(), seqs(&tail, 0).len(), tail.bytes), (7, 0, 0));
    }
}
