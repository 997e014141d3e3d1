//! A room's messages as the rows of its timeline. `assets/js/grouping.js` decides the same for rows
//! that arrive later.

use super::attached::Attached;
use crate::pages::people::initials;
use parlour_core::{
    MessageId, Time, UserId, markup,
    model::{Message, Reaction},
};
use serde::Serialize;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Rows of one author within this time of each other stand together (ux 1, point 1).
const TOGETHER: Duration = Duration::from_secs(5 * 60);

/// Longest quote of an answered message.
const QUOTE_CHARS: usize = 120;

/// Who looks at which room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewer {
    pub(crate) me: UserId,
    pub(crate) host: UserId,
    /// Messages of others after this are new.
    pub(crate) read_seq: i64,
}

/// One message.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    id: MessageId,
    seq: i64,
    owner: UserId,
    nickname: String,
    initials: String,
    hue: u8,
    created: Time,
    html: String,
    text: String,
    edited: bool,
    mine: bool,
    is_host: bool,
    /// Whether it addresses the viewer.
    for_me: bool,
    /// Whether it shows its author.
    head: bool,
    /// A moment of the day (in UTC) that begins with it.
    day: Option<Time>,
    /// Whether the unread line stands above it.
    new_line: bool,
    reply: Option<Reply>,
    files: Vec<Attached>,
    /// How many of the files are pictures.
    images: usize,
    reactions: Vec<Pill>,
    nonce: Option<String>,
}

/// What a message answers. Without a nickname: it is gone.
#[derive(Debug, Serialize)]
struct Reply {
    id: MessageId,
    nickname: Option<String>,
    text: Option<String>,
}

/// A reaction and how often it was given.
#[derive(Debug, Serialize)]
struct Pill {
    emoji: String,
    count: usize,
    mine: bool,
    users: Vec<UserId>,
    names: Vec<String>,
}

/// The rows of these messages. `answered` are messages that they answer and that are not among them;
/// `names` the nicknames of the room's people.
pub(crate) fn rows(
    viewer: Viewer,
    messages: &[Arc<Message>],
    answered: &[Arc<Message>],
    names: &HashMap<UserId, String>,
) -> Vec<Row> {
    let known: HashMap<_, _> = messages
        .iter()
        .chain(answered)
        .map(|message| (message.id, message))
        .collect();
    let mut previous: Option<&Message> = None;
    let mut line_drawn = false;
    messages
        .iter()
        .map(|message| {
            let is_new = message.seq > viewer.read_seq && message.owner != viewer.me;
            let new_line = is_new && !line_drawn;
            line_drawn |= is_new;
            let day = day(message.created_at);
            let new_day = previous.is_none_or(|one| self::day(one.created_at) != day);
            let together = previous.is_some_and(|one| stand_together(one, message));
            previous = Some(message);
            let reply = message
                .reply_to
                .map(|id| reply(id, known.get(&id).copied()));
            Row {
                head: new_day || new_line || !together,
                day: new_day.then_some(message.created_at),
                new_line,
                reply,
                ..row(viewer, message, names)
            }
        })
        .collect()
}

/// Whether the second message stands below the first without showing its author again.
fn stand_together(first: &Message, second: &Message) -> bool {
    first.owner == second.owner
        && second.reply_to.is_none()
        && second.created_at.since(first.created_at) < TOGETHER
}

fn row(viewer: Viewer, message: &Message, names: &HashMap<UserId, String>) -> Row {
    let files: Vec<_> = message
        .files
        .iter()
        .map(|file| Attached::from(&**file))
        .collect();
    Row {
        id: message.id,
        seq: message.seq,
        owner: message.owner,
        initials: initials(&message.sender.nickname),
        nickname: message.sender.nickname.clone(),
        hue: message.sender.hue,
        created: message.created_at,
        html: message.html().to_owned(),
        text: message.text.clone(),
        edited: message.is_edited(),
        mine: message.owner == viewer.me,
        is_host: message.owner == viewer.host,
        for_me: message
            .mentions
            .iter()
            .any(|mention| mention.user == viewer.me),
        head: true,
        day: None,
        new_line: false,
        reply: None,
        images: files.iter().filter(|file| file.is_picture()).count(),
        files,
        reactions: message
            .reactions
            .iter()
            .map(|reaction| pill(viewer.me, reaction, names))
            .collect(),
        nonce: message.nonce.clone().filter(|_| message.owner == viewer.me),
    }
}

fn reply(id: MessageId, original: Option<&Arc<Message>>) -> Reply {
    Reply {
        id,
        nickname: original.map(|message| message.sender.nickname.clone()),
        text: original.map(|message| quoted(message)),
    }
}

/// The first words of a message, or the name of its first file.
fn quoted(message: &Message) -> String {
    let words = match message.files.first() {
        Some(file) if message.text.is_empty() => &file.name,
        _ => &message.text,
    };
    markup::excerpt(words, QUOTE_CHARS)
}

fn pill(me: UserId, reaction: &Reaction, names: &HashMap<UserId, String>) -> Pill {
    Pill {
        emoji: reaction.emoji.clone(),
        count: reaction.users.len(),
        mine: reaction.users.contains(&me),
        users: reaction.users.clone(),
        names: reaction
            .users
            .iter()
            .filter_map(|user| names.get(user).cloned())
            .collect(),
    }
}

/// The day in UTC, as `2026-11-21`.
fn day(time: Time) -> String {
    let text = time.to_string();
    text.get(..10).unwrap_or(&text).to_owned()
}
