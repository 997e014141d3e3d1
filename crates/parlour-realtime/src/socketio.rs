//! One client that speaks Socket.IO, without any transport in sight: packets in, commands to the
//! actions; events, acknowledgements and errors to its outbox. It has a place in the hub per namespace.

mod answers;
mod attached;
mod connect;
mod recent;
mod replays;
#[cfg(feature = "protocol-suite")]
mod suite;
mod wishes;

use crate::{
    actions::Actions,
    close::{self, Close},
    dialect::{
        DialectKind, Input,
        socketio::{
            self, event, old, pack,
            packet::{self, Engine, Kind, Packet, Space},
        },
    },
    hub::{Registration, place::Connection},
    outbox::Outbox,
    session::{Budget, Flow, SessionLimits},
    talk::{Ping, Talk},
};
use answers::{Ask, Done, InFlight, Next};
use async_trait::async_trait;
use attached::Attached;
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use parlour_core::{Actor, Error, RoomId, UserId};
use recent::Recent;
use replays::Replays;
use serde::Serialize;
use std::{
    collections::VecDeque,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep};

/// How long a connection may be without a namespace.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How often, and within what time, a client may disconnect a namespace to connect it again: each time
/// the hub has to read what it hears.
const LEAVES: (usize, Duration) = (200, Duration::from_secs(60));
/// Engine.IO's ping.
const PING: Bytes = Bytes::from_static(b"2");

/// Engine.IO's answer to one.
const PONG: &[u8] = b"3";

/// Who may connect a namespace: the seam to whatever knows of requests.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Who the client is: by the token that it gave, else by what its request brought along.
    ///
    /// # Errors
    /// When that is nobody.
    async fn admit(&self, token: Option<&str>) -> Result<Actor, Error>;

    /// Whether this account may hear this room.
    ///
    /// # Errors
    /// When not; as for the room's messages.
    async fn enter(&self, actor: &Actor, room: RoomId) -> Result<(), Error>;

    /// An id that nobody can guess.
    fn sid(&self) -> String;
}

/// What a client is told when its connection opens.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening<'a> {
    /// The id of the connection.
    pub sid: &'a str,
    /// What the client may go on with.
    pub upgrades: &'a [&'a str],
    /// How often the server pings, in milliseconds, at the latest.
    pub ping_interval: u64,
    /// How long the answer may take, in milliseconds.
    pub ping_timeout: u64,
    /// The largest packet, and the largest body of a request, in bytes.
    pub max_payload: usize,
}

impl Opening<'_> {
    /// The packet.
    #[must_use]
    pub fn packet(&self) -> String {
        // Strings and integers: this cannot fail.
        format!("0{}", serde_json::to_string(self).unwrap_or_default())
    }
}

/// What a client of Socket.IO speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speech {
    /// Packets of text.
    #[default]
    Text,
    /// Packets of msgpack.
    Pack,
    /// Socket.IO 2 over Engine.IO 3: the namespace `/` is connected without being asked for, and the
    /// client pings.
    Old,
}

impl Speech {
    /// The dialect of a namespace.
    const fn dialect(self, space: Space) -> DialectKind {
        match (self, space) {
            (Self::Text | Self::Old, Space::Root) => DialectKind::SocketIo,
            (Self::Text | Self::Old, Space::Room(_)) => DialectKind::SocketIoRoom,
            (Self::Pack, Space::Root) => DialectKind::SocketIoPack,
            (Self::Pack, Space::Room(_)) => DialectKind::SocketIoRoomPack,
        }
    }

    /// A packet, made as text, as it is spoken.
    fn packet(self, packet: Bytes) -> Bytes {
        match self {
            Self::Text | Self::Pack => self.dialect(Space::Root).packet(packet),
            Self::Old => old::of(packet),
        }
    }
}

/// One client of Socket.IO. Made by [`Realtime::meet`](crate::Realtime::meet).
pub struct Conversation {
    speech: Speech,
    connection: Arc<Connection>,
    gate: Arc<dyn Gate>,
    actions: Arc<dyn Actions>,
    limits: Arc<SessionLimits>,
    places: Vec<Place>,
    /// Whose connection it is, as long as there is a place.
    user: Option<UserId>,
    /// Until when there has to be a place.
    connect_by: Option<Pin<Box<Sleep>>>,
    conduct: Option<Box<Conduct>>,
    /// What is being carried out; packets are handled one after the other.
    current: Option<BoxFuture<'static, Done>>,
    /// What is not yet committed, in the order of the packets.
    in_flight: VecDeque<InFlight>,
    /// A packet that waits for its attachments.
    attached: Option<Box<Attached>>,
    recent: Recent,
    replays: Replays,
    #[cfg(feature = "protocol-suite")]
    suite: suite::Suite,
}

