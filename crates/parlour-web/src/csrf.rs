//! Proof that a request comes from a page of ours: a signed value in a cookie that the request
//! repeats in a field or header, and where the browser says that it comes from.
//!
//! The cookie's value is `nonce || HMAC-SHA256(SECRET_KEY, nonce, session)`: nobody can make one, and
//! the one of another session (or of before the log-in) is not valid. Pages carry it masked anew each
//! time, so that compressed answers do not betray it; both forms are accepted.

use crate::WebConfig;
use axum::http::{
    HeaderMap, Uri,
    header::{HOST, HeaderName, ORIGIN, REFERER},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use parlour_core::TokenId;
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq as _;

/// The header by which scripts repeat the cookie.
pub(crate) static HEADER: HeaderName = HeaderName::from_static("x-csrftoken");
static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const NONCE: usize = 16;
const SIZE: usize = NONCE + 32;

/// The server's key for signing what it gives to browsers. Not shown by `Debug`.
#[derive(Clone, Default)]
pub struct SecretKey(Vec<u8>);

impl SecretKey {
    /// The key of `SECRET_KEY`.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self(key.as_bytes().to_vec())
    }

    /// A signature in the making; `what` keeps those for different uses apart.
    pub(crate) fn mac(&self, what: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(what);
        Some(mac)
    }

    fn sign(&self, nonce: &[u8], session: Option<TokenId>) -> Option<Hmac<Sha256>> {
        let mut mac = self.mac(b"parlour csrf 1\0")?;
        mac.update(nonce);
        mac.update(&session.map_or(0, TokenId::get).to_le_bytes());
        Some(mac)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(***)")
    }
}

/// A valid value of the cookie.
#[derive(Clone, Copy)]
pub(crate) struct Token([u8; SIZE]);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Token {
    /// A new one for a session, or for somebody without.
    pub(crate) fn issue(key: &SecretKey, nonce: [u8; NONCE], session: Option<TokenId>) -> Self {
        let mut bytes = [0; SIZE];
        bytes[..NONCE].copy_from_slice(&nonce);
        if let Some(mac) = key.sign(&nonce, session) {
            bytes[NONCE..].copy_from_slice(&mac.finalize().into_bytes());
        }
        Self(bytes)
    }

    /// The cookie's value, if it is one of ours for this session.
    pub(crate) fn read(key: &SecretKey, cookie: &str, session: Option<TokenId>) -> Option<Self> {
        let bytes = decode::<SIZE>(cookie)?;
        let mac = key.sign(&bytes[..NONCE], session)?;
        mac.verify_slice(&bytes[NONCE..]).ok()?;
        Some(Self(bytes))
    }

