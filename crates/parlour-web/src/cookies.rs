//! Cookies: reading them, writing them, their names.

use axum::http::{HeaderMap, HeaderValue, header::COOKIE};
use std::time::Duration;

/// A cookie of ours. Over https its name begins with `__Host-`, so that no neighbour can plant one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    plain: &'static str,
    https: &'static str,
}

/// The browser session.
pub(crate) const SESSION: Name = Name {
    plain: "sessionid",
    https: "__Host-sessionid",
};
/// What forms and scripts prove their origin with.
pub(crate) const CSRF: Name = Name {
    plain: "csrftoken",
    https: "__Host-csrftoken",
};
/// What the last page wants to say on the next one.
pub(crate) const FLASH: Name = same("parlour_flash");
/// The language a visitor chose.
pub(crate) const LANGUAGE: Name = same("parlour_lang");
/// The theme a visitor chose.
pub(crate) const THEME: Name = same("parlour_theme");

const fn same(name: &'static str) -> Name {
    Name {
        plain: name,
        https: name,
    }
}

impl Name {
    const fn on(self, https: bool) -> &'static str {
        if https { self.https } else { self.plain }
    }

    /// The cookie's value, if the request has it. Of several the first counts: browsers send the
    /// most specific one first.
    pub(crate) fn read(self, headers: &HeaderMap, https: bool) -> Option<&str> {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(name, _)| *name == self.on(https))
            .map(|(_, value)| value)
    }

    /// The header that sets it for as long as said; nothing of ours needs quoting.
    pub(crate) fn set(
        self,
        value: &str,
        life: Duration,
        https: bool,
        scripts: Scripts,
    ) -> Option<HeaderValue> {
        let name = self.on(https);
        let seconds = life.as_secs();
        let hidden = if scripts == Scripts::MayRead {
            ""
        } else {
            "; HttpOnly"
        };
        let secure = if https { "; Secure" } else { "" };
        let text =
            format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax{hidden}{secure}");
        HeaderValue::from_str(&text).ok()
    }

    /// The header that removes it.
    pub(crate) fn remove(self, https: bool) -> Option<HeaderValue> {
        self.set("", Duration::ZERO, https, Scripts::MayNotRead)
    }
}

/// Whether scripts of the page see a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scripts {
    /// They do.
    MayRead,
    /// They do not (`HttpOnly`).
    MayNotRead,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, cookies.parse().expect("a header"));
        headers
    }

    #[test]
    fn only_the_cookie_of_the_scheme_counts() {
        let both = headers("a=b; sessionid=plain;__Host-sessionid=safe; x");
        assert_eq!(SESSION.read(&both, false), Some("plain"));
        assert_eq!(SESSION.read(&both, true), Some("safe"));
        assert_eq!(SESSION.read(&headers("xsessionid=1"), false), None);
        assert_eq!(
            SESSION.read(&headers("sessionid=1; sessionid=2"), false),
            Some("1")
        );
    }

    #[test]
    fn attributes() {
        let week = Duration::from_secs(7 * 24 * 3600);
        let set = SESSION.set("x", week, true, Scripts::MayNotRead);
        assert_eq!(
            set.expect("a header"),
            "__Host-sessionid=x; Path=/; Max-Age=604800; SameSite=Lax; HttpOnly; Secure"
        );
        let removed = FLASH.remove(false).expect("a header");
        assert_eq!(
            removed,
            "parlour_flash=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly"
        );
        assert!(FLASH.set("a\nb", week, false, Scripts::MayRead).is_none());
    }
}
