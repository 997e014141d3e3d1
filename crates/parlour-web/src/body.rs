//! Reading request bodies: by content type, within a size, and not for ever.

mod fields;
mod form;
mod read;

pub(crate) use fields::Fields;
pub(crate) use read::BodyError;
