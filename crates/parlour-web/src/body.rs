//! Reading request bodies: by content type, within a size, and not for ever.

mod fields;
mod form;
mod linger;
mod read;

pub(crate) use fields::{Fields, read_form};
pub(crate) use linger::linger;
pub(crate) use read::BodyError;
