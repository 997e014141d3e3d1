//! Several PostgreSQL servers of which one takes writes: which one, and what to do when it changes.

use super::{connect, unreachable_server};
use crate::url::refuse;
use parlour_core::Error;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{sync::Notify, time::timeout};

/// How long one server may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is not true of a server that takes no writes.
const READ_ONLY: &str =
    "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean";

/// Which turn of the history a server writes: it grows with each promotion. A primary that comes back after
/// another one took its place has the smaller number.
const TIMELINE: &str =
    "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::bigint";

/// The servers of a URL.
pub(crate) struct Hosts {
    all: Vec<PgConnectOptions>,
    doubt: Notify,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    /// The chosen one, by its place in the list.
    chosen: usize,
    /// Connections made before are to another server.
    since: Option<Instant>,
}

/// What a server says of itself.
struct Answer {
    place: usize,
    timeline: i64,
}

impl Hosts {
    pub(crate) fn new(all: Vec<PgConnectOptions>) -> Self {
        Self {
            all,
            doubt: Notify::new(),
            now: Mutex::default(),
        }
    }

    pub(crate) fn are_several(&self) -> bool {
        self.all.len() > 1
    }

    /// Something went wrong with the chosen one: it may not be the one that takes writes any more.
    pub(crate) fn doubt(&self) {
        if self.are_several() {
            self.doubt.notify_one();
        }
    }

    /// Waits for a doubt. Cancel safe.
    pub(crate) async fn doubted(&self) {
        self.doubt.notified().await;
    }

    /// Asks all servers at once and answers the one that takes writes; whether it is another one than before
    /// says [`switch`](Self::switch). A single server is not asked.
    ///
    /// # Errors
    /// When none does, with what each of them said.
    pub(crate) async fn choose(&self) -> Result<(usize, PgConnectOptions), Error> {
        if !self.are_several() {
            let only = self.all.first().cloned();
            let only = only.ok_or_else(|| refuse("The URL names no server.".to_owned()))?;
            return Ok((0, only));
        }
        let asked = self
            .all
            .iter()
            .enumerate()
            .map(|(place, address)| async move {
                let answer = timeout(PATIENCE, ask(place, address)).await;
                answer.unwrap_or_else(|late| Err(unreachable_server(address, late)))
            });
        let before = self.now().chosen;
        let (mut best, mut refusals) = (None::<Answer>, Vec::new());
        for answer in futures_util::future::join_all(asked).await {
            match answer {
                Ok(answer)
                    if best.as_ref().is_none_or(|best| {
                        (best.timeline, best.place == before)
                            < (answer.timeline, answer.place == before)
                    }) =>
                {
                    best = Some(answer);
                }
                Ok(_) => {}
                Err(error) => refusals.push(error.text().to_owned()),
            }
        }
        let Some(best) = best else {
            let said = refusals.join(" ");
            return Err(Error::unavailable(said.clone())
                .saying(format!("No server of the URL takes writes. {said}")));
        };
        let address = self.all.get(best.place).cloned();
        let address = address.ok_or_else(|| refuse("The URL names no server.".to_owned()))?;
        Ok((best.place, address))
    }

    /// From now on this server is used; answers whether it is another one than before.
    pub(crate) fn switch(&self, place: usize) -> bool {
        let mut now = self.now();
        let is_other = now.chosen != place;
        if is_other {
            now.chosen = place;
            now.since = Some(Instant::now());
        }
        is_other
    }

    /// Whether a connection of this age is to the server that is used now.
    pub(crate) fn is_current(&self, age: Duration) -> bool {
        self.now().since.is_none_or(|since| age <= since.elapsed())
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        // Nothing panics while it holds the lock.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(place: usize, address: &PgConnectOptions) -> Result<Answer, Error> {
    let mut conn = connect(address).await?;
    let read_only = is_read_only(&mut conn).await;
    let read_only = read_only.map_err(|error| unreachable_server(address, error))?;
    if read_only {
        return Err(refuse(format!(
            "{}:{} is a standby.",
            address.get_host(),
            address.get_port()
        )));
    }
    // What only speaks PostgreSQL's protocol may have no such thing.
    let timeline = sqlx::query_scalar(TIMELINE).fetch_one(&mut conn).await;
    // Only read; how the connection ends does not matter.
    let _ = conn.close().await;
    Ok(Answer {
        place,
        timeline: timeline.unwrap_or(0),
    })
}

/// Whether the server of this connection takes no writes.
pub(super) async fn is_read_only(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(READ_ONLY).fetch_one(conn).await
}
