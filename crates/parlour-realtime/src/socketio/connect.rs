//! Namespaces are connected: who is it, may they, a place in the hub, and what they missed.

use super::{
    Conversation, Gate, Place, Speech,
    answers::{Ask, Done, Next},
    wishes::REPLAY_LATER,
};
use crate::{
    close::{self, Close},
    command::Resume,
    dialect::socketio::{
        self,
        event::{self, Auth},
        packet::{Packet, Space},
    },
    hub::{Guest, Registration, place::Connection},
    session::Flow,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use metrics::counter;
use parlour_core::{
    Error, Kind, UserId,
    error::{RATE_LIMITED, UNAUTHENTICATED},
};
use std::sync::Arc;
use tokio::time::Instant;

/// Most namespaces of one connection.
const MOST: usize = 100;

impl Conversation {
    /// Begins to connect a namespace.
    pub(super) fn connect(&mut self, packet: &Packet<'_>) -> Flow {
        let auth = match event::read_auth(packet.data) {
            Ok(auth) => auth,
            Err(Some(error)) => return self.refuse_place(packet.name, &error),
            Err(None) => return Err(&close::BAD_PAYLOAD),
        };
        let Some(space) = Space::named(packet.name) else {
            return self.no_such_place(packet.name);
        };
        if let Some(place) = self.place(space) {
            if !place.registration.has_ended() {
                return Err(&close::BAD_PAYLOAD);
            }
            self.places.retain(|place| place.space != space);
        }
        if self.places.len() >= MOST {
            return Err(&close::BAD_PAYLOAD);
        }
        if auth.after.is_some() && !self.conduct().replays.spend(Instant::now()) {
            let error = Error::from(RATE_LIMITED).retry_after(REPLAY_LATER);
            return self.refuse_place(packet.name, &error);
        }
        let newcomer = Newcomer {
            speech: self.speech,
            connection: Arc::clone(&self.connection),
            gate: Arc::clone(&self.gate),
            user: self.user,
            space,
            auth,
        };
        let name = packet.name.to_owned();
        let done = async move {
            let result = match newcomer.sit().await {
                Ok((place, replay)) => Next::Place(Box::new(place), replay),
                Err(error) => Next::NoPlace(name, error),
            };
            Done {
                ask: Ask::new(space, None),
                result: Ok(result),
                is_strict: false,
            }
        };
        self.current = Some(done.boxed());
        Ok(())
    }

    /// A namespace is connected; its client has been told.
    pub(super) fn connected(&mut self, place: Place, replay: Option<BoxFuture<'static, ()>>) {
        self.connect_by = None;
        self.user = Some(place.registration.actor().user);
        self.places.push(place);
        if let Some(replay) = replay {
            self.replays.push(replay);
        }
    }

    /// A namespace is not connected; the connection goes on, unless the reason passes by itself.
    pub(super) fn refuse_place(&mut self, name: &str, error: &Error) -> Flow {
        if error.kind() == Kind::Internal {
            tracing::error!(?error, "a namespace could not be connected");
        }
        counter!("parlour_soft_errors_total", "code" => error.code()).increment(1);
        if let Some(close) = passing(error.kind()) {
            return Err(close);
        }
        self.spend_patience()?;
        self.say(socketio::connect_error(name, error));
        self.restart_clock();
        Ok(())
    }

    fn no_such_place(&mut self, name: &str) -> Flow {
        self.spend_patience()?;
        self.say(socketio::no_such_space(name));
        Ok(())
    }
}

/// How a connection ends when a namespace cannot be connected for now. Clients take a refusal for the
/// last word and never come back by themselves; after a lost connection they do, after a pause.
const fn passing(kind: Kind) -> Option<&'static Close> {
    match kind {
        Kind::TooMany => Some(&close::RATE),
        Kind::Unavailable | Kind::StorageFull => Some(&close::RESTART),
        Kind::Internal => Some(&close::INTERNAL),
        Kind::Invalid
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::Gone
        | Kind::TooLarge => None,
    }
}

/// A client that connects a namespace.
struct Newcomer {
    speech: Speech,
    connection: Arc<Connection>,
    gate: Arc<dyn Gate>,
    /// Whose connection it is already.
    user: Option<UserId>,
    space: Space,
    auth: Auth,
}

impl Newcomer {
    async fn sit(self) -> Result<(Place, Option<BoxFuture<'static, ()>>), Error> {
        let Self {
            speech,
            connection,
            gate,
            user,
            space,
            auth,
        } = self;
        let actor = gate.admit(auth.token.as_deref()).await?;
        if user.is_some_and(|user| user != actor.user) {
            let text = "This connection belongs to another account.";
            return Err(Error::from(UNAUTHENTICATED).saying(text));
        }
        if let Space::Room(room) = space {
            gate.enter(&actor, room).await?;
        }
        let guest = Guest {
            welcome: speech.packet(socketio::connected(space, &gate.sid())),
            is_held: auth.after.is_some(),
        };
        let place = Registration::guest(&connection, actor, speech.dialect(space), space.room());
        let hub = connection.hub();
        let registration = hub.sit(place, Some(guest)).await?;
        // Who gives a seq without an epoch has to trust that the database is the same.
        let known = |after: Resume| Resume {
            epoch: Some(after.epoch)
                .filter(|epoch| !epoch.is_empty())
                .unwrap_or_else(|| hub.source().epoch().to_owned()),
            ..after
        };
        let replay = auth
            .after
            .map(known)
            .map(|after| crate::session::replay(&registration, after).boxed());
        let place = Place {
            space,
            registration,
        };
        Ok((place, replay))
    }
}
