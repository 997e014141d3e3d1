//! A socket's place in the hub, and the connection that it is served by.

use super::{Hub, SessionId, register::Cursors};
use crate::{dialect::DialectKind, outbox::Outbox};
use metrics::gauge;
use parlour_core::{Actor, RoomId};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// One connection to a client: what waits for it. Most have one place in the hub; one of Socket.IO has
/// a place per namespace, and all of them write to it.
pub(crate) struct Connection {
    id: SessionId,
    dialect: DialectKind,
    outbox: Arc<Outbox>,
    hub: Hub,
}

impl Connection {
    pub(crate) fn new(hub: &Hub, dialect: DialectKind) -> Self {
        gauge!("parlour_sockets", "dialect" => dialect.name()).increment(1.0);
        let id = hub.next_id();
        let outbox = Arc::new(Outbox::new(hub.0.config.outbox));
        hub.0.outboxes.add(id, Arc::clone(&outbox));
        Self {
            id,
            dialect,
            outbox,
            hub: hub.clone(),
        }
    }

    /// A number that no other connection of this process has.
    pub(crate) const fn id(&self) -> SessionId {
        self.id
    }

    /// What waits for it.
    pub(crate) const fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// The hub that its places are in.
    pub(crate) const fn hub(&self) -> &Hub {
        &self.hub
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        gauge!("parlour_sockets", "dialect" => self.dialect.name()).decrement(1.0);
        self.outbox.cut(&crate::close::NORMAL);
        self.outbox.unplug();
        self.hub.0.outboxes.remove(self.id);
    }
}

/// A socket's place in the hub. Dropping it, on whatever way out, unregisters the socket.
pub struct Registration {
    pub(super) id: SessionId,
    pub(super) actor: Actor,
    pub(super) dialect: DialectKind,
    pub(super) only: Option<RoomId>,
    pub(super) cursors: Cursors,
    /// Of a place among others: set when its room ended for it.
    pub(super) ended: Option<Arc<AtomicBool>>,
    connection: Arc<Connection>,
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration")
            .field("id", &self.id)
            .field("actor", &self.actor)
            .field("dialect", &self.dialect)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}

impl Registration {
    /// The place of a connection that has one.
    pub(super) fn new(
        connection: Arc<Connection>,
        actor: Actor,
        dialect: DialectKind,
        only: Option<RoomId>,
    ) -> Self {
        Self {
            id: connection.id,
            actor,
            dialect,
            only,
            cursors: Cursors::new(),
            ended: None,
            connection,
        }
    }

    /// One of several places of a connection: it ends alone.
    pub(crate) fn guest(
        connection: &Arc<Connection>,
        actor: Actor,
        dialect: DialectKind,
        only: Option<RoomId>,
    ) -> Self {
        Self {
            id: connection.hub.next_id(),
            actor,
            dialect,
            only,
            cursors: Cursors::new(),
            ended: Some(Arc::default()),
            connection: Arc::clone(connection),
        }
    }
    /// Which socket of this process it is.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// Whose socket it is.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// How it speaks.
    #[must_use]
    pub const fn dialect(&self) -> DialectKind {
        self.dialect
    }

    /// The only room it hears, if it is a socket of one room.
    #[must_use]
    pub const fn only(&self) -> Option<RoomId> {
        self.only
    }

    /// Where a socket of version 2 begins to hear, as its `hello` says: what comes later in these
    /// rooms is delivered, as soon as it was [fed](feed) what it missed.
    pub(crate) fn cursors(&self) -> &[(RoomId, i64)] {
        &self.cursors
    }

    /// The hub that it is a place in.
    pub(crate) fn hub(&self) -> &Hub {
        self.connection.hub()
    }

    /// Whether its only room ended for it, and it with it.
    pub(crate) fn has_ended(&self) -> bool {
        let ended = self.ended.as_ref();
        ended.is_some_and(|ended| ended.load(Ordering::Acquire))
    }

    /// What waits for it.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.connection.outbox
    }

    /// The same, to be held apart from the registration.
    #[must_use]
    pub fn shared_outbox(&self) -> Arc<Outbox> {
        Arc::clone(&self.connection.outbox)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Closed first: a registration that is still on its way to the hub is ignored there.
            self.outbox().cut(&crate::close::NORMAL);
        }
        // The hub is gone: then it needs no word.
        let _ = self.connection.hub.0.gone.send(self.id);
    }
}
