//! The proof that Parlour loses nothing: scenarios that kill, cut and crowd the real server from
//! outside, and a checker that compares what was sent, promised and delivered.
#![expect(
    clippy::print_stdout,
    reason = "a command line program: its output is its purpose"
)]

pub mod bare;
pub mod calls;
pub mod client;
pub mod closing;
pub mod crowd;
pub mod database;
pub mod faults;
pub mod files;
pub mod history;
pub mod http;
pub mod listener;
pub mod meter;
pub mod net;
pub mod nodes;
pub mod pace;
pub mod people;
pub mod raw;
pub mod recorder;
pub mod run;
pub mod scenario;
pub mod scenarios;
pub mod seen;
pub mod server;
pub mod traffic;
mod wire;