/// A namespace that is connected.
struct Place {
    space: Space,
    registration: Registration,
}

/// What a client may still do, where that is limited.
struct Conduct {
    bad_packets: Budget,
    refusals: Budget,
    replays: Budget,
    leaves: Budget,
    /// When the client last said that its user is writing.
    typing: Option<Instant>,
}

impl Conversation {
    pub(crate) fn new(
        speech: Speech,
        connection: Connection,
        gate: Arc<dyn Gate>,
        actions: Arc<dyn Actions>,
        limits: Arc<SessionLimits>,
    ) -> Self {
        let mut this = Self {
            speech,
            connection: Arc::new(connection),
            gate,
            actions,
            limits,
            places: Vec::new(),
            user: None,
            connect_by: Some(Box::pin(tokio::time::sleep(CONNECT_WITHIN))),
            conduct: None,
            current: None,
            in_flight: VecDeque::new(),
            attached: None,
            recent: Recent::default(),
            replays: Replays::default(),
            #[cfg(feature = "protocol-suite")]
            suite: suite::Suite::default(),
        };
        if speech == Speech::Old {
            // Refusals come later: nothing is decided here.
            let _ = this.connect(&Packet::ROOT);
        }
        this
    }

    /// What waits for the client.
    #[must_use]
    pub fn shared_outbox(&self) -> Arc<Outbox> {
        Arc::clone(self.connection.outbox())
    }

    /// Says a packet, made as text.
    fn say(&self, packet: Bytes) {
        self.connection.outbox().push(&self.speech.packet(packet));
    }

    fn conduct(&mut self) -> &mut Conduct {
        let limits = &self.limits;
        self.conduct.get_or_insert_with(|| {
            Box::new(Conduct {
                bad_packets: Budget::new(limits.bad_frames, limits.bad_frames_within),
                refusals: Budget::new(limits.refusals, limits.refusals_within),
                replays: Budget::resumes(),
                leaves: Budget::new(LEAVES.0, LEAVES.1),
                typing: None,
            })
        })
    }

    fn place(&self, space: Space) -> Option<&Place> {
        self.places.iter().find(|place| place.space == space)
    }

    fn take_text(&mut self, bytes: &[u8]) -> Flow {
        if self.speech == Speech::Old && bytes.starts_with(b"b4") {
            return self.take_binary(bytes);
        }
        let packet = std::str::from_utf8(bytes).ok().and_then(packet::read);
        match packet.ok_or(&close::BAD_PAYLOAD)? {
            Engine::Close => Err(&close::NORMAL),
            Engine::Pong => Ok(()),
            Engine::Ping if self.speech == Speech::Old => {
                self.connection.outbox().push(PONG);
                Ok(())
            }
            Engine::Ping => Err(&close::BAD_PAYLOAD),
            // It has said that it speaks otherwise.
            Engine::Message(_) if self.speech == Speech::Pack => Err(&close::BAD_PAYLOAD),
            // Attachments follow their packet at once.
            Engine::Message(_) if self.attached.is_some() => Err(&close::BAD_PAYLOAD),
            Engine::Message(packet) => self.take(&packet),
        }
    }

    fn take(&mut self, packet: &Packet<'_>) -> Flow {
        #[cfg(feature = "protocol-suite")]
        if self.suite.answers() {
            return self.suite_take(packet);
        }
        match packet.kind {
            Kind::Connect => self.connect(packet),
            Kind::Disconnect => match Space::named(packet.name) {
                Some(space) => self.disconnect(space),
                None => Ok(()),
            },
            Kind::Event(0) => self.event(packet.name, packet.id, packet.data),
            // We never ask for any.
            Kind::Ack(0) => Ok(()),
            Kind::Event(attachments) | Kind::Ack(attachments) => {
                self.attached = Some(Box::new(Attached::new(packet, attachments)));
                Ok(())
            }
        }
    }

