//! Reading request bodies: by content type, within a size, and not for ever.

mod fields;
mod form;
mod linger;
pub(crate) mod read;
mod uploads;

pub(crate) use fields::{Fields, read_form, read_with_files};
pub(crate) use linger::linger;
pub(crate) use read::{BodyError, guarded};
