//! The figures that this crate keeps, each described once; docs/guide/metrics.md is made from here.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Describes this crate's figures to the recorder in force.
pub fn describe_metrics() {
    describe_gauge!(
        "parlour_sockets",
        Unit::Count,
        "Open sockets, by `dialect`: `account`, `account_v2`, `room`, `socketio`."
    );
    describe_gauge!(
        "parlour_hub_queue",
        Unit::Count,
        "Batches of news that wait for the hub, after its last turn with news."
    );
    describe_bus();
    describe_histogram!(
        "parlour_turn_events",
        Unit::Count,
        "Events that one turn of the hub let through; turns that delivered nothing are left out."
    );
    describe_histogram!(
        "parlour_turn_deliveries",
        Unit::Count,
        "Frames that one turn of the hub put into outboxes; turns that delivered nothing are left out."
    );
    describe_counter!(
        "parlour_delivered_total",
        Unit::Count,
        "Frames put into outboxes."
    );
    describe_gauge!(
        "parlour_outbox_bytes",
        Unit::Bytes,
        "Bytes that wait for sockets or are being written, of all sockets, when this is read."
    );
    describe_gauge!(
        "parlour_outbox_largest_bytes",
        Unit::Bytes,
        "The same of the socket for which most waits."
    );
    describe_counter!(
        "parlour_slow_closes_total",
        Unit::Count,
        "Sockets closed with 4008, because too much waited for them."
    );
    describe_counter!(
        "parlour_holes_found_total",
        Unit::Count,
        "How often the store was asked for events that should have come."
    );
    describe_counter!(
        "parlour_holes_healed_total",
        Unit::Count,
        "Events that were missing in a room's stream and were read from the store."
    );
    describe_counter!(
        "parlour_resumes_total",
        Unit::Count,
        "Rooms of which a socket got exactly what it missed, by `source`: `ring` (from memory) or `store` (it waited for a read that all who wait share)."
    );
    describe_counter!(
        "parlour_resume_reads_total",
        Unit::Count,
        "Reads of the store for sockets that come back, by `what`: `ring` or `piece` (events of a room, one read for all who wait for them), or `positions` (of rooms of which a client knows more than this server)."
    );
    describe_counter!(
        "parlour_resyncs_total",
        Unit::Count,
        "Rooms of which a socket was told to read the history instead, by `reason`: `epoch`, `too_many`, `beyond`, `late` or `store`."
    );
    describe_counter!(
        "parlour_replayed_events_total",
        Unit::Count,
        "Events given to sockets that missed them."
    );
    describe_counter!(
        "parlour_soft_errors_total",
        Unit::Count,
        "Error frames sent to sockets that stayed open, by `code` (docs/errors.md)."
    );
}

/// Those of the bus between processes.
fn describe_bus() {
    describe_gauge!(
        "parlour_bus_connected",
        Unit::Count,
        "1 while Redis carries news between processes, 0 while it is away, or a shard of its cluster is; only with `REDIS_URL`."
    );
    describe_gauge!(
        "parlour_bus_shards",
        Unit::Count,
        "Shards of the Redis Cluster; only with one."
    );
    describe_gauge!(
        "parlour_bus_shards_connected",
        Unit::Count,
        "Those of them that are connected."
    );
    describe_counter!(
        "parlour_bus_moved_total",
        Unit::Count,
        "Channels that were followed at another shard of the Redis Cluster after their slot went there."
    );
    describe_gauge!(
        "parlour_bus_nodes",
        Unit::Count,
        "Living processes that share the chat, this one included; only with `REDIS_URL`."
    );
    describe_gauge!(
        "parlour_bus_rooms",
        Unit::Count,
        "Rooms that this process follows on the bus."
    );
    describe_gauge!(
        "parlour_bus_waiting",
        Unit::Count,
        "Frames that wait for Redis, after the last one was added."
    );
    describe_counter!(
        "parlour_bus_heard_total",
        Unit::Count,
        "Frames that came by the bus, our own included."
    );
    describe_counter!(
        "parlour_bus_dropped_total",
        Unit::Count,
        "Frames that did not go to, or come from, Redis; the database healed what they said."
    );
}
