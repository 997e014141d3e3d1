//! Messages without a nonce that were sent a moment ago. When the acknowledgement does not come in time,
//! some clients send the packet again as it is, with the same id; then it is not another message.

use super::answers::Ask;
use bytes::Bytes;
use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

/// How many are remembered: such a client sends one after the other.
const MOST: usize = 4;
/// Their acknowledgements, in bytes; the newest is kept whatever its size.
const MOST_BYTES: usize = 32 << 10;

/// What was sent, oldest first.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<One>);

#[derive(Debug)]
struct One {
    key: u64,
    /// The acknowledgement, when it went out.
    answer: Option<Bytes>,
}

/// What is known of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: it is remembered from now on, under this key.
    New(u64),
    /// It is on its way to the disk, and will be acknowledged under the same id.
    UnderWay,
    /// It was acknowledged so.
    Answered(Bytes),
}

impl Recent {
    /// Looks for an event with the same id, namespace and data.
    pub(super) fn look(&mut self, ask: &Ask, id: u64, data: &str) -> Known {
        let mut hasher = DefaultHasher::new();
        (ask.space.room(), id, data).hash(&mut hasher);
        let key = hasher.finish();
        match self.0.iter().find(|one| one.key == key) {
            Some(One {
                answer: Some(answer),
                ..
            }) => Known::Answered(answer.clone()),
            Some(_) => Known::UnderWay,
            None => {
                self.0.push_back(One { key, answer: None });
                self.trim();
                Known::New(key)
            }
        }
    }

    /// Notes the acknowledgement, or that there was none: then a second try is one.
    pub(super) fn answered(&mut self, key: u64, answer: Option<Bytes>) {
        if answer.is_none() {
            self.0.retain(|one| one.key != key);
        } else if let Some(one) = self.0.iter_mut().find(|one| one.key == key) {
            one.answer = answer;
        }
        self.trim();
    }

    fn trim(&mut self) {
        let bytes = |one: &One| one.answer.as_ref().map_or(0, Bytes::len);
        while self.0.len() > MOST
            || (self.0.len() > 1 && self.0.iter().map(bytes).sum::<usize>() > MOST_BYTES)
        {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::socketio::packet::Space;

    #[test]
    fn a_second_try_is_known() {
        let mut recent = Recent::default();
        let ask = Ask::new(Space::Root, Some(1));
        let Known::New(key) = recent.look(&ask, 1, "[\"message\"]") else {
            panic!("nothing was sent before");
        };
        assert_eq!(recent.look(&ask, 1, "[\"message\"]"), Known::UnderWay);
        assert!(matches!(recent.look(&ask, 1, "[\"other\"]"), Known::New(_)));
        assert!(matches!(
            recent.look(&ask, 2, "[\"message\"]"),
            Known::New(_)
        ));
        let answer = Bytes::from_static(b"431[]");
        recent.answered(key, Some(answer.clone()));
        assert_eq!(
            recent.look(&ask, 1, "[\"message\"]"),
            Known::Answered(answer)
        );
        recent.answered(key, None);
        assert!(matches!(
            recent.look(&ask, 1, "[\"message\"]"),
            Known::New(_)
        ));
    }

    #[test]
    fn few_are_remembered() {
        let mut recent = Recent::default();
        let ask = Ask::new(Space::Root, Some(1));
        for id in 0..100 {
            let Known::New(key) = recent.look(&ask, id, "") else {
                panic!("each is new");
            };
            let large = Bytes::from(vec![b'x'; MOST_BYTES]);
            recent.answered(key, Some(large));
        }
        assert_eq!(recent.0.len(), 1);
    }
}
