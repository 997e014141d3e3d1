//! Rooms: make, find, change, end; join, leave, invite, remove.

mod access;
mod create;
mod expire;
mod find;
mod members;
mod reading;
mod update;

pub use access::{Right, can, view};
pub(crate) use access::{find as find_known, take_as_long_as_nothing};
pub use create::{CreateRoom, create};
pub use expire::{expire_due, purge_some};
pub use find::{
    MAX_HISTORY, Scope, get, history, invitations, invited, list, list_all, list_open,
    name_as_admin, tombstone,
};
pub use members::{hand_over, invite, join, leave, remove};
pub use reading::{MarkRead, mark_read, people, typing, unread};
pub use update::{UpdateRoom, end, end_as_admin, renew, update};
