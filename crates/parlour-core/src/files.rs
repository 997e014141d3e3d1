//! Files: received, kept, hung on messages, fetched by those who may, and gone when they should be.
//!
//! The way of a file: its bytes stream from a door into a staged local file ([`receive`]), which is
//! looked at and cleaned on a bounded pool, kept under a random key, and noted as a row of its uploader
//! (all three by [`keep`], when the message is otherwise fine); the transaction that stores the message
//! takes the row. So no message ever points at a file that is not whole, and whatever is left half way
//! belongs to nobody and is swept.

mod attach;
mod audit;
mod fetch;
mod gallery;
mod keep;
mod receive;
mod sweep;
pub mod upload;

pub use attach::{Attachment, discard};
pub(crate) use attach::{Kept, check, drop_unused, keep_all};
pub use audit::{Audited, Trouble, audit};
pub use fetch::{Fetched, direct, fetch, read};
pub use gallery::{Gallery, GalleryKind, MAX_GALLERY, gallery};
pub use keep::keep;
pub use receive::{Received, Receiving, expect, receive, resume};
pub use sweep::{ORPHAN_AGE, SWEEP_EVERY, Swept, orphans, sweep_orphans, sweep_released};

/// Longest name of a file in characters (contract 5).
pub const MAX_NAME_CHARS: usize = 100;

/// Longest description of a picture in characters; what is longer is cut.
pub const MAX_ALT_CHARS: usize = 1_000;
