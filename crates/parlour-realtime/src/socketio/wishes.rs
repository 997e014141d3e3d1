//! From wishes to actions.

use super::{
    Conversation,
    answers::{Ask, Done, Next},
    recent::Known,
};
use crate::{
    actions::Actions,
    command::{Command, NewSend},
    dialect::socketio::{self, Answer, event::Wish, packet::Space},
    hub::Hub,
    session::{Flow, TYPING},
    view::MessageView,
};
use bytes::Bytes;
use futures_util::FutureExt as _;
use parlour_core::{
    Actor, Error, Kind, RoomId, What,
    error::RATE_LIMITED,
    ports::{History, Span},
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Pause that is asked for when too much is to be handed over again.
pub(super) const REPLAY_LATER: Duration = Duration::from_secs(60);

impl Conversation {
    /// Begins to carry out a wish. `data`: as the client wrote it.
    pub(super) fn wish(&mut self, mut ask: Ask, actor: Actor, wish: Wish, data: &str) -> Flow {
        let actions = Arc::clone(&self.actions);
        match wish {
            Wish::Command(Command::Send(send)) => self.send(ask, actor, send, data),
            Wish::Command(Command::Change(change)) => {
                ask.nonce = change.nonce.clone().filter(|nonce| !nonce.is_empty());
                self.carry_out(ask, false, async move {
                    actions.change(&actor, change).await.map(Next::Changed)
                });
            }
            Wish::Command(Command::Read { room, seq, back }) => {
                self.carry_out(ask, false, async move {
                    let done = actions.read(&actor, room, seq, back).await;
                    done.map(|()| Next::Nothing)
                });
            }
            Wish::Command(Command::Typing(room)) => self.typing(ask, actor, room),
            // Packets ask for none of these.
            Wish::Command(Command::Say { .. } | Command::Resume(_) | Command::Ping { .. }) => {}
            Wish::Join { room, after, epoch } => {
                let ours = self.connection.hub().source().epoch();
                // A place in another stream is one that there is not in ours.
                let is_foreign = epoch.is_some_and(|epoch| !epoch.is_empty() && epoch != ours);
                let after = after.map(|after| if is_foreign { i64::MAX } else { after });
                let now = Instant::now();
                if after.is_some() && !self.conduct().replays.spend(now) {
                    let error = Error::from(RATE_LIMITED).retry_after(REPLAY_LATER);
                    return self.refuse(&ask, &error.into());
                }
                self.carry_out(ask, false, async move {
                    let seq = actions.join(&actor, room).await?;
                    Ok(Next::Room { room, seq, after })
                });
            }
            Wish::Leave(room) => self.carry_out(ask, false, async move {
                let (seq, after) = (actions.leave(&actor, room).await?, None);
                Ok(Next::Room { room, seq, after })
            }),
            Wish::History { room, span, limit } => {
                let hub = self.connection.hub().clone();
                let piece = Piece {
                    space: ask.space,
                    id: ask.id,
                    room,
                    span,
                    limit,
                };
                self.carry_out(ask, false, async move {
                    piece.read(&*actions, &actor, &hub).await.map(Next::Said)
                });
            }
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        ask: Ask,
        is_strict: bool,
        action: impl Future<Output = Result<Next, Error>> + Send + 'static,
    ) {
        let done = async move {
            Done {
                result: action.await,
                ask,
                is_strict,
            }
        };
        self.current = Some(done.boxed());
    }

    fn send(&mut self, mut ask: Ask, actor: Actor, send: NewSend, data: &str) {
        if let (Some(id), None) = (ask.id, &send.nonce) {
            match self.recent.look(&ask, id, data) {
                Known::New(key) => ask.key = Some(key),
                Known::UnderWay => return,
                Known::Answered(packet) => {
                    self.say(packet);
                    return;
                }
            }
        }
        ask.nonce.clone_from(&send.nonce);
        let actions = Arc::clone(&self.actions);
        self.carry_out(ask, true, async move {
            actions.submit(&actor, send).await.map(Next::Commit)
        });
    }

    fn typing(&mut self, ask: Ask, actor: Actor, room: RoomId) {
        let now = Instant::now();
        let typing = &mut self.conduct().typing;
        let is_news = typing.is_none_or(|last| now.duration_since(last) >= TYPING);
        if is_news {
            *typing = Some(now);
        }
        let actions = Arc::clone(&self.actions);
        self.carry_out(ask, false, async move {
            if !is_news {
                return Ok(Next::Nothing);
            }
            match actions.typing(&actor, room).await {
                // It may be lost.
                Err(error) if error.kind() == Kind::TooMany => Ok(Next::Nothing),
                result => result.map(|()| Next::Nothing),
            }
        });
    }

    /// Hands over what came after this seq, once more where it went out already.
    pub(super) fn rewind(&mut self, space: Space, room: RoomId, after: i64, newest: i64) {
        let Some(place) = self.place(space) else {
            return;
        };
        let replay = crate::session::rewind(&place.registration, room, after, newest);
        self.replays.push(replay.boxed());
    }
}

/// A piece of history that is asked for.
struct Piece {
    space: Space,
    id: Option<u64>,
    room: RoomId,
    span: Span,
    limit: i64,
}

impl Piece {
    async fn read(
        self,
        actions: &dyn Actions,
        actor: &Actor,
        hub: &Hub,
    ) -> Result<Option<Bytes>, Error> {
        let Self {
            space,
            id,
            room,
            span,
            limit,
        } = self;
        let history = actions.history(actor, room, span, limit).await?;
        let Some(id) = id else {
            return Ok(None);
        };
        let messages = history.events.iter().filter_map(|event| match &event.what {
            What::MessageCreated(message) => Some(MessageView::from(&**message)),
            _ => None,
        });
        let answer = Answer::History {
            ok: true,
            room,
            epoch: hub.source().epoch(),
            messages: messages.collect(),
            next: next(&history, span),
            seq: history.seq,
            has_more: history.has_more,
        };
        Ok(Some(socketio::acknowledge(space, id, &answer)))
    }
}

/// Where the next piece begins, in the same direction.
fn next(history: &History, span: Span) -> Option<i64> {
    let event = match span {
        Span::After(_) => history.events.last(),
        Span::Before(_) | Span::Newest => history.events.first(),
    };
    event.map(|event| event.seq)
}
