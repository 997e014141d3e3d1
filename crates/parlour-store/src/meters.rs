//! The figures that this crate keeps, each described once; docs/guide/metrics.md is made from here.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Describes this crate's figures to the recorder in force.
pub fn describe_metrics() {
    describe_histogram!(
        "parlour_commit_seconds",
        Unit::Seconds,
        "Time of a group commit, from its begin to the durable end, with what it read and its repetitions."
    );
    describe_histogram!(
        "parlour_commit_batch_messages",
        Unit::Count,
        "Messages stored by one group commit."
    );
    describe_counter!(
        "parlour_messages_stored_total",
        Unit::Count,
        "Messages stored durably."
    );
    describe_counter!(
        "parlour_duplicates_total",
        Unit::Count,
        "Messages not stored because their nonce was used before, by `outcome`: `repeated` (the same message, answered with the first) or `conflict` (another body)."
    );
    describe_counter!(
        "parlour_replica_reads_total",
        Unit::Count,
        "Pieces of history asked of DATABASE_REPLICA_URL, by `outcome`: `used`, `behind` or `away` (then the primary was asked)."
    );
    describe_gauge!(
        "parlour_append_queue",
        Unit::Count,
        "Messages that wait for the group commit, by `lane`, when its last batch began."
    );
    describe_counter!(
        "parlour_append_busy_total",
        Unit::Count,
        "Messages refused with `busy`, because the queue of the group commit was full."
    );
}
