//! What the bus and its task share: who this process is, whom it knows, and how things are called.

use super::{Channel, Family, interest::Interest};
use metrics::gauge;
use parlour_core::ports::Random;
use redis::aio::MultiplexedConnection;
use std::sync::{
    OnceLock, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::Notify;

/// What the bus and its task share.
pub(super) struct Shared {
    /// This process, for as long as it lives.
    node: String,
    /// Whether the server is a cluster, where only keys with the same part in braces are together.
    in_cluster: bool,
    family: OnceLock<Family>,
    connection: RwLock<Option<MultiplexedConnection>>,
    /// The other living processes.
    peers: RwLock<Vec<String>>,
    /// Rings when hubs here have to compare with the database: something was dropped, or another process
    /// came or came back.
    pub(super) lost: Notify,
    /// Whether the others have to, too: something was dropped that was for them.
    unsaid: AtomicBool,
    /// Another process came or went.
    pub(super) peers_moved: Notify,
    /// What is to be followed, and who is here.
    pub(super) interest: Interest,
}

impl Shared {
    pub(super) fn new(random: &dyn Random, in_cluster: bool) -> Self {
        let mut node = [0; 8];
        random.fill(&mut node);
        Self {
            node: format!("{:016x}", u64::from_be_bytes(node)),
            in_cluster,
            family: OnceLock::new(),
            connection: RwLock::default(),
            peers: RwLock::default(),
            lost: Notify::new(),
            unsaid: AtomicBool::new(false),
            peers_moved: Notify::new(),
            interest: Interest::default(),
        }
    }

    pub(super) fn node(&self) -> &str {
        &self.node
    }

    /// Names the family, once: a bus is started once.
    pub(super) fn set_family(&self, family: Family) {
        let _ = self.family.set(family);
    }

    /// The digest of the key that all processes have to have.
    pub(super) fn secret(&self) -> &str {
        self.family.get().map_or("", |family| &family.secret)
    }

    /// A key or channel of this family of processes. In a cluster the braces keep all of them on one
    /// shard, because they are used together.
    pub(super) fn key(&self, name: &str) -> String {
        let epoch = self.epoch();
        if self.in_cluster {
            format!("parlour:{{{epoch}}}:{name}")
        } else {
            format!("parlour:{epoch}:{name}")
        }
    }

    fn epoch(&self) -> &str {
        self.family.get().map_or("", |family| &family.epoch)
    }

    /// Rooms have no braces: in a cluster they are on all shards.
    pub(super) fn channel(&self, channel: Channel) -> String {
        match channel {
            Channel::All => self.key("all"),
            Channel::Room(room) => format!("parlour:{}:r:{room}", self.epoch()),
        }
    }

    /// The channel of this name, if it is one of this family.
    pub(super) fn channel_of(&self, name: &[u8]) -> Option<Channel> {
        let name = std::str::from_utf8(name).ok()?;
        let room = name
            .strip_prefix("parlour:")
            .and_then(|rest| rest.strip_prefix(self.epoch()))
            .and_then(|rest| rest.strip_prefix(":r:"));
        match room {
            Some(room) => room.parse().ok().map(Channel::Room),
            None => (name == self.key("all")).then_some(Channel::All),
        }
    }

    /// The connection that keys are kept by.
    pub(super) fn connection(&self) -> Option<MultiplexedConnection> {
        let connection = self.connection.read();
        connection.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_connection(&self, connection: Option<MultiplexedConnection>) {
        let held = self.connection.write();
        *held.unwrap_or_else(PoisonError::into_inner) = connection;
    }

    pub(super) fn peers(&self) -> Vec<String> {
        let peers = self.peers.read();
        peers.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_peers(&self, peers: Vec<String>) {
        gauge!("parlour_bus_nodes").set(u32::try_from(peers.len() + 1).map_or(0.0, f64::from));
        *self.peers.write().unwrap_or_else(PoisonError::into_inner) = peers;
    }

    /// Something that came was dropped.
    pub(super) fn note_loss(&self) {
        self.lost.notify_one();
    }

    /// Something that was to be said was dropped.
    pub(super) fn note_unsaid(&self) {
        self.unsaid.store(true, Ordering::Relaxed);
        self.lost.notify_one();
    }

    /// Whether something was dropped that was to be said, since the last time.
    pub(super) fn take_unsaid(&self) -> bool {
        self.unsaid.swap(false, Ordering::Relaxed)
    }
}

/// Tells the metrics whether everything that is to be carried can be.
pub(super) fn show_connected(is: bool) {
    gauge!("parlour_bus_connected").set(if is { 1.0 } else { 0.0 });
}
