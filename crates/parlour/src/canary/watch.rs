//! What the canary knows of its messages: what was sent, acknowledged and heard. No I/O in here.

use parlour_core::RoomId;
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};
use tokio::time::Instant;

/// How many heard messages are remembered, to know them when they come again.
const REMEMBERED: usize = 64;

/// A frame of the server, as far as the canary cares (docs/protocol/account-socket-v2.md).
#[derive(Debug, Deserialize)]
pub(super) struct Frame {
    #[serde(rename = "type")]
    kind: String,
    room: Option<RoomId>,
    seq: Option<i64>,
    nonce: Option<String>,
    epoch: Option<String>,
    cursors: Option<BTreeMap<RoomId, i64>>,
    message: Option<Content>,
    code: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Content {
    nonce: Option<String>,
}

impl Frame {
    /// Of a `hello`: the epoch, and where this room begins.
    pub(super) fn beginning(&self, room: RoomId) -> Option<(String, i64)> {
        let seq = self.cursors.as_ref()?.get(&room)?;
        Some((self.epoch.clone()?, *seq))
    }
}

/// How far a message came at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It was not acknowledged.
    Ack,
    /// It was, and did not come back.
    Event,
}

impl Stage {
    /// The word in metrics.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ack => "ack",
            Self::Event => "event",
        }
    }
}

/// What a frame says of the messages. Times are since the sending.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// Acknowledged.
    Acked(Duration),
    /// Heard.
    Heard(Duration),
    /// Both.
    Whole(Duration),
    /// An event of this seq came again.
    Duplicate(i64),
    /// Refused with this code.
    Refused(String),
}

/// What is known.
#[derive(Debug, Default)]
pub(super) struct Watch {
    place: Option<Place>,
    probe: Option<Probe>,
    heard: VecDeque<String>,
}

/// Where the canary stands in its room's stream.
#[derive(Debug)]
struct Place {
    room: RoomId,
    epoch: String,
    seq: i64,
}

/// The message that is on its way.
#[derive(Debug)]
struct Probe {
    nonce: String,
    sent: Instant,
    acked: bool,
    heard: bool,
}

impl Watch {
    /// Begins to listen in a room. A message that is on its way belongs to the last one and is
    /// forgotten.
    pub(super) fn begin(&mut self, room: RoomId, epoch: String, seq: i64) {
        self.place = Some(Place { room, epoch, seq });
        self.probe = None;
    }

    /// The frame that asks for what was missed, if this room of this epoch was listened to before.
    pub(super) fn resume(&self, room: RoomId, epoch: &str) -> Option<String> {
        let is_same = |place: &&Place| place.room == room && place.epoch == epoch;
        let place = self.place.as_ref().filter(is_same)?;
        let cursors = BTreeMap::from([(room, place.seq)]);
        let frame = json!({"type": "resume", "epoch": place.epoch, "cursors": cursors});
        Some(frame.to_string())
    }

    /// A message was sent.
    pub(super) fn sent(&mut self, nonce: String, now: Instant) {
        self.probe = Some(Probe {
            nonce,
            sent: now,
            acked: false,
            heard: false,
        });
    }

    /// When the message that is on its way was sent.
    pub(super) fn sent_at(&self) -> Option<Instant> {
        self.probe.as_ref().map(|probe| probe.sent)
    }

    /// The nonce of the message that is on its way.
    pub(super) fn nonce(&self) -> Option<&str> {
        self.probe.as_ref().map(|probe| probe.nonce.as_str())
    }

    /// Gives the message up that is on its way for longer than this; says which, and how far it came.
    pub(super) fn give_up(&mut self, now: Instant, after: Duration) -> Option<(String, Stage)> {
        let probe = self
            .probe
            .take_if(|probe| now.duration_since(probe.sent) >= after)?;
        let stage = if probe.acked {
            Stage::Event
        } else {
            Stage::Ack
        };
        Some((probe.nonce, stage))
    }

