//! A cell, the same on both engines.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Text,
    Bool,
}

/// What a cell holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Text(String),
    Null,
}

impl Value {
    /// Bytes that it takes, roughly.
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len() + 8,
            Self::Bool(_) | Self::Int(_) | Self::Null => 8,
        }
    }

    /// Adds it to a hash, so that different rows are hashed differently.
    pub(super) fn hash(&self, hash: &mut Sha256) {
        match self {
            Self::Null => hash.update([0]),
            Self::Bool(value) => hash.update([1, u8::from(*value)]),
            Self::Int(value) => {
                hash.update([2]);
                hash.update(value.to_be_bytes());
            }
            Self::Text(text) => {
                hash.update([3]);
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_come_back_from_the_mark_as_they_were() {
        let cells = vec![
            Value::Int(9_007_199_254_740_993),
            Value::Text("1".into()),
            Value::Bool(true),
            Value::Null,
        ];
        let text = serde_json::to_string(&cells).expect("written");
        let read: Vec<Value> = serde_json::from_str(&text).expect("read");
        assert_eq!(read, cells);
    }

    #[test]
    fn cells_do_not_run_into_each_other() {
        let hashed = |cells: &[Value]| {
            let mut hash = Sha256::new();
            cells.iter().for_each(|cell| cell.hash(&mut hash));
            hash.finalize()
        };
        let text = |text: &str| Value::Text(text.into());
        assert_ne!(
            hashed(&[text("ab"), text("c")]),
            hashed(&[text("a"), text("bc")])
        );
        assert_ne!(hashed(&[Value::Null]), hashed(&[text("")]));
        assert_ne!(hashed(&[Value::Bool(true)]), hashed(&[Value::Int(1)]));
    }
}
