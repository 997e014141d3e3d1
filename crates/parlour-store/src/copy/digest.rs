//! What two sides of a copy are compared by.

use super::{CopiedTable, shape::Table, side::Side};
use crate::fault::Fault;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};

/// What a table amounts to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) rows: u64,
    /// The sum of the rows' hashes: it does not depend on their order, which the engines see differently.
    sum: u128,
    /// The id that the next row gets.
    pub(super) next_id: Option<i64>,
}

impl Digest {
    pub(super) fn told(&self, table: &str) -> CopiedTable {
        CopiedTable {
            name: table.to_owned(),
            rows: self.rows,
            checksum: format!("{:032x}", self.sum),
        }
    }
}

/// Reads a whole table.
pub(super) async fn of(side: &mut Side, table: &Table) -> Result<Digest, Fault> {
    let mut digest = Digest {
        next_id: side.next_id(table).await?,
        ..Digest::default()
    };
    let mut rows = side.rows(table, None);
    while let Some(row) = rows.next().await {
        let mut hash = Sha256::new();
        row?.iter().for_each(|cell| cell.hash(&mut hash));
        let hash: [u8; 32] = hash.finalize().into();
        let (half, _) = hash.split_at(16);
        let half = half
            .iter()
            .fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
        digest.sum = digest.sum.wrapping_add(half);
        digest.rows += 1;
    }
    Ok(digest)
}
