//! Which server of a cluster has which channel and key: slots of names, and who owns them.

use crate::bus::redis::address::Address;
use redis::Value;
use std::collections::BTreeSet;

/// How many slots a cluster has.
const SLOTS: u16 = 16_384;

/// The slot of a name (Redis Cluster specification, "Key distribution model"): the part in the first
/// braces decides, if there is one.
pub(super) fn slot(name: &str) -> u16 {
    let tag = name
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map(|(tag, _)| tag)
        .filter(|tag| !tag.is_empty());
    crc16(tag.unwrap_or(name).as_bytes()) % SLOTS
}

/// CRC-16/XMODEM, as the specification says. Names are short, so bit by bit is good enough.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 {
                crc << 1
            } else {
                (crc << 1) ^ 0x1021
            }
        })
    })
}

/// Who owns which slots, as one server of the cluster saw it.
#[derive(Clone, Debug, Default)]
pub(super) struct SlotMap {
    /// First and last slot and their owner, in order.
    ranges: Vec<(u16, u16, Address)>,
    /// Those that would follow an owner.
    replicas: BTreeSet<Address>,
}

impl SlotMap {
    /// Reads an answer to `CLUSTER SLOTS` of a server that was asked at this address. Nothing, if it is
    /// none, or owns nothing.
    pub(super) fn read(answer: &Value, asked: &Address) -> Option<Self> {
        let mut map = Self::default();
        let Value::Array(entries) = answer else {
            return None;
        };
        for entry in entries {
            let Value::Array(entry) = entry else {
                return None;
            };
            let [Value::Int(first), Value::Int(last), owner, replicas @ ..] = entry.as_slice()
            else {
                return None;
            };
            let slot = |number: &i64| u16::try_from(*number).ok().filter(|slot| *slot < SLOTS);
            map.ranges
                .push((slot(first)?, slot(last)?, server(owner, asked)?));
            map.replicas
                .extend(replicas.iter().filter_map(|replica| server(replica, asked)));
        }
        map.ranges.sort();
        // Servers put the same ranges together differently.
        map.ranges.dedup_by(|next, range| {
            let is_one = next.2 == range.2 && next.0 == range.1 + 1;
            if is_one {
                range.1 = next.1;
            }
            is_one
        });
        (!map.ranges.is_empty()).then_some(map)
    }

    /// The owner of a slot; nobody, while none is known.
    pub(super) fn owner(&self, slot: u16) -> Option<&Address> {
        let after = self.ranges.partition_point(|(first, _, _)| *first <= slot);
        let (_, last, owner) = self.ranges.get(after.checked_sub(1)?)?;
        (slot <= *last).then_some(owner)
    }

    /// The owners.
    pub(super) fn owners(&self) -> BTreeSet<&Address> {
        self.ranges.iter().map(|(_, _, owner)| owner).collect()
    }

    /// Servers that own nothing and follow one that does.
    pub(super) const fn replicas(&self) -> &BTreeSet<Address> {
        &self.replicas
    }

    /// Whether every slot has an owner.
    pub(super) fn is_complete(&self) -> bool {
        let owned = |(first, last, _): &(u16, u16, Address)| usize::from(last - first) + 1;
        self.ranges.iter().map(owned).sum::<usize>() == usize::from(SLOTS)
    }

    /// Whether both say the same of owners.
    pub(super) fn has_same_owners(&self, other: &Self) -> bool {
        self.ranges == other.ranges
    }
}

/// A server in an answer. Without a host of its own it is where the answer came from.
fn server(value: &Value, asked: &Address) -> Option<Address> {
    let Value::Array(parts) = value else {
        return None;
    };
    let [host, Value::Int(port), ..] = parts.as_slice() else {
        return None;
    };
    let host = match host {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok()?,
        Value::SimpleString(text) => text.clone(),
        Value::Nil => String::new(),
        _ => return None,
    };
    let is_unknown = host.is_empty() || host == "?";
    Some(Address {
        host: if is_unknown { asked.host.clone() } else { host },
        port: u16::try_from(*port).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, port: u16) -> Address {
        Address {
            host: host.to_owned(),
            port,
        }
    }

    fn node(host: &str, port: i64) -> Value {
        Value::Array(vec![
            Value::BulkString(host.into()),
            Value::Int(port),
            Value::BulkString(b"id".to_vec()),
        ])
    }

    fn range(first: i64, last: i64, nodes: Vec<Value>) -> Value {
        let mut entry = vec![Value::Int(first), Value::Int(last)];
        entry.extend(nodes);
        Value::Array(entry)
    }

    /// The check value of the specification, and what Redis 7.0 answers to `CLUSTER KEYSLOT`.
    #[test]
    fn names_have_the_slots_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        for (name, number) in [
            ("", 0),
            ("123456789", 12_739),
            ("foo", 12_182),
            ("{user1000}.following", 3_443),
            ("user1000", 3_443),
            ("a{user1000}{x}", 3_443),
            ("x{}y", 16_116),
            ("x{y", 2_740),
        ] {
            assert_eq!(slot(name), number, "{name}");
        }
    }

    #[test]
    fn owners_are_found() {
        let answer = Value::Array(vec![
            range(8_000, 16_383, vec![node("b", 2), node("d", 4)]),
            range(0, 4_999, vec![node("a", 1)]),
            range(5_000, 6_999, vec![node("a", 1), node("c", 3)]),
        ]);
        let map = SlotMap::read(&answer, &at("x", 9)).expect("a map");
        for (slot, owner) in [
            (0, Some(at("a", 1))),
            (6_999, Some(at("a", 1))),
            (7_000, None),
            (7_999, None),
            (8_000, Some(at("b", 2))),
            (16_383, Some(at("b", 2))),
        ] {
            assert_eq!(map.owner(slot), owner.as_ref(), "{slot}");
        }
        assert_eq!(map.owners().len(), 2);
        assert_eq!(map.replicas().len(), 2);
        assert!(!map.is_complete());
        let whole = Value::Array(vec![
            range(0, 6_999, vec![node("a", 1)]),
            range(8_000, 16_383, vec![node("b", 2)]),
        ]);
        let other = SlotMap::read(&whole, &at("x", 9)).expect("a map");
        assert!(map.has_same_owners(&other), "{map:?} {other:?}");
    }

    #[test]
    fn a_server_without_a_name_is_where_the_answer_came_from() {
        let nameless = Value::Array(vec![Value::Nil, Value::Int(7)]);
        let answer = Value::Array(vec![range(0, 16_383, vec![nameless])]);
        let map = SlotMap::read(&answer, &at("x", 9)).expect("a map");
        assert_eq!(map.owner(5), Some(&at("x", 7)));
        assert!(map.is_complete());
    }

    #[test]
    fn nonsense_is_no_map() {
        for answer in [
            Value::Nil,
            Value::Array(Vec::new()),
            Value::Array(vec![Value::Int(1)]),
            Value::Array(vec![range(0, 16_384, vec![node("a", 1)])]),
            Value::Array(vec![range(0, 5, Vec::new())]),
            Value::Array(vec![range(0, 5, vec![Value::Nil])]),
        ] {
            assert!(SlotMap::read(&answer, &at("x", 9)).is_none(), "{answer:?}");
        }
    }
}
