//! The first administrator, made once with a code.

use super::{create_row, taken};
use crate::{
    engine::Conn,
    fault::Fault,
    sql::{Sql, args, sql},
    store::Done,
};
use parlour_core::ports::{FirstAdmin, NewUser};
use std::sync::Arc;

const ADMIN: Sql = sql!("SELECT id FROM users WHERE is_admin = TRUE AND is_active = TRUE LIMIT 1");

/// The newest come first, in so many letters; what is cut off in the middle is nobody's code any more.
const SET_CODE: Sql = sql!(
    "INSERT INTO meta (key, value) VALUES ('setup_code', $1) \
     ON CONFLICT (key) DO UPDATE SET value = CASE WHEN $2 \
       THEN SUBSTR(excluded.value || ' ' || meta.value, 1, 1000) ELSE excluded.value END"
);

/// Who holds this row's lock is the only one who makes a first administrator.
const CODE: Sql = sql!("SELECT value FROM meta WHERE key = 'setup_code'"[lock]);

const SPEND: Sql = sql!("DELETE FROM meta WHERE key = 'setup_code'");

pub(super) async fn has_admin(conn: &mut Conn) -> Result<bool, Fault> {
    Ok(conn.row(&ADMIN, args![]).await?.is_some())
}

pub(super) async fn set_code(
    conn: &mut Conn,
    hash: &str,
    is_further: bool,
) -> Result<Done<()>, Fault> {
    conn.run(&SET_CODE, args![hash, is_further]).await?;
    Ok(Done::changed(()))
}

pub(super) async fn create(
    conn: &mut Conn,
    code_hash: &str,
    new: Arc<NewUser>,
) -> Result<Done<FirstAdmin>, Fault> {
    // After the lock: whoever was faster is seen by what is read next.
    let code = conn.row(&CODE, args![]).await?;
    if has_admin(conn).await? {
        return Ok(Done::unchanged(FirstAdmin::Done));
    }
    let code = code.map(|row| row.text(0)).transpose()?;
    let is_right = |codes: &String| codes.split(' ').any(|code| code == code_hash);
    if code_hash.is_empty() || !code.as_ref().is_some_and(is_right) {
        return Ok(Done::unchanged(FirstAdmin::WrongCode));
    }
    let fields = taken(conn, &new.keys, None).await?;
    if !fields.is_empty() {
        return Ok(Done::unchanged(FirstAdmin::Taken(fields)));
    }
    let user = create_row(conn, &new, true).await?;
    conn.run(&SPEND, args![]).await?;
    Ok(Done::changed(FirstAdmin::Made(user)))
}
