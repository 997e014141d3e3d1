//! The Redis that joins processes: one for all stories, because each database has its own corner.

const URL: &str = "PARLOUR_TEST_REDIS";
const WITHOUT: &str = "PARLOUR_TEST_WITHOUT";

/// Whether somebody decided to test without Redis: then a server is one process.
pub(crate) fn is_left_out() -> bool {
    std::env::var(URL).is_err()
        && std::env::var(WITHOUT).is_ok_and(|words| words.split(',').any(|w| w.trim() == "redis"))
}

/// Its address.
pub(crate) fn url() -> String {
    std::env::var(URL).unwrap_or_else(|_| {
        panic!(
            "{URL} is not set. Give it the URL of a Redis server, or set {WITHOUT}=redis to test \
             PostgreSQL with one process only."
        )
    })
}
