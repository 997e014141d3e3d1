//! Credentials, and the log of those that ended.

/// The columns that [`token`] reads.
macro_rules! token_columns {
    () => {
        "SELECT t.id, t.user_id, t.kind, t.created_at, t.expires_at, t.label, u.is_active, \
         u.is_admin"
    };
}

pub(crate) mod lookup;

use crate::{
    engine::Conn,
    fault::Fault,
    rows,
    sql::{Row, Sql, args, sql},
    store::{Done, Scope, SqlStore},
};
use async_trait::async_trait;
use parlour_core::{
    Error, Signal, Time, TokenId, UserId,
    model::Token,
    ports::{EndWhich, NewToken, Revocation, Sessions},
};
use std::{sync::Arc, time::Duration};

/// How long the log of ended credentials is kept.
const LOG: Duration = Duration::from_secs(3_600);

/// The share lock waits for a deactivation under way and then sees it.
const CREATE: Sql = Sql {
    sqlite: "INSERT INTO tokens (user_id, hash, kind, label, created_at, expires_at) \
        SELECT id, $2, $3, $4, $5, $6 FROM users WHERE id = $1 AND is_active = TRUE RETURNING id",
    postgres: "INSERT INTO tokens (user_id, hash, kind, label, created_at, expires_at) \
        SELECT id, $2, $3, $4, $5, $6 FROM users WHERE id = $1 AND is_active = TRUE FOR SHARE \
        RETURNING id",
};

const OF_USER: Sql = sql!(
    [text token_columns!()] " FROM tokens t JOIN users u ON u.id = t.user_id \
     WHERE t.user_id = $1 ORDER BY t.id DESC"
);

const END_ONE: Sql = sql!("DELETE FROM tokens WHERE user_id = $1 AND id = $2 RETURNING id");
const END_OTHERS: Sql = sql!("DELETE FROM tokens WHERE user_id = $1 AND id <> $2 RETURNING id");
const END_ALL: Sql = sql!("DELETE FROM tokens WHERE user_id = $1 RETURNING id");

const LOG_ENTRY: Sql = sql!("INSERT INTO revocations (user_id, ended, at) VALUES ($1, $2, $3)");

const SWEEP_TOKENS: Sql =
    sql!("DELETE FROM tokens WHERE expires_at IS NOT NULL AND expires_at <= $1");
const SWEEP_LOG: Sql = sql!("DELETE FROM revocations WHERE at < $1");

const LOG_READ: Sql =
    sql!("SELECT id, user_id, ended FROM revocations WHERE id > $1 ORDER BY id LIMIT 1000");

#[async_trait]
impl Sessions for SqlStore {
    async fn create_token(&self, new: NewToken) -> Result<Option<TokenId>, Error> {
        let new = Arc::new(new);
        self.inner
            .write(Scope::NoRoom, move |conn| {
                Box::pin(create(conn, Arc::clone(&new)))
            })
            .await
    }

    async fn token(&self, hash: &str) -> Result<Option<Token>, Error> {
        self.inner.check_open()?;
        self.lookup.token(hash).await
    }

    async fn tokens_of(&self, user: UserId) -> Result<Vec<Token>, Error> {
        self.inner
            .read(|conn| {
                Box::pin(async move {
                    let rows = conn.rows(&OF_USER, args![user]).await?;
                    rows.iter().map(token).collect()
                })
            })
            .await
    }

    async fn end_tokens(
        &self,
        user: UserId,
        which: EndWhich,
        at: Time,
    ) -> Result<Vec<TokenId>, Error> {
        self.inner
            .write(Scope::NoRoom, move |conn| {
                Box::pin(async move {
                    let ended = end(conn, user, which).await?;
                    if ended.is_empty() {
                        return Ok(Done::unchanged(ended));
                    }
                    let signals = vec![log_ended(conn, user, &ended, at).await?];
                    Ok(Done::changed(ended).signals(signals))
                })
            })
            .await
    }

