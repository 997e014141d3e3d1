//! Who has sent what, who has got it, and what went wrong on the way.

use std::collections::{BTreeSet, VecDeque};

/// Who sends to whom: every connection is in one room, and hears the senders of that room.
#[derive(Clone, Debug)]
pub(crate) struct Audience {
    /// The room of each connection.
    pub(crate) rooms: Vec<u32>,
    /// The connection of each sender.
    pub(crate) senders: Vec<usize>,
}

impl Audience {
    /// `rooms` rooms of `members` each; the senders are spread over the rooms evenly.
    pub(crate) fn new(rooms: usize, members: usize, senders: usize) -> Self {
        Self {
            rooms: (0..rooms * members)
                .map(|connection| (connection / members) as u32)
                .collect(),
            senders: (0..senders)
                .map(|sender| sender % rooms * members + sender / rooms)
                .collect(),
        }
    }

    /// How many connections hear this sender, itself included.
    fn listeners(&self, sender: usize) -> u32 {
        let room = self.rooms[self.senders[sender]];
        self.rooms.iter().filter(|other| **other == room).count() as u32
    }
}

/// What must not happen, counted per recipient.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Never came.
    pub(crate) lost: u64,
    /// Came once more.
    pub(crate) duplicated: u64,
    /// Came later than one that was sent after it by the same sender, or in another order than at
    /// another recipient.
    pub(crate) out_of_order: u64,
    /// Came to somebody who is not in the room.
    pub(crate) strays: u64,
}

/// A message on its way.
struct Slot {
    sent_at: u64,
    /// Recipients that wait for it.
    waiting: u32,
    /// Its place among all messages, given when the first recipient has it; 0 before.
    place: u64,
}

/// The messages of one sender.
struct Sender {
    listeners: u32,
    /// Number of the first slot.
    base: u32,
    slots: VecDeque<Slot>,
}

/// What a message that came means for the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// When it was sent, or meant to be sent; nanoseconds since the beginning of the run.
    pub(crate) sent_at: u64,
    /// Whether everybody has it now.
    pub(crate) complete: bool,
}

/// The whole account.
pub(crate) struct Ledger {
    audience: Audience,
    senders: Vec<Sender>,
    /// Per connection and sender: the number that comes next.
    expected: Vec<u32>,
    /// Connection, sender, number: skipped so far.
    missing: BTreeSet<(usize, usize, u32)>,
    /// Per connection: the place of the last message.
    places: Vec<u64>,
    last_place: u64,
    open: usize,
    /// Messages that a recipient had in another order than the first who had them.
    disagreements: u64,
    faults: Faults,
}

impl Ledger {
    /// Nothing is sent yet.
    pub(crate) fn new(audience: Audience) -> Self {
        let senders = (0..audience.senders.len())
            .map(|sender| Sender {
                listeners: audience.listeners(sender),
                base: 0,
                slots: VecDeque::new(),
            })
            .collect();
        Self {
            senders,
            expected: vec![0; audience.rooms.len() * audience.senders.len()],
            missing: BTreeSet::new(),
            places: vec![0; audience.rooms.len()],
            last_place: 0,
            open: 0,
            disagreements: 0,
            faults: Faults::default(),
            audience,
        }
    }

    /// Notes a message of this sender and gives it its number.
    pub(crate) fn sent(&mut self, sender: usize, at: u64) -> u32 {
        let sender = &mut self.senders[sender];
        let number = sender.base + sender.slots.len() as u32;
        sender.slots.push_back(Slot {
            sent_at: at,
            waiting: sender.listeners,
            place: 0,
        });
        self.open += 1;
        number
    }

    /// Messages that somebody still waits for.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// Notes that a connection has got a message. None when it is a fault and counts for nothing.
    pub(crate) fn received(
        &mut self,
        connection: usize,
        sender: usize,
        number: u32,
    ) -> Option<Arrival> {
        if !self.meant_for(connection, sender, number) {
            self.faults.strays += 1;
            return None;
        }
        let entry = connection * self.senders.len() + sender;
        let expected = self.expected[entry];
        let late = number < expected;
        if late && !self.missing.remove(&(connection, sender, number)) {
            self.faults.duplicated += 1;
            return None;
        }
        if !late {
            for skipped in expected..number {
                self.missing.insert((connection, sender, skipped));
            }
            self.expected[entry] = number + 1;
        }
        self.settle(connection, sender, number, late)
    }

    /// Whether this message was sent, to the room of this connection.
    fn meant_for(&self, connection: usize, sender: usize, number: u32) -> bool {
        let rooms = &self.audience.rooms;
        self.senders.get(sender).is_some_and(|from| {
            rooms[self.audience.senders[sender]] == rooms[connection]
                && number < from.base + from.slots.len() as u32
        })
    }

    fn settle(
        &mut self,
        connection: usize,
        sender: usize,
        number: u32,
        late: bool,
    ) -> Option<Arrival> {
        let sender = &mut self.senders[sender];
        let index = number.checked_sub(sender.base)? as usize;
        let slot = sender.slots.get_mut(index)?;
        if slot.place == 0 {
            self.last_place += 1;
            slot.place = self.last_place;
        }
        if late {
            self.faults.out_of_order += 1;
        } else if slot.place < self.places[connection] {
            self.disagreements += 1;
        }
        self.places[connection] = slot.place;
        slot.waiting -= 1;
        let arrival = Arrival {
            sent_at: slot.sent_at,
            complete: slot.waiting == 0,
        };
        if arrival.complete {
            self.open -= 1;
            while sender.slots.front().is_some_and(|slot| slot.waiting == 0) {
                sender.slots.pop_front();
                sender.base += 1;
            }
        }
        Some(arrival)
    }

