//! Puts the events of one room in order: n+1 after n, each once.

use parlour_core::{Event, What};
use std::{collections::BTreeMap, sync::Arc};

/// How many events may wait behind a hole. More are dropped and read back from the store, like the
/// hole itself: piece by piece, so that readers can follow.
const MAX_WAITING: usize = 256;

/// The place in the stream of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Unknown: the first events heard of a room wait a moment, because the bus may bring them in
    /// another order than they were committed. `from`: a snapshot is true at this seq, so what follows
    /// it is wanted; what comes before it may still be under way and concern others.
    Floating { from: Option<i64> },
    /// Everything up to this seq went through.
    At(i64),
    /// The room ended; nothing follows.
    Ended,
}

/// The order of one room's events.
#[derive(Debug)]
pub(super) struct Order {
    place: Place,
    waiting: BTreeMap<i64, Arc<Event>>,
    /// The newest seq that anybody spoke of.
    top: i64,
}

/// What an [`Order`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing.
    Nothing,
    /// To be settled after the grace.
    Settling,
    /// The events after this seq, which somebody spoke of but nobody brought.
    After(i64),
}

impl Order {
    /// A room never heard of.
    pub(super) const fn floating() -> Self {
        Self {
            place: Place::Floating { from: None },
            waiting: BTreeMap::new(),
            top: 0,
        }
    }

    /// The seq up to which everything went through, if it is known.
    pub(super) const fn position(&self) -> Option<i64> {
        match self.place {
            Place::At(seq) => Some(seq),
            Place::Floating { .. } | Place::Ended => None,
        }
    }

    /// Goes to just before this seq, in either direction, without the events in between: they concern
    /// nobody here. Answers whether that was a move.
    pub(super) fn go_before(&mut self, seq: i64) -> bool {
        match self.place {
            Place::At(at) if at != seq - 1 => {
                self.top = self.top.max(at);
                self.place = Place::At(seq - 1);
                self.waiting = self.waiting.split_off(&seq);
                true
            }
            _ => false,
        }
    }

    pub(super) fn is_ended(&self) -> bool {
        self.place == Place::Ended
    }

    /// The newest seq that anybody spoke of.
    pub(super) const fn top(&self) -> i64 {
        self.top
    }

    pub(super) fn need(&self) -> Need {
        match self.place {
            Place::Floating { from } if from.is_some() || !self.waiting.is_empty() => {
                Need::Settling
            }
            Place::At(seq) if seq < self.top => Need::After(seq),
            _ => Need::Nothing,
        }
    }

    /// Takes an event from anywhere. Answers it when it is the next one (then [`pop`](Self::pop)
    /// may have more); keeps it when it is early; drops it when it went through before.
    pub(super) fn offer(&mut self, event: Arc<Event>) -> Option<Arc<Event>> {
        if matches!(self.place, Place::Floating { .. }) && event.seq == 1 {
            self.place = Place::At(0);
        }
        match self.place {
            Place::Ended => None,
            Place::At(seq) if event.seq <= seq => None,
            Place::At(seq) if event.seq == seq + 1 => {
                self.waiting.remove(&event.seq);
                self.go_to(&event);
                Some(event)
            }
            _ => {
                self.top = self.top.max(event.seq);
                self.waiting.insert(event.seq, event);
                if self.waiting.len() > MAX_WAITING {
                    self.waiting.pop_last();
                }
                None
            }
        }
    }

    /// The next event, if it is here.
    pub(super) fn pop(&mut self) -> Option<Arc<Event>> {
        let Place::At(seq) = self.place else {
            return None;
        };
        let entry = self.waiting.first_entry()?;
        if *entry.key() != seq + 1 {
            return None;
        }
        let event = entry.remove();
        self.go_to(&event);
        Some(event)
    }

    /// Somebody knows that the room has come this far.
    pub(super) fn hear_of(&mut self, seq: i64) {
        self.top = self.top.max(seq);
        if let Place::Floating { from } = &mut self.place {
            *from = Some(from.map_or(seq, |from| from.min(seq)));
        }
    }

    /// Ends floating: the stream begins with the oldest event that came, and at the latest after the
    /// oldest snapshot.
    pub(super) fn settle(&mut self) {
        if let Place::Floating { from } = self.place {
            let oldest = self.waiting.keys().next().map(|seq| seq - 1);
            let seq = [oldest, from].into_iter().flatten().min().unwrap_or(0);
            self.place = Place::At(seq);
        }
    }

