//! The figures that this crate keeps, each described once; docs/guide/metrics.md is made from here.

use metrics::{Unit, describe_histogram};

/// Describes this crate's figures to the recorder in force.
pub fn describe_metrics() {
    describe_histogram!(
        "parlour_http_seconds",
        Unit::Seconds,
        "Time to the head of an answer, by `route` (`none`: no such route), `method` and class of `status`. Of a socket: to its upgrade."
    );
}
