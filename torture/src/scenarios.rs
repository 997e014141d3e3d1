//! The table of all scenarios.

pub mod d1;

use crate::scenario::Scenario;

/// Every scenario, in the order in which they run.
pub const ALL: &[Scenario] = &[d1::SCENARIO];
