//! The figures that this crate keeps, each described once; docs/guide/metrics.md is made from here.

use metrics::{Unit, describe_counter};

/// Describes this crate's figures to the recorder in force.
pub fn describe_metrics() {
    describe_counter!(
        "parlour_files_stored_total",
        Unit::Count,
        "Uploaded files that were kept, by `kind`: `image`, `audio`, `video`, `text` or `other`."
    );
    describe_counter!(
        "parlour_files_stored_bytes_total",
        Unit::Bytes,
        "Their bytes, without thumbnails."
    );
    describe_counter!(
        "parlour_files_rejected_total",
        Unit::Count,
        "Uploads that were refused or failed, by `code` (docs/errors.md)."
    );
    describe_counter!(
        "parlour_files_removed_total",
        Unit::Count,
        "Files whose bytes were removed, because their message, room or account is gone, or no message took them."
    );
}
