//! A connection while somebody uses it.

use sqlx::{Executor as _, PgConnection, PgPool, Postgres, pool::PoolConnection};
use std::time::Duration;
use tokio::time::timeout;

/// How long a connection may take to come to the end of what was begun there.
const TIDY: Duration = Duration::from_secs(1);

/// A connection of the pool, and whether a transaction is open there.
///
/// The pool takes a connection back only when the server has answered once more, however long that takes.
/// Where the network swallows everything it takes for ever, and the pool's places are lost one by one: so
/// here the answer has its time, and who does not give it is hung up on.
pub(crate) struct Held {
    /// Always there until the drop.
    conn: Option<PoolConnection<Postgres>>,
    in_transaction: bool,
}

impl Held {
    pub(crate) async fn reading(pool: &PgPool) -> Result<Self, sqlx::Error> {
        Ok(Self {
            conn: Some(pool.acquire().await?),
            in_transaction: false,
        })
    }

    pub(crate) async fn writing(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut held = Self::reading(pool).await?;
        // Even when nobody waits for the answer to it.
        held.in_transaction = true;
        held.conn()?.execute("BEGIN").await?;
        Ok(held)
    }

    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.finish("COMMIT").await
    }

    pub(crate) async fn rollback(self) -> Result<(), sqlx::Error> {
        self.finish("ROLLBACK").await
    }

    async fn finish(mut self, word: &'static str) -> Result<(), sqlx::Error> {
        if self.in_transaction {
            self.conn()?.execute(word).await?;
            self.in_transaction = false;
        }
        Ok(())
    }

    pub(crate) fn conn(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        let conn = self.conn.as_deref_mut();
        conn.ok_or_else(|| sqlx::Error::Protocol("this connection was given back".into()))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut conn) = self.conn.take() else {
            return;
        };
        let open = self.in_transaction;
        tokio::spawn(async move {
            let giving_back = async {
                if open {
                    conn.execute("ROLLBACK").await?;
                }
                // What the drop of the connection does, but in a future that can be given up.
                conn.return_to_pool().await;
                Ok::<_, sqlx::Error>(())
            };
            let done = timeout(TIDY, giving_back).await;
            if !matches!(done, Ok(Ok(()))) {
                conn.close_on_drop();
            }
        });
    }
}
