//! Tools that break what a server stands on: its power, its disk, its clock, its network.
//!
//! Each tool leaves nothing behind, whichever way the harness ends, and says by name what it needs
//! where it cannot work.

pub mod clock;
pub mod control;
pub mod disk;
pub mod mount;
pub mod power;
pub mod program;
pub mod proxy;
pub mod sqlite;

/// A tool, or the reason why this machine cannot have it.
#[derive(Debug)]
pub enum Tool<T> {
    /// It works.
    Ready(T),
    /// What is missing, as a sentence part: `needs root`.
    Missing(String),
}