    async fn sweep_tokens(&self, now: Time) -> Result<u64, Error> {
        self.inner
            .write(Scope::NoRoom, move |conn| {
                Box::pin(async move {
                    let count = conn.run(&SWEEP_TOKENS, args![now]).await?;
                    let old = conn.run(&SWEEP_LOG, args![now.minus(LOG)]).await?;
                    Ok(if count + old == 0 {
                        Done::unchanged(0)
                    } else {
                        Done::changed(count)
                    })
                })
            })
            .await
    }

    async fn revocations(&self, after: i64) -> Result<Vec<Revocation>, Error> {
        self.inner
            .read(|conn| {
                Box::pin(async move {
                    let rows = conn.rows(&LOG_READ, args![after]).await?;
                    rows.iter().map(revocation).collect()
                })
            })
            .await
    }
}

async fn create(conn: &mut Conn, new: Arc<NewToken>) -> Result<Done<Option<TokenId>>, Fault> {
    let args = args![
        new.user,
        &new.hash,
        new.kind.as_str(),
        &new.label,
        new.at,
        new.expires_at,
    ];
    Ok(match conn.row(&CREATE, args).await? {
        Some(row) => Done::changed(Some(TokenId::new(row.int(0)?))),
        None => Done::unchanged(None),
    })
}

fn token(row: &Row) -> Result<Token, Fault> {
    Ok(Token {
        id: TokenId::new(row.int(0)?),
        user: row.user(1)?,
        kind: rows::word(&row.text(2)?)?,
        created_at: row.time(3)?,
        expires_at: row.opt_time(4)?,
        label: row.text(5)?,
        user_is_active: row.bool(6)?,
        user_is_admin: row.bool(7)?,
    })
}

fn revocation(row: &Row) -> Result<Revocation, Fault> {
    let user = row.user(1)?;
    let signal = match row.opt_text(2)? {
        None => Signal::UserChanged(user),
        Some(list) => {
            let ids: Vec<i64> = serde_json::from_str(&list).map_err(Fault::broken)?;
            let ended = ids.into_iter().map(TokenId::new).collect();
            Signal::CredentialsEnded { user, ended }
        }
    };
    Ok(Revocation {
        id: row.int(0)?,
        signal,
    })
}

/// Ends credentials inside a transaction; their ids in ascending order.
pub(crate) async fn end(
    conn: &mut Conn,
    user: UserId,
    which: EndWhich,
) -> Result<Vec<TokenId>, Fault> {
    let (sql, args) = match which {
        EndWhich::One(id) => (&END_ONE, args![user, id]),
        EndWhich::AllBut(id) => (&END_OTHERS, args![user, id]),
        EndWhich::All => (&END_ALL, args![user]),
    };
    let rows = conn.rows(sql, args).await?;
    let mut ended = rows
        .iter()
        .map(|row| row.int(0).map(TokenId::new))
        .collect::<Result<Vec<_>, _>>()?;
    ended.sort_unstable();
    Ok(ended)
}

/// Writes to the log that credentials ended, and makes the signal that says so.
pub(crate) async fn log_ended(
    conn: &mut Conn,
    user: UserId,
    ended: &[TokenId],
    at: Time,
) -> Result<Signal, Fault> {
    let ids: Vec<i64> = ended.iter().map(|id| id.get()).collect();
    let list = serde_json::to_string(&ids).map_err(Fault::broken)?;
    conn.run(&LOG_ENTRY, args![user, Some(list), at]).await?;
    Ok(Signal::CredentialsEnded {
        user,
        ended: ended.to_vec(),
    })
}

/// Writes to the log that a user changed, and makes the signal that says so.
pub(crate) async fn log_changed(conn: &mut Conn, user: UserId, at: Time) -> Result<Signal, Fault> {
    conn.run(&LOG_ENTRY, args![user, None::<String>, at])
        .await?;
    Ok(Signal::UserChanged(user))
}
