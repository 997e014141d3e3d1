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

    fn epoch(&self) -> &str {
        &self.inner.epoch
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
