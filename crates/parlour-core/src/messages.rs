//! Messages: send, list, read, edit, delete.

mod delete;
mod edit;
mod find;
mod react;
mod send;
mod window;

pub use delete::delete;
pub use edit::{EditMessage, edit};
pub use find::{by_id, get, list};
pub use react::{MAX_REACTIONS, Reacting, react};
pub use send::{SendMessage, Sending, Sent, send, submit};
pub use window::{Place, Window, answered, window};
