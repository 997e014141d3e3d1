//! A database per server, made and dropped with `psql`: only the store speaks SQL to it.

use std::{
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

const URL: &str = "PARLOUR_TEST_POSTGRES";
const WITHOUT: &str = "PARLOUR_TEST_WITHOUT";

/// Whether somebody decided to test without PostgreSQL.
pub(crate) fn is_left_out() -> bool {
    std::env::var(URL).is_err()
        && std::env::var(WITHOUT)
            .is_ok_and(|words| words.split(',').any(|w| w.trim() == "postgres"))
}

/// A database that is dropped with this value.
#[derive(Debug)]
pub(crate) struct Database {
    name: String,
}

impl Database {
    pub(crate) fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "parlour_story_{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        // template0, because making copies of template1 excludes everybody else who does so.
        run(&format!(
            "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"
        ))
        .unwrap_or_else(|text| panic!("no database for the story: {text}"));
        Self { name }
    }

    pub(crate) fn url(&self) -> String {
        url_of(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A database that stays behind is no reason to fail a story.
        let _ = run(&format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            self.name
        ));
    }
}

fn superuser() -> String {
    std::env::var(URL).unwrap_or_else(|_| {
        panic!(
            "{URL} is not set. Give it the URL of a PostgreSQL superuser, such as \
             postgres://parlour@127.0.0.1:54329, or set {WITHOUT}=postgres to test without PostgreSQL."
        )
    })
}

fn url_of(database: &str) -> String {
    let url = superuser();
    let (server, query) = url.split_once('?').unwrap_or((&url, ""));
    let scheme_end = server.find("://").map_or(0, |at| at + 3);
    let server = match server[scheme_end..].find('/') {
        Some(at) => &server[..scheme_end + at],
        None => server,
    };
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{server}/{database}{mark}{query}")
}

fn run(statement: &str) -> Result<(), String> {
    let output = Command::new("psql")
        .args([
            "--no-psqlrc",
            "--quiet",
            "--dbname",
            &url_of("postgres"),
            "--command",
            statement,
        ])
        .output()
        .map_err(|error| format!("psql does not start: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