    /// As the cookie holds it.
    pub(crate) fn cookie(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// As pages hold it: different each time.
    pub(crate) fn masked(&self, mask: [u8; SIZE]) -> String {
        let mut bytes = [0; 2 * SIZE];
        bytes[..SIZE].copy_from_slice(&mask);
        for (place, (mask, byte)) in bytes[SIZE..].iter_mut().zip(mask.iter().zip(self.0)) {
            *place = mask ^ byte;
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether a request repeated it, masked or plain.
    pub(crate) fn is(&self, given: &str) -> bool {
        let plain = decode::<SIZE>(given).or_else(|| {
            let masked = decode::<{ 2 * SIZE }>(given)?;
            let mut plain = [0; SIZE];
            for (index, place) in plain.iter_mut().enumerate() {
                *place = masked[index] ^ masked[SIZE + index];
            }
            Some(plain)
        });
        plain.is_some_and(|plain| plain.ct_eq(&self.0).into())
    }
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    // The buffer is the exact size: whatever is longer is refused without being read.
    let size = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (size == N).then_some(bytes)
}

/// Whether the browser says that a page of ours sent the request, or says nothing at all. Programs
/// that are no browsers say nothing; the token has to convince.
pub(crate) fn from_our_pages(config: &WebConfig, headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match text(&SEC_FETCH_SITE) {
        None | Some("same-origin" | "none") => {}
        Some(_) => return false,
    }
    match (text(&ORIGIN), text(&REFERER)) {
        (Some(origin), _) => is_own_origin(config, headers, uri, origin),
        (None, Some(page)) => {
            origin_of(page).is_some_and(|origin| is_own_origin(config, headers, uri, &origin))
        }
        (None, None) => true,
    }
}

/// Whether an origin is that of this server: the configured one (`PUBLIC_URL`), or where none is
/// configured the host that the request names. The scheme is left out in the second case, because a
/// proxy that speaks TLS may not have told us.
pub(crate) fn is_own_origin(
    config: &WebConfig,
    headers: &HeaderMap,
    uri: &Uri,
    origin: &str,
) -> bool {
    if let Some(public) = &config.public_url {
        return public == origin;
    }
    let host = uri
        .authority()
        .map(axum::http::uri::Authority::as_str)
        .or_else(|| headers.get(HOST)?.to_str().ok());
    let theirs = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    match (host, theirs) {
        (Some(host), Some(theirs)) => bare(host).eq_ignore_ascii_case(bare(theirs)),
        _ => false,
    }
}

/// A host without the port that its scheme has anyway.
fn bare(host: &str) -> &str {
    host.strip_suffix(":443")
        .or_else(|| host.strip_suffix(":80"))
        .unwrap_or(host)
}

/// The origin of a page's address.
fn origin_of(page: &str) -> Option<String> {
    let uri: Uri = page.parse().ok()?;
    let authority = uri.authority()?.as_str();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    Some(format!("{}://{host}", uri.scheme_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_token_is_of_one_session_and_one_key() {
        let key = SecretKey::new(KEY);
        let session = Some(TokenId::new(7));
        let token = Token::issue(&key, [1; NONCE], session);
        let cookie = token.cookie();
        assert!(Token::read(&key, &cookie, session).is_some());
        assert!(Token::read(&key, &cookie, None).is_none());
        assert!(Token::read(&key, &cookie, Some(TokenId::new(8))).is_none());
        assert!(Token::read(&SecretKey::new("another"), &cookie, session).is_none());
        for bad in ["", "x", &cookie[1..], &format!("{cookie}A"), "ä"] {
            assert!(Token::read(&key, bad, session).is_none(), "{bad}");
        }
    }

    #[test]
    fn repeated_plain_or_masked() {
        let key = SecretKey::new(KEY);
        let token = Token::issue(&key, [1; NONCE], None);
        let other = Token::issue(&key, [2; NONCE], None);
        assert!(token.is(&token.cookie()));
        assert!(token.is(&token.masked([0x5a; SIZE])) && token.is(&token.masked([0; SIZE])));
        assert_ne!(token.masked([1; SIZE]), token.masked([2; SIZE]));
        assert!(!token.is(&other.cookie()) && !token.is(&other.masked([9; SIZE])));
        assert!(!token.is("") && !token.is("csrf"));
    }

    fn allowed(public_url: Option<&str>, pairs: &[(&'static str, &str)]) -> bool {
        let config = WebConfig {
            public_url: public_url.map(str::to_owned),
            blobs_direct: true,
            ..WebConfig::default()
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "127.0.0.1:8000".parse().expect("a header"));
        for (name, value) in pairs {
            headers.insert(*name, value.parse().expect("a header"));
        }
        from_our_pages(&config, &headers, &Uri::from_static("/x/"))
    }

    #[test]
    fn where_requests_may_come_from() {
        for good in [
            &[][..],
            &[("origin", "https://chat.example")],
            &[("referer", "https://chat.example/chat/list/?x=1")],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
        ] {
            assert!(allowed(Some("https://chat.example"), good), "{good:?}");
        }
        for bad in [
            &[("origin", "null")][..],
            &[("origin", "https://chat.example.evil")],
            &[("origin", "http://chat.example")],
            &[("origin", "http://127.0.0.1:8000")],
            &[("referer", "https://evil.example/https://chat.example/")],
            &[("referer", "nonsense")],
            &[("referer", "https://chat.example@evil.example/")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://chat.example"),
            ],
            &[
                ("referer", "https://chat.example/"),
                ("origin", "https://evil.example"),
            ],
        ] {
            assert!(!allowed(Some("https://chat.example"), bad), "{bad:?}");
        }
    }

    #[test]
    fn without_a_public_url_the_host_that_was_asked_for_counts() {
        for good in ["http://127.0.0.1:8000", "https://127.0.0.1:8000"] {
            assert!(allowed(None, &[("origin", good)]), "{good}");
        }
        for bad in [
            "http://127.0.0.1:8001",
            "http://127.0.0.1",
            "https://chat.example",
        ] {
            assert!(!allowed(None, &[("origin", bad)]), "{bad}");
        }
    }
}
