//! The log: to standard error, for humans on a terminal, JSON otherwise or by setting.
//!
//! **Never logged**, at any level: passwords and their hashes; tokens, session ids and their hashes;
//! `Authorization`, `Cookie` and `Set-Cookie` headers; query strings (they may carry `?token=`);
//! signed URLs; SECRET_KEY, PARLOUR_METRICS_TOKEN and the passwords inside URLs; texts of messages,
//! names of files, email addresses, and bodies of requests and answers. Ids of users, rooms and
//! messages are fine; so are the kind and code of an error and the source of an internal one.

use crate::config::{Log, LogFormat};
use std::io::{IsTerminal, stderr};
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

/// Chatter that says nothing ("relation already exists, skipping" at each start); a filter that
/// names the same target wins.
const QUIET: &str = "sqlx::postgres::notice=warn";

/// Libraries that log what they carry at their finest level: frames, statements with their values,
/// headers. No setting opens that.
const CARRIERS: [&str; 4] = ["tungstenite", "sqlx", "hyper", "tokio_tungstenite"];

/// Whether an event may be logged at all, whatever the filter says.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let origin = metadata.target().split("::").next().unwrap_or_default();
    !CARRIERS.contains(&origin) || *metadata.level() <= Level::INFO
}

/// Starts the log. Called once.
///
/// # Errors
/// When there is a log already.
pub(crate) fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", log.filter))?;
    let terminal = stderr().is_terminal();
    let registry = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(may_be_logged));
    let human = match log.format {
        LogFormat::Human => true,
        LogFormat::Json => false,
        LogFormat::Auto => terminal,
    };
    if human {
        let layer = fmt::layer().with_writer(stderr).with_ansi(terminal);
        registry.with(layer).try_init()?;
    } else {
        let layer = fmt::layer()
            .with_writer(stderr)
            .json()
            .flatten_event(true)
            .with_span_list(false);
        registry.with(layer).try_init()?;
    }
    Ok(())
}

/// Checks a filter; answers it, or what was expected.
pub(crate) fn check_filter(text: &str) -> Result<String, String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    // The library takes a mistyped level for the name of a target and logs next to nothing.
    let levels_are_levels = text.split(',').all(|part| {
        let level = match part.rsplit_once('=') {
            Some((_, level)) => level,
            None => part,
        };
        let level = level.trim();
        level.ends_with(']') || LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level))
    });
    if levels_are_levels && EnvFilter::try_new(text).is_ok() {
        Ok(text.to_owned())
    } else {
        Err(
            "a level (`off`, `error`, `warn`, `info`, `debug`, `trace`) or a list such as \
             `warn,parlour_web=debug`"
                .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        for good in [
            "info",
            "WARN",
            "warn,parlour_web=debug",
            "parlour_store::append=trace, off",
        ] {
            assert!(check_filter(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "inf",
            "parlour_web",
            "parlour_web=loud",
            "info,",
            "=",
            "a=b=c",
        ] {
            assert!(check_filter(bad).is_err(), "{bad}");
        }
    }
}
