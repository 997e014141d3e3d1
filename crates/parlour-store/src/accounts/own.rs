//! How accounts are shown, and what they chose for their pages.

use crate::{
    engine::Conn,
    fault::Fault,
    rows,
    sql::{Sql, args, sql},
    store::Done,
};
use parlour_core::{
    UserId,
    model::{Preferences, Sender},
};

const SENDERS: Sql = sql!(
    "SELECT " [array "u.id, u.nickname, u.avatar_hue"] " FROM users u WHERE u.id" [any 1]
);

const CHOSEN: Sql = sql!("SELECT preferences FROM users WHERE id = $1");

const CHOOSE: Sql = sql!("UPDATE users SET preferences = $2 WHERE id = $1");

pub(super) async fn senders(
    conn: &mut Conn,
    ids: Vec<i64>,
) -> Result<Vec<(UserId, Sender)>, Fault> {
    let Some(row) = conn.row(&SENDERS, args![ids]).await? else {
        return Ok(Vec::new());
    };
    let found = row.array::<(UserId, String, Option<i64>)>(0)?;
    Ok(found
        .into_iter()
        .map(|(id, nickname, hue)| (id, rows::sender(id, Some(nickname), hue)))
        .collect())
}

pub(super) async fn preferences(conn: &mut Conn, id: UserId) -> Result<Option<Preferences>, Fault> {
    let Some(row) = conn.row(&CHOSEN, args![id]).await? else {
        return Ok(None);
    };
    match row.opt_text(0)? {
        Some(text) => serde_json::from_str(&text).map(Some).map_err(Fault::broken),
        None => Ok(Some(Preferences::default())),
    }
}

pub(super) async fn set_preferences(
    conn: &mut Conn,
    id: UserId,
    text: &str,
) -> Result<Done<bool>, Fault> {
    let changed = conn.run(&CHOOSE, args![id, text]).await?;
    Ok(Done::changed(changed > 0))
}
