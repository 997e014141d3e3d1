//! What Parlour **keeps**: accounts, credentials, rooms and messages, on SQLite and PostgreSQL.
//!
//! [`open`] gives the ports of [`parlour_core::ports`] over a database named by URL; their comments are
//! this crate's specification, and `tests/it` checks them on both engines. This crate knows no HTTP and
//! no rule that a user could notice.
//!
//! Reading order: `sql` (statements written once), `engine` (connections), `store` (who may write
//! when, and what follows a commit), `append` (the group commit), `hot` (what is remembered of active
//! rooms), then the ports: `accounts`, `sessions`, `rooms`, `messages`, `reactions`, `reading`, `history`,
//! `files`, `sites`, `upkeep`. `copy` moves a whole database to another one.

mod accounts;
mod announcer;
mod append;
pub mod blobs;
mod clamd;
mod copy;
mod engine;
#[cfg(test)]
mod explain;
mod fault;
mod files;
mod fresh;
mod history;
mod hot;
mod inspect;
mod living;
mod mentions;
mod messages;
mod meters;
mod options;
mod reactions;
mod reading;
mod recall;
mod rooms;
mod rows;
mod schema;
mod sessions;
mod sites;
mod sql;
mod store;
mod upkeep;
mod uploads;
mod url;

pub use clamd::Clamd;
pub use copy::{Copied, CopiedTable, CopyPlan, Step, copy};
pub use inspect::{Inspection, inspect, migrate};
pub use meters::describe_metrics;
pub use options::Options;
pub use store::open;
pub use url::redact;