    fn take_binary(&mut self, bytes: &[u8]) -> Flow {
        #[cfg(feature = "protocol-suite")]
        if self.suite.answers() && self.speech != Speech::Pack {
            return self.suite_take_binary(bytes);
        }
        if self.speech == Speech::Pack {
            let packed = pack::read(bytes).ok_or(&close::BAD_PAYLOAD)?;
            return self.take(&packed.packet());
        }
        let Some(attached) = &mut self.attached else {
            return Err(&close::BAD_PAYLOAD);
        };
        if !attached.is_whole_with_next() {
            return Ok(());
        }
        match self.attached.take().and_then(|attached| attached.event()) {
            Some((name, id, data)) => self.event(&name, id, &data),
            None => Ok(()),
        }
    }

    fn disconnect(&mut self, space: Space) -> Flow {
        if self.place(space).is_none() {
            return Ok(());
        }
        self.places.retain(|place| place.space != space);
        self.restart_clock();
        if self.conduct().leaves.spend(Instant::now()) {
            Ok(())
        } else {
            Err(&close::RATE)
        }
    }

    /// Gives a connection without a namespace its time to connect one.
    fn restart_clock(&mut self) {
        if self.places.is_empty() && self.connect_by.is_none() {
            self.user = None;
            self.connect_by = Some(Box::pin(tokio::time::sleep(CONNECT_WITHIN)));
        }
    }

    fn event(&mut self, name: &str, id: Option<u64>, data: &str) -> Flow {
        let space = Space::named(name).ok_or(&close::BAD_PAYLOAD)?;
        let Some(place) = self.place(space) else {
            return Err(&close::BAD_PAYLOAD);
        };
        if place.registration.has_ended() {
            // The client will read that in a moment.
            return Ok(());
        }
        let actor = *place.registration.actor();
        let ask = Ask::new(space, id);
        match event::read(data, space, id.is_some()) {
            Ok(wish) => self.wish(ask, actor, wish, data),
            Err(event::Fault::Refused(refusal)) => self.refuse_bad_packet(&ask, &refusal),
            Err(event::Fault::Broken) => Err(&close::BAD_PAYLOAD),
        }
    }
}

impl Talk for Conversation {
    fn number(&self) -> u64 {
        self.connection.id().get()
    }

    fn shared_outbox(&self) -> Arc<Outbox> {
        Self::shared_outbox(self)
    }

    fn wants_frame(&self) -> bool {
        self.current.is_none()
            && self.in_flight.len() < self.limits.credit
            && self.replays.is_free()
    }

    fn is_busy(&self) -> bool {
        self.current.is_some() || !self.in_flight.is_empty()
    }

    fn has_work(&self) -> bool {
        self.is_busy() || self.connect_by.is_some() || self.replays.is_busy()
    }

    fn handle(&mut self, input: Input<'_>) -> Flow {
        match input {
            Input::Text(bytes) => self.take_text(bytes),
            Input::Binary(bytes) => self.take_binary(bytes),
        }
    }

    fn poll_progress(&mut self, cx: &mut Context<'_>) -> Poll<Flow> {
        self.go_on(cx)
    }

    fn ping(&self) -> Ping {
        match self.speech {
            Speech::Text | Speech::Pack => Ping::Packet(PING),
            Speech::Old => Ping::None,
        }
    }

    fn last_words(&mut self, close: &'static Close) -> Vec<Bytes> {
        if close.may_reconnect {
            return Vec::new();
        }
        // The hub welcomes clients itself: this one may have read it before we hear of our place.
        let current = self.current.take().and_then(FutureExt::now_or_never);
        if let Some(Next::Place(place, _)) = current.and_then(|done| done.result.ok()) {
            self.places.push(*place);
        }
        // Who is told so does not come back by itself.
        let places = self.places.iter();
        let places = places.filter(|place| !place.registration.has_ended());
        places
            .flat_map(|place| {
                let room = place.space.room();
                [socketio::closing(room, close), socketio::disconnect(room)]
                    .map(|packet| self.speech.packet(packet))
            })
            .collect()
    }
}

impl std::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversation")
            .field("number", &self.number())
            .field("places", &self.places.len())
            .finish_non_exhaustive()
    }
}