    /// The room exists no more in the store: whatever is missing is gone for good. Answers the
    /// room's last event if it came. Other waiting events are dropped, because a membership that
    /// ended in the hole would be overlooked.
    pub(super) fn end(&mut self) -> Option<Arc<Event>> {
        self.place = Place::Ended;
        std::mem::take(&mut self.waiting)
            .into_values()
            .rfind(|event| matches!(event.what, What::RoomDeleted(_)))
    }

    fn go_to(&mut self, event: &Event) {
        self.top = self.top.max(event.seq);
        self.place = if matches!(event.what, What::RoomDeleted(_)) {
            self.waiting = BTreeMap::new();
            Place::Ended
        } else {
            Place::At(event.seq)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlour_core::{RoomId, Time, UserId, event::EndReason};

    fn at(seq: i64) -> Order {
        let mut order = Order::floating();
        order.hear_of(seq);
        order.settle();
        order
    }

    fn event(seq: i64) -> Arc<Event> {
        Arc::new(Event {
            room: RoomId::new(1),
            seq,
            at: Time::from_micros(0),
            what: What::MemberJoined(UserId::new(1)),
        })
    }

    fn feed(order: &mut Order, seqs: &[i64]) -> Vec<i64> {
        let mut out = Vec::new();
        for seq in seqs {
            let mut next = order.offer(event(*seq));
            while let Some(event) = next {
                out.push(event.seq);
                next = order.pop();
            }
        }
        out
    }

    #[test]
    fn each_once_and_in_order() {
        let mut order = at(3);
        assert_eq!(feed(&mut order, &[5, 4, 4, 3, 7, 1, 7, 6]), [4, 5, 6, 7]);
        assert_eq!(order.need(), Need::Nothing);
        assert_eq!(feed(&mut order, &[10]), [0; 0]);
        assert_eq!(order.need(), Need::After(7));
    }

    #[test]
    fn an_unknown_room_waits_unless_it_is_new() {
        let mut order = Order::floating();
        assert_eq!(feed(&mut order, &[6, 5]), [0; 0]);
        assert_eq!(order.need(), Need::Settling);
        order.settle();
        assert_eq!(order.pop().map(|event| event.seq), Some(5));
        assert_eq!(order.pop().map(|event| event.seq), Some(6));
        assert_eq!(feed(&mut Order::floating(), &[2, 1]), [1, 2]);
    }

    #[test]
    fn a_snapshot_waits_for_what_is_under_way() {
        assert_eq!(at(9).position(), Some(9));
        assert_eq!(at(9).need(), Need::Nothing);
        let mut order = Order::floating();
        assert_eq!(order.need(), Need::Nothing);
        order.hear_of(9);
        assert_eq!(order.need(), Need::Settling);
        feed(&mut order, &[10, 8]);
        order.settle();
        assert_eq!(order.pop().map(|event| event.seq), Some(8));
        assert_eq!(order.need(), Need::After(8));
        let mut order = Order::floating();
        order.hear_of(3);
        assert_eq!(feed(&mut order, &[2, 1]), [1, 2]);
        assert_eq!(order.need(), Need::After(2));
    }

    #[test]
    fn nothing_follows_the_end() {
        let mut order = at(1);
        let mut last = event(4);
        Arc::make_mut(&mut last).what = What::RoomDeleted(EndReason::Expired);
        assert!(order.offer(last).is_none());
        feed(&mut order, &[3]);
        assert_eq!(order.end().map(|event| event.seq), Some(4));
        assert!(order.is_ended());
        assert_eq!(feed(&mut order, &[2, 5]), [0; 0]);
        assert_eq!(order.need(), Need::Nothing);
    }

    #[test]
    fn what_waits_behind_a_hole_is_bounded() {
        let mut order = at(0);
        for seq in 2..5_000 {
            order.offer(event(seq));
        }
        assert_eq!(order.waiting.len(), MAX_WAITING);
        assert_eq!(order.top(), 4_999);
        assert_eq!(feed(&mut order, &[1]).len(), MAX_WAITING + 1);
        assert_eq!(order.need(), Need::After(257));
    }
}
