//! How a store is opened.

use std::time::Duration;

/// The longest that a caller waits for the database: an answer has to be out within two seconds
/// (`realtime.md`, check F3), with all that comes before and after.
pub(crate) const PATIENCE: Duration = Duration::from_millis(1_600);

/// Sizes and limits of a store. The defaults suit one process on two cores.
#[derive(Clone, Debug)]
pub struct Options {
    /// SQLite connections that read.
    pub sqlite_readers: u32,
    /// PostgreSQL connections; `None`: as many as suit the processors and the server.
    pub postgres_connections: Option<u32>,
    /// A standby of the PostgreSQL server that history may be read from.
    pub replica_url: Option<String>,
    /// PostgreSQL gives up on a statement after this.
    pub statement_timeout: Duration,
    /// Messages that may wait for the group commit, per lane.
    pub append_queue: usize,
    /// Messages in one commit.
    pub append_batch: usize,
    /// Writers that commit messages side by side on PostgreSQL; the rooms are spread over them.
    pub postgres_lanes: usize,
    /// Rooms kept in memory.
    pub hot_rooms: usize,
    /// Bytes of messages kept in memory, roughly.
    pub hot_bytes: usize,
    /// Whether this process is the only one that changes rooms. If not, what is remembered of a room
    /// is compared with the database by one small query before it is used.
    pub exclusive: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            sqlite_readers: 4,
            postgres_connections: None,
            replica_url: None,
            statement_timeout: Duration::from_millis(1_800),
            append_queue: 4_096,
            append_batch: 256,
            postgres_lanes: 4,
            hot_rooms: 4_096,
            hot_bytes: 32 << 20,
            exclusive: true,
        }
    }
}
