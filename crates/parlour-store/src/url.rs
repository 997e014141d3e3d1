//! Which database a URL means.

use parlour_core::Error;
use sqlx::postgres::PgConnectOptions;
use std::path::PathBuf;

/// The database that a URL names.
#[derive(Debug)]
pub(crate) enum Target {
    /// A SQLite file.
    File(PathBuf),
    /// A SQLite file that lives as long as the store.
    Scratch,
    /// A PostgreSQL server.
    Postgres(Box<PgConnectOptions>),
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        if let Some(rest) = url.strip_prefix("sqlite:") {
            if rest == ":memory:" || rest == "//:memory:" {
                return Ok(Self::Scratch);
            }
            let path = rest.strip_prefix("//").unwrap_or(rest);
            if path.is_empty() || path.contains('?') {
                return Err(refuse(format!(
                    "{url:?} names no SQLite file: write sqlite://<path>, without parameters."
                )));
            }
            return Ok(Self::File(PathBuf::from(path)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return url
                .parse()
                .map(|options| Self::Postgres(Box::new(options)))
                .map_err(|error: sqlx::Error| {
                    refuse(format!(
                        "{} is not a PostgreSQL address: {error}.",
                        redact(url)
                    ))
                });
        }
        Err(refuse(format!(
            "{} is neither sqlite://<path> nor postgres://<user>@<host>/<database>.",
            redact(url)
        )))
    }
}

/// An error whose text is meant for the operator.
pub(crate) fn refuse(sentence: String) -> Error {
    Error::internal(sentence.clone()).saying(sentence)
}

/// The URL without its password, for logs and messages.
#[must_use]
pub fn redact(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (place, parameters) = rest
        .split_once('?')
        .map_or((rest, None), |(place, parameters)| {
            (place, Some(parameters))
        });
    let place = match place.rsplit_once('@') {
        Some((user, host)) if scheme != "sqlite" => {
            let name = user.split_once(':').map_or(user, |(name, _)| name);
            let mask = if user.contains(':') { ":***" } else { "" };
            format!("{name}{mask}@{host}")
        }
        _ => place.to_owned(),
    };
    let parameters = parameters.map_or_else(String::new, |parameters| {
        let shown: Vec<_> = parameters
            .split('&')
            .map(|parameter| match parameter.split_once('=') {
                Some((key, _)) if key.contains("password") => format!("{key}=***"),
                _ => parameter.to_owned(),
            })
            .collect();
        format!("?{}", shown.join("&"))
    });
    format!("{scheme}://{place}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_never_shown() {
        assert_eq!(
            redact("postgres://ann:s3cret@db:5432/chat?sslmode=require&password=x"),
            "postgres://ann:***@db:5432/chat?sslmode=require&password=***"
        );
        assert_eq!(redact("postgres://ann@db/chat"), "postgres://ann@db/chat");
        assert_eq!(
            redact("postgres://a:p@ss@db/chat"),
            "postgres://a:***@db/chat"
        );
        assert_eq!(redact("sqlite://data/x@y.db"), "sqlite://data/x@y.db");
    }

    #[test]
    fn urls_name_an_engine() {
        assert!(
            matches!(Target::parse("sqlite://a/b.db"), Ok(Target::File(p)) if p.as_os_str() == "a/b.db")
        );
        assert!(
            matches!(Target::parse("sqlite:///a/b.db"), Ok(Target::File(p)) if p.as_os_str() == "/a/b.db")
        );
        assert!(matches!(
            Target::parse("sqlite::memory:"),
            Ok(Target::Scratch)
        ));
        assert!(matches!(
            Target::parse("postgres://a@b/c"),
            Ok(Target::Postgres(_))
        ));
        for bad in [
            "",
            "mysql://x",
            "sqlite://",
            "sqlite://a.db?mode=ro",
            "data.db",
        ] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
    }
}
