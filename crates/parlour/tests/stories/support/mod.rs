//! What stories are told with: a server, people, requests, sockets, bare bytes.

pub(crate) mod browser;
pub(crate) mod clamd;
pub(crate) mod cluster;
pub(crate) mod http;
pub(crate) mod join;
pub(crate) mod media;
pub(crate) mod metrics;
pub(crate) mod people;
pub(crate) mod postgres;
pub(crate) mod proxy;
pub(crate) mod raw;

pub(crate) mod s3;
pub(crate) mod server;
pub(crate) mod sio;
pub(crate) mod socket;

pub(crate) use browser::Browser;
pub(crate) use http::{Answer, Call, Client};
pub(crate) use people::{MESSAGES, PASSWORD, ROOMS, USERS, User};
pub(crate) use raw::Raw;
pub(crate) use serde_json::{Value, json};
pub(crate) use server::{Engine, Server};
pub(crate) use socket::Socket;
use std::{future::Future, time::Duration};

/// What a story begins with: a running server (on PostgreSQL two processes that share it), or the choice of the database for stories that start
/// servers themselves.
pub(crate) trait Begin: Sized {
    fn begin(engine: Engine) -> impl Future<Output = Self>;
}

impl Begin for Server {
    async fn begin(engine: Engine) -> Self {
        engine.setup().start_all().await
    }
}

impl Begin for Engine {
    async fn begin(engine: Engine) -> Self {
        engine
    }
}

/// Tells one story on one database.
pub(crate) async fn tell<K: Begin, F: Future<Output = ()>>(
    engine: Engine,
    story: impl FnOnce(K) -> F,
) {
    if engine == Engine::Postgres && postgres::is_left_out() {
        return;
    }
    story(K::begin(engine).await).await;
}

/// Tells each of these stories on SQLite and on PostgreSQL. A story that is not listed is dead code,
/// which the lints refuse.
///
/// `sqlite only:` is for what happens before any database is asked, and takes long.
macro_rules! stories {
    ($($name:ident),* $(,)?) => {
        stories![sqlite only: $($name),*];

        mod postgres {
            $(
                #[tokio::test]
                async fn $name() {
                    crate::support::tell(crate::support::Engine::Postgres, super::$name).await;
                }
            )*
        }
    };
    (sqlite only: $($name:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    crate::support::tell(crate::support::Engine::Sqlite, super::$name).await;
                }
            )*
        }
    };
}
pub(crate) use stories;

/// Waits until something holds that the server brings about in its own time.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let limit = Duration::from_secs(10);
    let start = std::time::Instant::now();
    while !holds().await {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
