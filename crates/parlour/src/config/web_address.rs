//! Origins: the scheme, host and port by which browsers know a server.

use super::parse::Parsed;
use http::Uri;
use std::fmt;

/// `https://chat.example.org` or `http://localhost:8000`, as browsers write it: lower case, without
/// the scheme's own port and without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebOrigin {
    text: String,
}

impl WebOrigin {
    /// Reads an origin; one slash at the end is forgiven.
    pub(crate) fn parse(text: &str) -> Parsed<Self> {
        Self::read(text).ok_or_else(|| {
            "an http or https URL without a path such as `https://chat.example.org`".to_owned()
        })
    }

    fn read(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let is_https = match uri.scheme_str()? {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let bare = uri.path() == "/" && uri.query().is_none() && !text.contains('#');
        let authority = uri.authority()?;
        if !bare || authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        let host = authority.host().to_ascii_lowercase();
        let own_port = if is_https { 443 } else { 80 };
        // `host:` and `host:99999` are no ports, though the parser lets them pass.
        let port = match authority.as_str().len() == authority.host().len() {
            true => None,
            false => Some(authority.port_u16()?),
        };
        let scheme = if is_https { "https" } else { "http" };
        let text = match port.filter(|port| *port != own_port) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Some(Self { text })
    }

    /// The origin as browsers send it.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        for (text, origin) in [
            ("https://Chat.Example.org/", "https://chat.example.org"),
            ("https://chat.example.org:443", "https://chat.example.org"),
            ("http://localhost:8000", "http://localhost:8000"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            let parsed = WebOrigin::parse(text).expect(text);
            assert_eq!(parsed.as_str(), origin);
        }
        for bad in [
            "",
            "*",
            "null",
            "chat.example.org",
            "ftp://x",
            "https://x/chat",
            "https://x?y",
            "https://x#y",
            "https://ada:pw@x",
            "https://",
            "https://x:99999",
            "https://x:",
            "//x",
        ] {
            assert!(WebOrigin::parse(bad).is_err(), "{bad}");
        }
    }
}
