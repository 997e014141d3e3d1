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
    /// PostgreSQL servers of which one takes writes; mostly just one.
    Postgres(Vec<PgConnectOptions>),
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
            return servers(url).map(Self::Postgres).map_err(|error| {
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

/// The servers of a URL with one host or several: `postgres://user@one:5432,two:5432/chat`. sqlx knows
/// only one, and nothing of `target_session_attrs`.
fn servers(url: &str) -> Result<Vec<PgConnectOptions>, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (who, place) = match rest.rsplit_once('@') {
        Some((who, place)) => (format!("{who}@"), place),
        None => (String::new(), rest),
    };
    let (hosts, database) = match place.find('/') {
        Some(at) => place.split_at(at),
        None => (place, ""),
    };
    let query = without_target(query)?;
    let one = |host: &str| {
        let url = format!("{scheme}://{who}{host}{database}{query}");
        url.parse().map_err(|error: sqlx::Error| error.to_string())
    };
    if hosts.contains(',') && hosts.split(',').any(|host| host.trim().is_empty()) {
        return Err("a host is missing between the commas".to_owned());
    }
    hosts.split(',').map(|host| one(host.trim())).collect()
}

/// The parameters without `target_session_attrs`, with their question mark. The server that takes writes is
/// looked for anyway.
fn without_target(query: &str) -> Result<String, String> {
    let mut kept = Vec::new();
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("target_session_attrs", "read-write" | "primary")) => {}
            Some(("target_session_attrs", other)) => {
                return Err(format!(
                    "target_session_attrs={other}: Parlour needs the server that takes writes (read-write)"
                ));
            }
            _ => kept.push(parameter),
        }
    }
    if kept.is_empty() {
        return Ok(String::new());
    }
    Ok(format!("?{}", kept.join("&")))
}

/// An error whose text is meant for the operator.
pub(crate) fn refuse(sentence: String) -> Error {
    Error::internal(sentence.clone()).saying(sentence)
}

/// What stands for a secret where URLs are shown.
const HIDDEN: &str = "***";

/// The URL with everything hidden that may be a password. When in doubt it hides too much: a
/// password may contain an unescaped `/`, `?` or `@`.
#[must_use]
pub fn redact(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at(start);
    let rest = match rest.rsplit_once('@') {
        // A path on this machine, not a user.
        Some(_) if scheme.starts_with("sqlite:") || scheme.starts_with("file:") => rest.to_owned(),
        Some((who, place)) => match who.split_once(':') {
            Some((user, _)) => format!("{user}:{HIDDEN}@{place}"),
            None => format!("{who}@{place}"),
        },
        None => rest.to_owned(),
    };
    let Some((place, query)) = rest.split_once('?') else {
        return format!("{scheme}{rest}");
    };
    let query: Vec<String> = query.split('&').map(redact_parameter).collect();
    format!("{scheme}{place}?{}", query.join("&"))
}

/// Parameters that are known to be harmless keep their value; any other may be a password.
fn redact_parameter(parameter: &str) -> String {
    const HARMLESS: [&str; 13] = [
        "target_session_attrs",
        "sslmode",
        "ssl-mode",
        "host",
        "port",
        "dbname",
        "user",
        "application_name",
        "mode",
        "cache",
        "immutable",
        "vfs",
        "db",
    ];
    match parameter.split_once('=') {
        Some((name, _)) if !HARMLESS.contains(&name) => format!("{name}={HIDDEN}"),
        _ => parameter.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn passwords_go_and_the_rest_stays() {
        for (url, shown) in [
            (
                "postgres://ada:s3cret@db:5432/chat",
                "postgres://ada:***@db:5432/chat",
            ),
            (
                "postgres://ada@db/chat?sslmode=require",
                "postgres://ada@db/chat?sslmode=require",
            ),
            (
                "postgres:///chat?host=/run/pg&password=s3cret",
                "postgres:///chat?host=/run/pg&password=***",
            ),
            ("redis://:s3cret@cache/1", "redis://:***@cache/1"),
            (
                "rediss+cluster://ada:s3cret@one:7000,two:7001",
                "rediss+cluster://ada:***@one:7000,two:7001",
            ),
            (
                "postgres://ada:s3c/r?e@t@db/chat",
                "postgres://ada:***@db/chat",
            ),
            (
                "sqlite:///srv/a@b:c@d/parlour.db",
                "sqlite:///srv/a@b:c@d/parlour.db",
            ),
            ("ada:s3cret@db", "ada:***@db"),
            ("sqlite://data/parlour.db", "sqlite://data/parlour.db"),
        ] {
            assert_eq!(redact(url), shown);
        }
    }

    proptest! {
        #[test]
        fn no_password_comes_through(password in "[A-Z/?@:#&=%]{1,20}Q") {
            let shown = redact(&format!("postgres://ada:{password}@db/chat"));
            prop_assert_eq!(shown, "postgres://ada:***@db/chat");
        }
    }

    #[test]
    fn several_servers_are_taken_apart() {
        let places = |url: &str| match Target::parse(url) {
            Ok(Target::Postgres(servers)) => servers
                .iter()
                .map(|server| {
                    assert_eq!(server.get_database(), Some("chat"));
                    assert_eq!(server.get_username(), "ada");
                    format!("{}:{}", server.get_host(), server.get_port())
                })
                .collect::<Vec<_>>(),
            other => panic!("{url}: {other:?}"),
        };
        assert_eq!(places("postgres://ada@one/chat"), ["one:5432"]);
        let several = "postgresql://ada:x@one:1,two,[::1]:3/chat?sslmode=disable&target_session_attrs=primary";
        assert_eq!(places(several), ["one:1", "two:5432", "[::1]:3"]);
        for bad in [
            "postgres://ada@one,,two/chat",
            "postgres://ada@one,/chat",
            "postgres://ada@one,two:x/chat",
            "postgres://ada@one,two/chat?target_session_attrs=standby",
        ] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
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
