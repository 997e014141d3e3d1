//! Reactions: one row each, kept in the order in which emoji were first used.

use crate::{
    engine::Conn,
    fault::Fault,
    living,
    messages::one,
    sql::{Sql, args, sql},
    store::Done,
};
use parlour_core::{
    MessageId, RoomId, UserId, What,
    event::Reacted,
    model::{Message, Reaction},
    ports::{NewReaction, React},
};
use std::sync::Arc;

const ADD: Sql = sql!(
    "INSERT INTO reactions (message_id, emoji, user_id, room_id, seq, first_seq) \
     VALUES ($1, $2, $3, $4, $5, COALESCE((SELECT MIN(x.first_seq) FROM reactions x \
       WHERE x.message_id = $1 AND x.emoji = $2), $5))"
);

const REMOVE: Sql =
    sql!("DELETE FROM reactions WHERE message_id = $1 AND emoji = $2 AND user_id = $3");

const ERASE: Sql = sql!("DELETE FROM reactions WHERE message_id = $1");

/// Adds or takes back a reaction under the room's lock, which is what keeps parallel calls below
/// `most`.
pub(crate) async fn react(
    conn: &mut Conn,
    room: RoomId,
    id: MessageId,
    reaction: &NewReaction,
    most: i64,
) -> Result<Done<React>, Fault> {
    let Some(mut living) = living::enter(conn, room).await? else {
        return Ok(Done::unchanged(React::Gone));
    };
    let Some(message) = one(conn, id).await? else {
        return Ok(Done::unchanged(React::Gone));
    };
    let NewReaction {
        user, emoji, on, ..
    } = reaction;
    if living.room.owner != *user && !living.room.users.contains(user) {
        return Ok(Done::unchanged(React::NotIn));
    }
    let known = message.reactions.iter().find(|known| known.emoji == *emoji);
    if known.is_some_and(|known| known.users.contains(user)) == *on {
        return Ok(Done::unchanged(React::Done { message, seq: None }));
    }
    let used = i64::try_from(message.reactions.len()).unwrap_or(i64::MAX);
    if *on && known.is_none() && used >= most {
        return Ok(Done::unchanged(React::TooMany));
    }
    let reacted = Arc::new(Reacted {
        message: id,
        emoji: emoji.clone(),
        user: *user,
    });
    let now = Arc::new(applied(&message, &reacted, *on));
    if *on {
        living.note(reaction.at, What::ReactionAdded(reacted));
        let args = args![id, emoji, *user, room, living.room.seq];
        conn.run(&ADD, args).await?;
    } else {
        living.note(reaction.at, What::ReactionRemoved(reacted));
        conn.run(&REMOVE, args![id, emoji, *user]).await?;
    }
    let seq = Some(living.room.seq);
    let (_, events) = living.save(conn).await?;
    Ok(Done::changed(React::Done { message: now, seq }).events(events))
}

/// Removes what people reacted to a message.
pub(crate) async fn erase(conn: &mut Conn, message: MessageId) -> Result<(), Fault> {
    conn.run(&ERASE, args![message]).await?;
    Ok(())
}

/// A message after somebody reacted (`on`) or took it back. Its HTML stays.
pub(crate) fn applied(message: &Message, reacted: &Reacted, on: bool) -> Message {
    let mut now = message.clone();
    let Reacted { emoji, user, .. } = reacted;
    let known = now.reactions.iter_mut().find(|known| known.emoji == *emoji);
    match known {
        Some(known) if on => add(&mut known.users, *user),
        Some(known) => known.users.retain(|other| other != user),
        None if on => now.reactions.push(Reaction {
            emoji: emoji.clone(),
            users: vec![*user],
        }),
        None => {}
    }
    now.reactions.retain(|known| !known.users.is_empty());
    now
}

fn add(users: &mut Vec<UserId>, user: UserId) {
    if !users.contains(&user) {
        users.push(user);
    }
}
