//! A packet whose attachments are still to come. Parlour's events take none, so they are counted and
//! thrown away; where an event names one, it is a field of the wrong type.

use crate::dialect::socketio::packet::{Kind, Packet};

/// A packet that waits.
pub(super) struct Attached {
    left: usize,
    is_event: bool,
    name: String,
    id: Option<u64>,
    data: String,
}

impl Attached {
    pub(super) fn new(packet: &Packet<'_>, attachments: usize) -> Self {
        Self {
            left: attachments,
            is_event: matches!(packet.kind, Kind::Event(_)),
            name: packet.name.to_owned(),
            id: packet.id,
            data: packet.data.to_owned(),
        }
    }

    /// Takes an attachment; answers whether it was the last one.
    pub(super) const fn is_whole_with_next(&mut self) -> bool {
        self.left -= 1;
        self.left == 0
    }

    /// The namespace, the id and the data, if it is an event.
    pub(super) fn event(self) -> Option<(String, Option<u64>, String)> {
        self.is_event.then_some((self.name, self.id, self.data))
    }
}
