//! The conformance suite: what `parlour_core::ports` promises, checked on every engine.
//!
//! Each function takes a fresh [`bench::Bench`] and runs on SQLite (a temporary folder) and on
//! PostgreSQL (`PARLOUR_TEST_POSTGRES`, the URL of a superuser; each test makes a database of its own).
//! Without that variable the PostgreSQL half fails, unless `PARLOUR_TEST_WITHOUT` names `postgres`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

/// Makes a test of each function, for each engine.
macro_rules! on_each_engine {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let bench = crate::bench::Bench::sqlite().await;
                super::$name(&bench).await;
                bench.end().await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $name() {
                let Some(bench) = crate::bench::Bench::postgres().await else { return };
                super::$name(&bench).await;
                bench.end().await;
            })*
        }
    };
}

/// Makes a test of each function, for each storage of files. S3 is the server at `PARLOUR_TEST_S3`;
/// without that variable its half fails, unless `PARLOUR_TEST_WITHOUT` names `s3`.
macro_rules! on_each_storage {
    ($($name:ident),* $(,)?) => {
        mod disk {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(&crate::blobs_bench::Shelf::disk().await).await;
            })*
        }
        mod s3 {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(shelf) = crate::blobs_bench::Shelf::s3().await else { return };
                super::$name(&shelf).await;
            })*
        }
    };
}

mod accounts;
mod admins;
mod appending;
mod bench;
mod blobs;
mod blobs_away;
mod blobs_bench;
mod copying;
mod duties;
mod expected;
mod farewell;
mod files;
mod history;
mod lists;
mod looks;
mod members;
mod messages;
mod model;
mod nonces;
mod opening;
mod order;
mod outage;
mod reactions;
mod reading;
mod replica;
mod rooms;
mod sessions;
mod tombstones;
mod uploads;
