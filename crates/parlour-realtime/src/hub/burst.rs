//! What a room has to say in one turn, written once for all sockets of a dialect: one piece of bytes
//! that every outbox shares.

use crate::{dialect::DialectKind, file_view::FileSigner, outbox::Piece, wire};
use bytes::Bytes;
use parlour_core::{Event, UserId};
use std::sync::Arc;

/// Events of one turn as one dialect tells them, as they are on the wire.
pub(super) struct Burst {
    wire: Bytes,
    marks: Vec<Mark>,
}

/// Where an event begins.
struct Mark {
    seq: i64,
    at: usize,
    /// Frames before it, and bytes of their payloads.
    frames: usize,
    weight: usize,
}

impl Burst {
    /// Encodes the events, which are in order.
    pub(super) fn of(events: &[Arc<Event>], dialect: DialectKind) -> Self {
        Self::written(events, |event| dialect.encode(event))
    }

    /// The same for the sockets of one account, with addresses of files that load as they stand.
    pub(super) fn for_one(
        events: &[Arc<Event>],
        dialect: DialectKind,
        (signer, user): (&FileSigner, UserId),
    ) -> Self {
        let signer = signer.of(user);
        Self::written(events, |event| dialect.encode_signed(event, &*signer))
    }

    fn written(events: &[Arc<Event>], write: impl Fn(&Event) -> Option<Bytes>) -> Self {
        let mut wire = Vec::new();
        let mut marks = Vec::with_capacity(events.len() + 1);
        let (mut frames, mut weight) = (0, 0);
        for event in events {
            marks.push(Mark {
                seq: event.seq,
                at: wire.len(),
                frames,
                weight,
            });
            if let Some(frame) = write(event) {
                wire::append(&mut wire, &frame);
                frames += 1;
                weight += frame.len();
            }
        }
        marks.push(Mark {
            seq: i64::MAX,
            at: wire.len(),
            frames,
            weight,
        });
        Self {
            wire: wire.into(),
            marks,
        }
    }

    /// What comes after this seq, if it is anything.
    pub(super) fn after(&self, seq: i64) -> Option<Piece> {
        let index = self.marks.partition_point(|mark| mark.seq <= seq);
        let (begin, end) = (self.marks.get(index)?, self.marks.last()?);
        (begin.at < end.at).then(|| Piece {
            wire: self.wire.slice(begin.at..),
            frames: end.frames - begin.frames,
            weight: end.weight - begin.weight,
        })
    }

    /// The frames one by one, with the seqs of their events; `None` for events without a frame.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (i64, Option<Piece>)> {
        self.marks.windows(2).map(|pair| {
            let [begin, end] = [&pair[0], &pair[1]];
            let piece = (begin.at < end.at).then(|| Piece {
                wire: self.wire.slice(begin.at..end.at),
                frames: end.frames - begin.frames,
                weight: end.weight - begin.weight,
            });
            (begin.seq, piece)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlour_core::{MessageId, RoomId, Time, What};

    fn event(seq: i64, what: What) -> Arc<Event> {
        Arc::new(Event {
            room: RoomId::new(1),
            seq,
            at: Time::from_micros(0),
            what,
        })
    }

    #[test]
    fn listeners_begin_where_they_stand() {
        let deleted = |id| What::MessageDeleted(MessageId::new(id));
        let events = [
            event(5, deleted(50)),
            // Version 1 says nothing of it.
            event(6, What::MemberJoined(UserId::new(9))),
            event(7, deleted(70)),
        ];
        let burst = Burst::of(&events, DialectKind::Account);
        let ids = |after: i64| {
            let piece = burst.after(after);
            let frames: Vec<_> = piece
                .iter()
                .flat_map(|piece| wire::payloads(piece.wire.clone()))
                .collect();
            assert_eq!(piece.as_ref().map_or(0, |piece| piece.frames), frames.len());
            assert_eq!(
                piece.map_or(0, |piece| piece.weight),
                frames.iter().map(Bytes::len).sum::<usize>()
            );
            frames
                .iter()
                .map(|frame| {
                    let frame: serde_json::Value = serde_json::from_slice(frame).expect("JSON");
                    frame["id"].as_i64().expect("an id")
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(0), [50, 70]);
        assert_eq!(ids(4), [50, 70]);
        assert_eq!(ids(5), [70]);
        assert_eq!(ids(6), [70]);
        assert!(ids(7).is_empty());
        let seqs: Vec<_> = burst
            .pieces()
            .map(|(seq, piece)| (seq, piece.map_or(0, |piece| piece.frames)))
            .collect();
        assert_eq!(seqs, [(5, 1), (6, 0), (7, 1)]);
    }
}
