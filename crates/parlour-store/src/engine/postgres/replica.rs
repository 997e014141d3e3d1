//! A standby that history is read from when it has it. It is never waited for: behind, slow or away, the
//! primary answers.

use super::{ACQUIRE, base, held::Held};
use crate::{
    engine::Conn,
    fault::Fault,
    url::{Target, refuse},
};
use metrics::counter;
use parlour_core::Error;
use sqlx::{PgPool, postgres::PgPoolOptions};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// How long a read may take before the primary is asked: what is left of two seconds has to do for it.
const SOON: Duration = Duration::from_millis(400);
/// How long the replica is left alone after it failed.
const REST: Duration = Duration::from_secs(5);

pub(crate) struct Replica {
    pool: PgPool,
    rests_until: Mutex<Option<Instant>>,
}

impl Replica {
    /// Connects to nothing yet.
    pub(crate) fn new(url: &str, connections: u32) -> Result<Self, Error> {
        let Target::Postgres(servers) = Target::parse(url)? else {
            return Err(refuse(
                "The replica's URL names no PostgreSQL server.".to_owned(),
            ));
        };
        let [server] = &servers[..] else {
            return Err(refuse(
                "The replica's URL names several servers: name one.".to_owned(),
            ));
        };
        let timeout = SOON.as_millis().to_string();
        let address = base(server).options([("statement_timeout", timeout.as_str())]);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .min_connections(0)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .connect_lazy_with(address);
        Ok(Self {
            pool,
            rests_until: Mutex::new(None),
        })
    }

    /// A connection for reading.
    pub(crate) async fn conn(&self) -> Result<Conn, Fault> {
        Ok(Conn::Postgres(Held::reading(&self.pool).await?))
    }

    /// What this reading of the replica finds, if it finds something useful soon; `is_whole` judges that.
    pub(crate) async fn read<T>(
        &self,
        reading: impl Future<Output = Result<Option<T>, Fault>> + Send,
        is_whole: impl FnOnce(&T) -> bool + Send,
    ) -> Option<T> {
        if self.rests() {
            return None;
        }
        let read = timeout(SOON, reading).await;
        let (outcome, found) = match read {
            Ok(Ok(Some(found))) if is_whole(&found) => ("used", Some(found)),
            Ok(Ok(_)) => ("behind", None),
            Ok(Err(fault)) => {
                tracing::debug!(?fault, "the replica does not answer");
                self.rest();
                ("away", None)
            }
            Err(_) => {
                self.rest();
                ("away", None)
            }
        };
        counter!("parlour_replica_reads_total", "outcome" => outcome).increment(1);
        found
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    fn rests(&self) -> bool {
        let until = self.rests_until.lock();
        let until = until.unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn rest(&self) {
        let until = self.rests_until.lock();
        *until.unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + REST);
    }
}
