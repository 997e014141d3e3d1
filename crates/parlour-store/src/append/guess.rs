//! What a writer on PostgreSQL expects of a room that nobody else writes in: then a batch needs no questions.
//!
//! A batch that reads first takes seven round trips. One whose room is as its last batch left it can be decided
//! before anything is asked; a single statement checks all of that and writes, or does nothing. In the latter
//! case the batch is read first as always, and the room is not guessed again before this writer has been alone in
//! it for one batch.

use super::batch::{Asked, Decided, Facts};
use crate::fault::Fault;
use parlour_core::{
    RoomId,
    ports::{Append, NewMessage},
};
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// How long ago the last batch may be. A connection that was good then is good now, mostly; one that is not
/// is found out by a batch that reads first, which can be started again.
const FRESH: Duration = Duration::from_secs(1);
/// Messages of a batch that is guessed at the most. Of larger ones the questions cost little for each message,
/// and while they are asked the next batch grows: under load that is worth more than being early.
const SMALL: usize = 8;
/// Most rooms of which anything is expected.
const MOST: usize = 1_024;

/// The rooms in which this writer wrote last.
#[derive(Debug, Default)]
pub(super) struct Guesses(HashMap<RoomId, Left>);

/// How a batch left a room.
#[derive(Clone, Copy, Debug)]
struct Left {
    seq: i64,
    at: Instant,
    /// Whether nothing was written between that batch and the one before.
    was_alone: bool,
}

/// The room of a batch, and where its stream is expected to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guess {
    pub(super) room: RoomId,
    pub(super) seq: i64,
}

impl Guesses {
    /// What is expected of a batch that can be written by one statement: it is small and for one room, without
    /// files and without anybody who is addressed.
    pub(super) fn of(&self, messages: &[NewMessage], now: Instant) -> Option<Guess> {
        let room = messages.first()?.room;
        let left = self.0.get(&room)?;
        let is_plain = |message: &NewMessage| {
            message.room == room && message.files.is_empty() && message.mentions.is_empty()
        };
        let is_good = messages.len() <= SMALL
            && left.was_alone
            && now.saturating_duration_since(left.at) < FRESH
            && messages.iter().all(is_plain);
        is_good.then_some(Guess {
            room,
            seq: left.seq,
        })
    }

    /// Notes how a batch left its rooms.
    pub(super) fn note(&mut self, answers: &[Append], now: Instant) {
        if self.0.len() >= MOST {
            self.0.clear();
        }
        let mut first: HashMap<RoomId, i64> = HashMap::new();
        for answer in answers {
            let Append::Stored(message) = answer else {
                continue;
            };
            let (room, seq) = (message.room, message.seq);
            let before = *first.entry(room).or_insert(seq - 1);
            let was_alone = match self.0.get(&room) {
                // Further messages of this batch.
                Some(left) if seq - 1 > before => left.was_alone,
                Some(left) => left.seq == before,
                None => false,
            };
            let left = Left {
                seq,
                at: now,
                was_alone,
            };
            self.0.insert(room, left);
        }
    }

    /// Expects nothing of a room any more.
    pub(super) fn forget(&mut self, room: RoomId) {
        self.0.remove(&room);
    }
}

impl Guess {
    /// Decides the batch as if everything were so. `None`: then nothing would be written.
    pub(super) fn decide<'a>(
        &self,
        asked: &Asked<'_>,
        messages: &'a [NewMessage],
    ) -> Result<Option<Decided<'a>>, Fault> {
        let mut facts = Facts::default();
        // The owner is as good as a member; nobody has this id.
        facts.room(self.room.get(), self.seq, 0);
        for (room, user) in &asked.pairs {
            facts.member(*room, *user);
        }
        let decided = facts.decide_all(messages)?;
        Ok((!decided.fresh.is_empty()).then_some(decided))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::append::batch::tests::new;

    /// The answer to the message that got this seq.
    fn stored(room: i64, seq: i64) -> Append {
        let message = [new(room)];
        let guess = Guess {
            room: RoomId::new(room),
            seq: seq - 1,
        };
        let decided = guess.decide(&Asked::about(&message), &message);
        let decided = decided.expect("can be decided").expect("is stored");
        decided.answers(vec![seq]).remove(0)
    }

    #[test]
    fn a_room_is_guessed_after_a_batch_alone_in_it() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        let guess = |guesses: &Guesses, at| guesses.of(&[new(1)], at).map(|guess| guess.seq);
        assert_eq!(guess(&guesses, now), None);
        guesses.note(&[stored(1, 4), stored(1, 5)], now);
        assert_eq!(guess(&guesses, now), None, "who wrote before is not known");
        guesses.note(&[stored(1, 6), stored(2, 9), stored(1, 7)], now);
        assert_eq!(guess(&guesses, now), Some(7));
        assert_eq!(guess(&guesses, now + FRESH), None, "too long ago");
        guesses.note(&[stored(1, 9)], now);
        assert_eq!(guess(&guesses, now), None, "somebody else wrote 8");
        guesses.note(&[stored(1, 10)], now);
        assert_eq!(guess(&guesses, now), Some(10));
        guesses.forget(RoomId::new(1));
        assert_eq!(guess(&guesses, now), None);
    }

    #[test]
    fn a_guess_is_for_one_room() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        for seq in 1..=2 {
            guesses.note(&[stored(1, seq), stored(2, seq)], now);
        }
        assert!(guesses.of(&[new(1), new(1)], now).is_some());
        assert_eq!(guesses.of(&[new(1), new(2)], now), None);
        let batch = |count| (0..count).map(|_| new(1)).collect::<Vec<_>>();
        assert!(guesses.of(&batch(SMALL), now).is_some());
        assert_eq!(guesses.of(&batch(SMALL + 1), now), None);
    }
}