    /// The faults of the whole run; what has not come by now is lost.
    pub(crate) fn close(&self) -> Faults {
        let mut faults = self.faults;
        let open = self.senders.iter().flat_map(|sender| &sender.slots);
        faults.lost = open.map(|slot| u64::from(slot.waiting)).sum();
        // Who has missed a message may be the first to have the next one; that is no other order.
        if faults.lost == 0 {
            faults.out_of_order += self.disagreements;
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rooms with two members each; sender 0 is connection 0, sender 1 is connection 2.
    fn ledger() -> Ledger {
        Ledger::new(Audience::new(2, 2, 2))
    }

    #[test]
    fn senders_are_spread_over_rooms() {
        let audience = Audience::new(2, 3, 4);
        assert_eq!(audience.rooms, [0, 0, 0, 1, 1, 1]);
        assert_eq!(audience.senders, [0, 3, 1, 4]);
        assert_eq!(audience.listeners(3), 3);
    }

    #[test]
    fn a_message_is_complete_when_all_have_it() {
        let mut ledger = ledger();
        assert_eq!(ledger.sent(0, 5), 0);
        assert_eq!(ledger.sent(0, 6), 1);
        let arrival = |sent_at, complete| Some(Arrival { sent_at, complete });
        assert_eq!(ledger.received(1, 0, 0), arrival(5, false));
        assert_eq!(ledger.received(1, 0, 1), arrival(6, false));
        assert_eq!(ledger.open(), 2);
        assert_eq!(ledger.received(0, 0, 0), arrival(5, true));
        assert_eq!(ledger.received(0, 0, 1), arrival(6, true));
        assert_eq!(ledger.open(), 0);
        assert_eq!(ledger.close(), Faults::default());
    }

    #[test]
    fn what_never_comes_is_lost() {
        let mut ledger = ledger();
        for at in 0..3 {
            ledger.sent(0, at);
        }
        ledger.received(0, 0, 0);
        ledger.received(0, 0, 2);
        ledger.received(1, 0, 0);
        // Number 1 at connection 0, numbers 1 and 2 at connection 1.
        let lost = Faults {
            lost: 3,
            ..Faults::default()
        };
        assert_eq!(ledger.close(), lost);
    }

    #[test]
    fn what_comes_twice_is_a_duplicate_and_completes_nothing() {
        let mut ledger = ledger();
        ledger.sent(0, 0);
        assert!(ledger.received(0, 0, 0).is_some());
        assert_eq!(ledger.received(0, 0, 0), None);
        assert_eq!(ledger.open(), 1);
        ledger.received(1, 0, 0);
        assert_eq!(ledger.received(1, 0, 0), None);
        assert_eq!(ledger.close().duplicated, 2);
        assert_eq!(ledger.close().lost, 0);
    }

    #[test]
    fn one_senders_messages_in_a_wrong_order_are_seen() {
        let mut ledger = ledger();
        ledger.sent(0, 0);
        ledger.sent(0, 0);
        ledger.received(1, 0, 1);
        assert!(ledger.received(1, 0, 0).is_some());
        ledger.received(0, 0, 1);
        ledger.received(0, 0, 0);
        let faults = ledger.close();
        assert_eq!(
            (faults.lost, faults.duplicated, faults.out_of_order),
            (0, 0, 2)
        );
    }

    #[test]
    fn two_recipients_must_agree_on_the_order_of_two_senders() {
        let orders = [([0, 1], 0), ([1, 0], 1)];
        for (second, faults) in orders {
            let mut ledger = Ledger::new(Audience::new(1, 2, 2));
            ledger.sent(0, 0);
            ledger.sent(1, 0);
            ledger.received(0, 0, 0);
            ledger.received(0, 1, 0);
            for sender in second {
                ledger.received(1, sender, 0);
            }
            assert_eq!(ledger.close().out_of_order, faults);
        }
    }

    #[test]
    fn a_loss_is_not_taken_for_another_order() {
        let mut ledger = Ledger::new(Audience::new(1, 2, 2));
        ledger.sent(0, 0);
        ledger.sent(1, 0);
        // Connection 1 never gets the message of sender 0.
        ledger.received(1, 1, 0);
        ledger.received(0, 0, 0);
        ledger.received(0, 1, 0);
        let lost = Faults {
            lost: 1,
            ..Faults::default()
        };
        assert_eq!(ledger.close(), lost);
    }

    #[test]
    fn messages_of_other_rooms_and_of_nobody_are_strays() {
        let mut ledger = ledger();
        ledger.sent(0, 0);
        assert_eq!(ledger.received(2, 0, 0), None);
        assert_eq!(ledger.received(0, 9, 0), None);
        assert_eq!(ledger.received(0, 0, 7), None);
        assert_eq!(ledger.close().strays, 3);
    }
}
