//! Rows into messages.

use crate::{fault::Fault, sql::Cells};
use parlour_core::{
    Event, MessageId, RoomId, Time, UserId, What,
    model::{self, File, Html, Mention, Message, Reaction, Sender},
};
use serde::Deserialize;
use std::{collections::HashMap, sync::Arc};

/// The columns of a [`MessageRow`], from `messages m` and [`author`]. A deleted message has no text.
/// Most messages have no reactions: finding none is cheaper than gathering none.
macro_rules! message_columns {
    () => {
        "m.id, m.room_id, m.author_id, m.seq, CASE WHEN m.deleted THEN NULL ELSE m.text END, \
         m.nonce, m.created_at, m.updated_at, m.reply_to, m.mentions, a.nickname, a.avatar_hue, \
         CASE WHEN EXISTS (SELECT 1 FROM reactions x WHERE x.message_id = m.id) THEN (SELECT \
          string_agg(x.first_seq || ' ' || x.seq || ' ' || x.user_id || ' ' || x.emoji, '\n') \
          FROM reactions x WHERE x.message_id = m.id) END, m.files"
    };
}

/// The join that [`message_columns`] needs after `messages m`. Authors may be gone.
macro_rules! author {
    () => {
        " LEFT JOIN users a ON a.id = m.author_id "
    };
}

pub(crate) use {author, message_columns};

/// [`message_columns`] of one message.
#[derive(Debug, Deserialize)]
pub(crate) struct MessageRow {
    pub(crate) id: i64,
    pub(crate) room: i64,
    pub(crate) author: i64,
    pub(crate) seq: i64,
    pub(crate) text: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    reply_to: Option<i64>,
    mentions: Option<String>,
    nickname: Option<String>,
    hue: Option<i64>,
    /// Lines of: seq of the emoji's first use, seq, user, emoji.
    reactions: Option<String>,
    files: Option<String>,
}

/// How many columns [`message_columns`] has; further columns of a statement begin here.
pub(crate) const MESSAGE_COLUMNS: usize = 14;

impl MessageRow {
    /// From a row that begins with [`message_columns`].
    pub(crate) fn of(row: &impl Cells) -> Result<Self, Fault> {
        Ok(Self {
            id: row.int(0)?,
            room: row.int(1)?,
            author: row.int(2)?,
            seq: row.int(3)?,
            text: row.opt_text(4)?,
            nonce: row.opt_text(5)?,
            created: row.int(6)?,
            updated: row.int(7)?,
            reply_to: row.opt_int(8)?,
            mentions: row.opt_text(9)?,
            nickname: row.opt_text(10)?,
            hue: row.opt_int(11)?,
            reactions: row.opt_text(12)?,
            files: row.opt_text(13)?,
        })
    }
}

/// The authors of the rows of one snapshot, each kept once.
#[derive(Default)]
pub(crate) struct Authors(HashMap<i64, Arc<Sender>>);

impl Authors {
    fn of(&mut self, id: i64, nickname: Option<String>, hue: Option<i64>) -> Arc<Sender> {
        let sender = self
            .0
            .entry(id)
            .or_insert_with(|| Arc::new(sender(UserId::new(id), nickname, hue)));
        Arc::clone(sender)
    }

    /// A message, or `None` when it was deleted.
    pub(crate) fn message(&mut self, row: MessageRow) -> Result<Option<Arc<Message>>, Fault> {
        let Some(text) = row.text else {
            return Ok(None);
        };
        Ok(Some(Arc::new(Message {
            id: MessageId::new(row.id),
            room: RoomId::new(row.room),
            owner: UserId::new(row.author),
            sender: self.of(row.author, row.nickname, row.hue),
            seq: row.seq,
            text,
            nonce: row.nonce,
            reply_to: row.reply_to.map(MessageId::new),
            mentions: row
                .mentions
                .as_deref()
                .map_or_else(|| Ok(Vec::new()), mentions)?,
            reactions: row.reactions.as_deref().map_or_else(
                || Ok(Vec::new()),
                |lines| reactions(lines).ok_or_else(|| Fault::broken("a reaction is incomplete")),
            )?,
            files: row.files.as_deref().map_or_else(|| Ok(Vec::new()), files)?,
            created_at: Time::from_micros(row.created),
            updated_at: Time::from_micros(row.updated),
            html: Html::default(),
        })))
    }