    /// Takes a frame.
    pub(super) fn hear(&mut self, frame: &Frame, now: Instant) -> Vec<Note> {
        match frame.kind.as_str() {
            "ack" => self.acked(frame, now),
            "error" => self.refused(frame),
            "resync" => {
                self.moved(frame);
                // What was skipped may have held it: nothing can be said.
                self.probe = None;
                Vec::new()
            }
            // None of these has a place in the stream; the `seq` of `read` is another one.
            "hello" | "recovered" | "typing" | "presence" | "read" => Vec::new(),
            _ => self.event(frame, now),
        }
    }

    fn acked(&mut self, frame: &Frame, now: Instant) -> Vec<Note> {
        let Some(probe) = self
            .probe
            .as_mut()
            .filter(|probe| probe.is(frame.nonce.as_deref()))
        else {
            return Vec::new();
        };
        // A message that was sent again is acknowledged again.
        let is_first = !std::mem::replace(&mut probe.acked, true);
        let after = now.duration_since(probe.sent);
        self.finish(is_first.then_some(Note::Acked(after)), after)
    }

    fn refused(&mut self, frame: &Frame) -> Vec<Note> {
        let nonce = frame.nonce.as_deref();
        match self.probe.take_if(|probe| probe.is(nonce)) {
            Some(_) => vec![Note::Refused(frame.code.clone().unwrap_or_default())],
            None => Vec::new(),
        }
    }

    fn event(&mut self, frame: &Frame, now: Instant) -> Vec<Note> {
        let is_ours = |place: &&Place| Some(place.room) == frame.room;
        let (Some(place), Some(seq)) = (self.place.as_ref().filter(is_ours), frame.seq) else {
            return Vec::new();
        };
        if seq <= place.seq {
            return vec![Note::Duplicate(seq)];
        }
        self.moved(frame);
        let message = frame
            .message
            .as_ref()
            .filter(|_| frame.kind == "message.created");
        let Some(nonce) = message.and_then(|message| message.nonce.as_deref()) else {
            return Vec::new();
        };
        if self.heard.iter().any(|heard| heard == nonce) {
            return vec![Note::Duplicate(seq)];
        }
        if self.heard.len() == REMEMBERED {
            self.heard.pop_front();
        }
        self.heard.push_back(nonce.to_owned());
        let Some(probe) = self.probe.as_mut().filter(|probe| probe.is(Some(nonce))) else {
            return Vec::new();
        };
        probe.heard = true;
        let after = now.duration_since(probe.sent);
        self.finish(Some(Note::Heard(after)), after)
    }

    fn moved(&mut self, frame: &Frame) {
        if let Some(place) = &mut self.place
            && Some(place.room) == frame.room
            && let Some(seq) = frame.seq
        {
            place.seq = seq;
        }
    }

    fn finish(&mut self, note: Option<Note>, after: Duration) -> Vec<Note> {
        let whole = self.probe.take_if(|probe| probe.acked && probe.heard);
        note.into_iter()
            .chain(whole.map(|_| Note::Whole(after)))
            .collect()
    }
}

