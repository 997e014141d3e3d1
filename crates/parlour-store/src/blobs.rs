//! Where files and their thumbnails are kept: the implementations of
//! [`Blobs`](parlour_core::ports::Blobs).
