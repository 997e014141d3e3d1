//! The store's own health.

use crate::{
    sql::{Sql, args, sql},
    store::{Done, Scope, SqlStore},
};
use async_trait::async_trait;
use parlour_core::{Error, ports::Upkeep};

const PROBE: Sql = sql!(
    "INSERT INTO meta (key, value) VALUES ('probe', $1) \
     ON CONFLICT (key) DO UPDATE SET value = excluded.value"
);

const DUTY: Sql = sql!("SELECT value FROM meta WHERE key = 'duty'");

const FIRST_MARK: Sql =
    sql!("INSERT INTO meta (key, value) VALUES ('duty', $1) ON CONFLICT (key) DO NOTHING");

const MARK: Sql = sql!("UPDATE meta SET value = $1 WHERE key = 'duty' AND value = $2");

#[async_trait]
impl Upkeep for SqlStore {
    async fn probe(&self) -> Result<(), Error> {
        let value = crate::fresh::name::<4>();
        self.inner
            .write(Scope::NoRoom, move |conn| {
                let args = args![&value];
                Box::pin(async move {
                    conn.run(&PROBE, args).await?;
                    Ok(Done::changed(()))
                })
            })
            .await
    }

    async fn duty(&self) -> Result<Option<String>, Error> {
        self.inner
            .read(|conn| {
                Box::pin(async move {
                    let row = conn.row(&DUTY, vec![]).await?;
                    row.map(|row| row.text(0)).transpose()
                })
            })
            .await
    }

    async fn mark_duty(&self, seen: Option<&str>, mark: &str) -> Result<bool, Error> {
        let (seen, mark) = (seen.map(str::to_owned), mark.to_owned());
        self.inner
            .write(Scope::NoRoom, move |conn| {
                let (statement, args) = match &seen {
                    None => (&FIRST_MARK, args![&mark]),
                    Some(seen) => (&MARK, args![&mark, seen]),
                };
                Box::pin(async move {
                    let changed = conn.run(statement, args).await?;
                    Ok(Done::changed(changed == 1))
                })
            })
            .await
    }

    fn epoch(&self) -> &str {
        &self.inner.epoch
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
