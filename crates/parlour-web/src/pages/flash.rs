//! What one page wants to say on the next one: a cookie that lives until it is shown.

use crate::cookies::{self, Scripts};
use axum::http::{HeaderMap, HeaderValue};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// After this long nobody wants to know any more.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// Cookies have to fit into a request's head.
const MAX_BYTES: usize = 1_000;

/// How the names of these texts begin.
pub(crate) const PREFIX: &str = "flash-";

/// A message for the next page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flash {
    /// The name of its text, which begins with [`PREFIX`].
    pub(crate) text: String,
    /// The email that a new account logs in with.
    #[serde(default)]
    pub(crate) email: String,
}

impl Flash {
    /// Says a text.
    pub(crate) fn saying(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ..Self::default()
        }
    }

    /// What the request's cookie holds, if it is one of ours.
    pub(crate) fn read(headers: &HeaderMap, https: bool) -> Option<Self> {
        let cookie = cookies::FLASH.read(headers, https)?;
        if cookie.len() > 2 * MAX_BYTES {
            return None;
        }
        let json = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let flash: Self = serde_json::from_slice(&json).ok()?;
        flash.text.starts_with(PREFIX).then_some(flash)
    }

    /// The cookie that says it.
    pub(crate) fn cookie(&self, https: bool) -> Option<HeaderValue> {
        let json = serde_json::to_vec(self).ok()?;
        if json.len() > MAX_BYTES {
            return None;
        }
        let value = URL_SAFE_NO_PAD.encode(json);
        cookies::FLASH.set(&value, LIFE, https, Scripts::MayNotRead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::COOKIE;

    #[test]
    fn what_is_said_is_heard() {
        let said = Flash {
            text: "flash-account-made".into(),
            email: "다은@example.org; a=b".into(),
        };
        let cookie = said.cookie(false).expect("a cookie");
        let pair = cookie
            .to_str()
            .expect("text")
            .split(';')
            .next()
            .expect("a pair");
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, pair.parse().expect("a header"));
        assert_eq!(Flash::read(&headers, false), Some(said));
        for bad in ["", "x", "e30", "eyJ0ZXh0IjoiY29kZS14In0"] {
            let cookie = format!("parlour_flash={bad}");
            headers.insert(COOKIE, cookie.parse().expect("a header"));
            assert_eq!(Flash::read(&headers, false), None, "{bad}");
        }
        let long = Flash {
            email: "x".repeat(5_000),
            ..Flash::saying("flash-x")
        };
        assert!(long.cookie(false).is_none());
    }
}
