//! A stretch of a room's messages, as a page or a screen shows it.

use crate::{
    Actor, App, Error, Event, RoomId, What,
    error::NOT_FOUND,
    model::{Message, PageNumber, PageRequest},
    ports::Span,
    rooms::{self, MAX_HISTORY, Right},
};
use std::{collections::HashSet, sync::Arc};

/// Messages on a stretch's older and newer side of its place, each.
const SIDE: usize = 50;

/// How many pieces of the stream are read for one side: reactions and edits lie between messages.
const PIECES: usize = 20;

/// Which stretch is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The newest messages.
    Newest,
    /// Those before and after this seq.
    Around(i64),
}

/// Messages in order of seq, without holes between the first and the last.
#[derive(Clone, Debug)]
pub struct Window {
    /// The messages as they are now.
    pub messages: Vec<Arc<Message>>,
    /// Whether there are older ones.
    pub has_older: bool,
    /// Whether there are newer ones.
    pub has_newer: bool,
}

/// A stretch of about fifty messages (a hundred around a place).
///
/// # Errors
/// [`NOT_FOUND`], [`crate::error::NOT_IN_ROOM`].
pub async fn window(app: &App, actor: &Actor, room: RoomId, place: Place) -> Result<Window, Error> {
    let view = rooms::view(app, actor, room).await?;
    rooms::can(&view, Right::Talk)?;
    match place {
        Place::Newest => newest(app, actor, room).await,
        Place::Around(seq) => around(app, room, seq).await,
    }
}

async fn newest(app: &App, actor: &Actor, room: RoomId) -> Result<Window, Error> {
    let page = PageRequest {
        page: PageNumber::Nth(1),
        size: i64::try_from(SIDE).unwrap_or(i64::MAX),
    };
    let page = app
        .store()
        .messages_page(actor.user, Some(room), page)
        .await?
        .ok_or(NOT_FOUND)?;
    let mut messages = page.items;
    messages.reverse();
    Ok(Window {
        has_older: page.count > i64::try_from(messages.len()).unwrap_or(i64::MAX),
        has_newer: false,
        messages,
    })
}

async fn around(app: &App, room: RoomId, seq: i64) -> Result<Window, Error> {
    let older = side(app, room, Span::Before(seq)).await?;
    let newer = side(app, room, Span::After(seq - 1)).await?;
    let mut messages = older.0;
    messages.reverse();
    messages.extend(newer.0);
    Ok(Window {
        messages,
        has_older: older.1,
        has_newer: newer.1,
    })
}

/// Messages on one side of a place, the nearest first, and whether there are more.
async fn side(app: &App, room: RoomId, mut span: Span) -> Result<(Vec<Arc<Message>>, bool), Error> {
    let mut found = Vec::new();
    for _ in 0..PIECES {
        let piece = app.store().history(room, span, MAX_HISTORY).await?;
        let piece = piece.ok_or(NOT_FOUND)?;
        let backwards = matches!(span, Span::Before(_));
        let edge = if backwards {
            piece.events.first().map(|event| Span::Before(event.seq))
        } else {
            piece.events.last().map(|event| Span::After(event.seq))
        };
        let created = piece.events.into_iter().filter_map(created);
        if backwards {
            found.extend(created.collect::<Vec<_>>().into_iter().rev());
        } else {
            found.extend(created);
        }
        match edge {
            _ if found.len() > SIDE => break,
            Some(next) if piece.has_more => span = next,
            _ => return Ok((found, false)),
        }
    }
    found.truncate(SIDE);
    Ok((found, true))
}

fn created(event: Event) -> Option<Arc<Message>> {
    match event.what {
        What::MessageCreated(message) => Some(message),
        _ => None,
    }
}

/// The messages that these answer, as far as they are left and not among them.
///
/// # Errors
/// [`NOT_FOUND`], [`crate::error::NOT_IN_ROOM`].
pub async fn answered(
    app: &App,
    actor: &Actor,
    room: RoomId,
    messages: &[Arc<Message>],
) -> Result<Vec<Arc<Message>>, Error> {
    let here: HashSet<_> = messages.iter().map(|message| message.id).collect();
    let mut ids: Vec<_> = messages
        .iter()
        .filter_map(|message| message.reply_to)
        .filter(|id| !here.contains(id))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    super::by_id(app, actor, room, &ids).await
}