    /// The event of a message's creation as it reads now.
    pub(crate) fn creation(&mut self, row: MessageRow) -> Result<Event, Fault> {
        let (id, room, seq, created) = (row.id, row.room, row.seq, row.created);
        let what = self.message(row)?.map_or(
            What::MessageDeleted(MessageId::new(id)),
            What::MessageCreated,
        );
        Ok(Event {
            room: RoomId::new(room),
            seq,
            at: Time::from_micros(created),
            what,
        })
    }
}

/// Those of these messages that were not deleted.
pub(crate) fn messages(rows: Vec<MessageRow>) -> Result<Vec<Arc<Message>>, Fault> {
    let mut authors = Authors::default();
    let messages = rows.into_iter().map(|row| authors.message(row));
    messages.filter_map(Result::transpose).collect()
}

/// How an account is shown; one that is gone has no nickname.
pub(crate) fn sender(id: UserId, nickname: Option<String>, hue: Option<i64>) -> Sender {
    Sender {
        nickname: nickname.unwrap_or_default(),
        hue: model::hue(id, hue.and_then(|hue| u8::try_from(hue).ok())),
    }
}

fn mentions(list: &str) -> Result<Vec<Mention>, Fault> {
    let list: Vec<(UserId, String)> = serde_json::from_str(list).map_err(Fault::broken)?;
    let mentions = list.into_iter().map(|(user, name)| Mention { user, name });
    Ok(mentions.collect())
}

/// What is kept of whom a text addresses; `None`: nobody.
pub(crate) fn kept_mentions(mentions: &[Mention]) -> Result<Option<String>, Fault> {
    if mentions.is_empty() {
        return Ok(None);
    }
    let list: Vec<_> = mentions
        .iter()
        .map(|mention| (mention.user, &mention.name))
        .collect();
    serde_json::to_string(&list)
        .map(Some)
        .map_err(Fault::broken)
}

fn files(list: &str) -> Result<Vec<Arc<File>>, Fault> {
    let list: Vec<File> = serde_json::from_str(list).map_err(Fault::broken)?;
    Ok(list.into_iter().map(Arc::new).collect())
}

/// What is kept with a message of what hangs on it; `None`: nothing.
pub(crate) fn kept_files<'a>(
    files: impl IntoIterator<Item = &'a Arc<File>>,
) -> Result<Option<String>, Fault> {
    let files: Vec<&File> = files.into_iter().map(|file| &**file).collect();
    if files.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(&files)
        .map(Some)
        .map_err(Fault::broken)
}

fn reactions(lines: &str) -> Option<Vec<Reaction>> {
    let mut all = Vec::new();
    for line in lines.split('\n') {
        let mut words = line.splitn(4, ' ');
        let mut number = || words.next()?.parse::<i64>().ok();
        let (first, seq, user) = (number()?, number()?, number()?);
        all.push((first, seq, user, words.next()?));
    }
    all.sort_unstable();
    let mut reactions: Vec<Reaction> = Vec::new();
    for (_, _, user, emoji) in all {
        match reactions.last_mut() {
            Some(last) if last.emoji == emoji => last.users.push(UserId::new(user)),
            _ => reactions.push(Reaction {
                emoji: emoji.to_owned(),
                users: vec![UserId::new(user)],
            }),
        }
    }
    Some(reactions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reactions_are_in_the_order_of_first_use() {
        let found = reactions("9 12 1 b\n3 10 2 a a\n3 11 1 a a\n9 9 7 b").expect("whole");
        let users = |ids: [i64; 2]| ids.map(UserId::new).to_vec();
        let expected = [("a a", users([2, 1])), ("b", users([7, 1]))];
        let expected = expected.map(|(emoji, users)| Reaction {
            emoji: emoji.to_owned(),
            users,
        });
        assert_eq!(found, expected);
        assert_eq!(reactions("1 2 x a"), None);
        assert_eq!(reactions("1 2 3"), None);
    }
}