impl Probe {
    fn is(&self, nonce: Option<&str>) -> bool {
        nonce == Some(&self.nonce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: i64 = 7;
    const SECOND: Duration = Duration::from_secs(1);

    struct World {
        watch: Watch,
        start: Instant,
    }

    impl World {
        fn new() -> Self {
            let mut watch = Watch::default();
            watch.begin(RoomId::new(ROOM), "e1".into(), 5);
            let start = Instant::now();
            watch.sent("n".into(), start);
            Self { watch, start }
        }

        fn hear(&mut self, after: u32, frame: serde_json::Value) -> Vec<Note> {
            let frame = serde_json::from_value(frame).expect("a frame");
            self.watch.hear(&frame, self.start + SECOND * after)
        }

        fn lost(&mut self, after: u32) -> Option<Stage> {
            let found = self.watch.give_up(self.start + SECOND * after, SECOND * 10);
            found.map(|(_, stage)| stage)
        }
    }

    fn ack() -> serde_json::Value {
        json!({"type": "ack", "nonce": "n", "id": 1, "seq": 6, "at": "x"})
    }

    fn created(seq: i64, nonce: &str) -> serde_json::Value {
        json!({"type": "message.created", "room": ROOM, "seq": seq, "message": {"nonce": nonce}})
    }

    #[test]
    fn a_message_is_whole_in_either_order() {
        let mut world = World::new();
        assert_eq!(world.hear(1, ack()), [Note::Acked(SECOND)]);
        let heard = [Note::Heard(SECOND * 2), Note::Whole(SECOND * 2)];
        assert_eq!(world.hear(2, created(6, "n")), heard);
        assert_eq!(world.lost(60), None);

        let mut world = World::new();
        assert_eq!(world.hear(1, created(6, "n")), [Note::Heard(SECOND)]);
        let acked = [Note::Acked(SECOND * 3), Note::Whole(SECOND * 3)];
        assert_eq!(world.hear(3, ack()), acked);
        assert_eq!(world.lost(60), None);
    }

    #[test]
    fn loss_says_how_far_it_came_and_only_once() {
        let mut world = World::new();
        assert_eq!(world.lost(9), None);
        assert_eq!(world.lost(10), Some(Stage::Ack));
        assert_eq!(world.lost(11), None);
        assert_eq!(world.hear(12, created(6, "n")), [], "late is not twice");

        let mut world = World::new();
        world.hear(1, ack());
        assert_eq!(world.lost(10), Some(Stage::Event));
    }

    #[test]
    fn what_comes_again_is_noticed() {
        let mut world = World::new();
        world.hear(1, created(6, "n"));
        assert_eq!(world.hear(1, created(6, "n")), [Note::Duplicate(6)]);
        assert_eq!(world.hear(1, created(7, "n")), [Note::Duplicate(7)]);
        assert_eq!(world.hear(1, created(8, "of another process")), []);
        assert_eq!(world.hear(1, created(5, "old")), [Note::Duplicate(5)]);
    }

    #[test]
    fn a_new_connection_goes_on_where_the_old_one_ended() {
        let mut world = World::new();
        world.hear(1, created(6, "n"));
        let resume = world.watch.resume(RoomId::new(ROOM), "e1");
        let resume = resume.expect("was there");
        assert_eq!(
            resume,
            r#"{"cursors":{"7":6},"epoch":"e1","type":"resume"}"#
        );
        assert_eq!(world.watch.resume(RoomId::new(8), "e1"), None);
        assert_eq!(world.watch.resume(RoomId::new(ROOM), "e2"), None);
        assert_eq!(world.watch.nonce(), Some("n"), "not acknowledged yet");
        world.hear(2, ack());
        assert_eq!(world.watch.nonce(), None);
    }

    #[test]
    fn of_other_rooms_and_signals_nothing_is_said() {
        let mut world = World::new();
        let mut other = created(6, "n");
        other["room"] = 8.into();
        assert_eq!(world.hear(1, other), []);
        let signal = json!({"type": "presence", "user": 1, "here": true});
        assert_eq!(world.hear(1, signal), []);
        let signal = json!({"type": "read", "room": ROOM, "user": 1, "seq": 1});
        assert_eq!(world.hear(1, signal), []);
        let recovered = json!({"type": "recovered", "room": ROOM, "recovered": true, "seq": 5});
        assert_eq!(world.hear(1, recovered), []);
        assert_eq!(world.watch.nonce(), Some("n"));
    }

    #[test]
    fn a_refusal_and_a_resync_end_the_message() {
        let mut world = World::new();
        let error = json!({"type": "error", "error": "Later.", "code": "busy", "nonce": "n"});
        assert_eq!(world.hear(1, error), [Note::Refused("busy".into())]);
        assert_eq!(world.lost(60), None);

        let mut world = World::new();
        assert_eq!(
            world.hear(1, json!({"type": "resync", "room": ROOM, "seq": 9})),
            []
        );
        assert_eq!(world.lost(60), None);
        assert_eq!(world.hear(1, created(9, "x")), [Note::Duplicate(9)]);
    }
}
