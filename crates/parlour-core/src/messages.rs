//! Messages: send, list, read, edit, delete.

mod delete;
mod edit;
mod find;
mod send;

pub use delete::delete;
pub use edit::{EditMessage, edit};
pub use find::{get, list};
pub use send::{SendMessage, Sending, Sent, send, submit};
