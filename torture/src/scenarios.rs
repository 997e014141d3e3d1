//! The table of all scenarios.

pub mod d1;
pub mod d2;
pub mod f12;
pub mod f3;
pub mod f9;
pub mod o1;
pub mod o4;
pub mod o7;

use crate::scenario::Scenario;

/// Every scenario, in the order in which they run.
pub const ALL: &[Scenario] = &[
    d1::SCENARIO,
    d2::SCENARIO,
    f3::SCENARIO,
    f9::SCENARIO,
    f12::SCENARIO,
    o1::SCENARIO,
    o4::SCENARIO,
    o7::SCENARIO,
];
