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

const SET_CODE: Sql = sql!(
    "INSERT INTO meta (key, value) VALUES ('setup_code', $1) \
     ON CONFLICT (key) DO UPDATE SET value = excluded.value"
);

/// Who holds this row's lock is the only one who makes a first administrator.
const CODE: Sql = sql!("SELECT value FROM meta WHERE key = 'setup_code'"[lock]);

const SPEND: Sql = sql!("DELETE FROM meta WHERE key = 'setup_code'");

pub(super) async fn has_admin(conn: &mut Conn) -> Result<bool, Fault> {
    Ok(conn.row(&ADMIN, args![]).await?.is_some())
}

pub(super) async fn set_code(conn: &mut Conn, hash: &str) -> Result<Done<()>, Fault> {
    conn.run(&SET_CODE, args![hash]).await?;
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
    if code.as_deref() != Some(code_hash) {
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
