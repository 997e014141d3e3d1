//! The table of all scenarios.

pub mod d1;
pub mod d11;
pub mod d13;
pub mod d14;
pub mod d2;
pub mod d4;
pub mod d5;
pub mod d8;
pub mod d9;
pub mod f10;
pub mod f12;
pub mod f3;
pub mod f9;
pub mod failover;
pub mod neighbours;
pub mod netbus;
pub mod netcut;
pub mod netdb;
pub mod netslow;
pub mod node;
pub mod nodes;
pub mod o1;
pub mod o4;
pub mod o7;
pub mod x5;
pub mod x7;
pub mod x8;

use crate::scenario::Scenario;

/// Every scenario, in the order in which they run.
pub const ALL: &[Scenario] = &[
    d1::SCENARIO,
    d2::SCENARIO,
    d4::SCENARIO,
    d5::SCENARIO,
    d8::SCENARIO,
    d9::SCENARIO,
    d11::SCENARIO,
    d13::SCENARIO,
    nodes::F1,
    d14::SCENARIO,
    f3::SCENARIO,
    failover::SCENARIO,
    nodes::F5,
    node::SCENARIO,
    netbus::SCENARIO,
    netdb::SCENARIO,
    netcut::SCENARIO,
    netslow::SCENARIO,
    f9::SCENARIO,
    f10::SCENARIO,
    f12::SCENARIO,
    o1::SCENARIO,
    neighbours::FLOOD,
    neighbours::GIANT,
    o4::SCENARIO,
    o7::SCENARIO,
    x5::SCENARIO,
    x7::SCENARIO,
    x8::SCENARIO,
];

/// Scenarios about sockets, cores, memory and files, in which the database plays hardly any part: the lenient
/// form, a step of the tests, runs them on SQLite alone.
pub const NOT_ABOUT_DATABASES: &[&str] = &["D14", "O1", "FLOOD", "GIANT", "O7", "X8"];

/// Scenarios that can have two nodes. F1, F5, NODE and those about networks always have them, and D8 has on
/// PostgreSQL.
pub const ON_TWO_NODES: &[&str] = &[
    "D4", "D8", "D9", "D13", "F1", "F3", "F5", "NODE", "NETBUS", "NETDB", "NETCUT", "NETSLOW",
    "O4", "X5", "X7", "X8",
];

/// Scenarios that need network namespaces. Others on two nodes have them when `--nodes 2` is asked for.
pub const ABOUT_NETWORKS: &[&str] = &["NETBUS", "NETDB", "NETCUT", "NETSLOW"];

/// Scenarios whose time is given by the rules, not by the machine: a step of the tests leaves them out.
pub const TOO_LONG_FOR_TESTS: &[&str] = &["NETCUT", "NETSLOW"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_once_is_known() {
        let lists = [
            NOT_ABOUT_DATABASES,
            ON_TWO_NODES,
            ABOUT_NETWORKS,
            TOO_LONG_FOR_TESTS,
        ];
        for name in lists.into_iter().flatten() {
            assert!(ALL.iter().any(|scenario| scenario.id == *name), "{name}");
        }
    }

    #[test]
    fn every_scenario_is_explained_and_nothing_else() {
        let text = include_str!("../../docs/torture.md");
        let (_, table) = text.split_once("## The scenarios").expect("a heading");
        let table = table.split("\n## ").next().unwrap_or_default();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| "));
        let mut explained: Vec<&str> = rows
            .filter_map(|row| row.split(' ').next())
            .filter(|name| *name != "name")
            .collect();
        let mut known: Vec<&str> = ALL.iter().map(|scenario| scenario.id).collect();
        explained.sort_unstable();
        known.sort_unstable();
        assert_eq!(explained, known);
    }
}
