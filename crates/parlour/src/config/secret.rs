//! Values that must not be seen: no `Debug`, log line or listing shows them.

use std::fmt;

/// What stands where a secret would.
pub(crate) const HIDDEN: &str = "***";

/// A secret. There is no `Display`; whoever needs the value says so with [`Secret::expose`].
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// A URL that may carry a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretUrl(String);

impl SecretUrl {
    /// Wraps a URL.
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The URL itself, password and all.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.0))
    }
}

/// The URL with everything hidden that may be a password. When in doubt it hides too much: a
/// password may contain an unescaped `/`, `?` or `@`.
#[must_use]
pub(crate) fn redact(url: &str) -> String {
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
    const HARMLESS: [&str; 12] = [
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
        assert_eq!(format!("{:?}", Secret::new("s3cret")), "***");
        assert_eq!(
            format!("{:?}", SecretUrl::new("postgres://ada:s3cret@db/chat")),
            "postgres://ada:***@db/chat"
        );
    }

    proptest! {
        #[test]
        fn no_password_comes_through(password in "[A-Z/?@:#&=%]{1,20}Q") {
            let shown = redact(&format!("postgres://ada:{password}@db/chat"));
            prop_assert_eq!(shown, "postgres://ada:***@db/chat");
        }
    }
}
