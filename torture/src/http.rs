//! A small HTTP/1.1 client: one connection per call, every step bounded in time.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// How long an answer may take unless another limit is set.
const PATIENCE: Duration = Duration::from_secs(30);

/// The pause before asking again after 503.
const RETRY: Duration = Duration::from_millis(300);

/// Calls one server.
#[derive(Clone, Copy, Debug)]
pub struct Http {
    addr: SocketAddr,
    patience: Duration,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// 200 and so on.
    pub status: u16,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Answer {
    /// A header by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body, if the status is this one.
    ///
    /// # Errors
    /// With the whole answer when it is another.
    pub fn ok(self, status: u16) -> Result<Value> {
        ensure!(
            self.status == status,
            "{status} was expected, not {}: {}",
            self.status,
            self.body
        );
        Ok(self.body)
    }
}

impl Http {
    /// A client of the server at this address.
    #[must_use]
    pub fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            patience: PATIENCE,
        }
    }

    /// The same with another limit for a whole call.
    #[must_use]
    pub fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Where it calls.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// One call.
    ///
    /// # Errors
    /// When no whole answer comes within the limit.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        json: Option<Value>,
    ) -> Result<Answer> {
        let request = self.request(method, path, token, json.as_ref());
        let bytes = self.exchange(&[request.as_bytes()]).await;
        bytes
            .and_then(|bytes| parse(&bytes))
            .with_context(|| format!("{method} {path}"))
    }

    /// One POST of a body of another type than JSON: its type and its bytes.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn post(&self, path: &str, token: &str, body: (&str, &[u8])) -> Result<Answer> {
        let (kind, body) = body;
        let mut head = self.head("POST", path, Some(token));
        head.push_str(&format!(
            "content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        ));
        let bytes = self.exchange(&[head.as_bytes(), body]).await;
        bytes
            .and_then(|bytes| parse(&bytes))
            .with_context(|| format!("POST {path}"))
    }

    /// One GET of something that is no JSON: status and bytes.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn download(&self, path: &str, token: &str) -> Result<(u16, Vec<u8>)> {
        let mut head = self.head("GET", path, Some(token));
        head.push_str("content-length: 0\r\n\r\n");
        let mut bytes = self
            .exchange(&[head.as_bytes()])
            .await
            .with_context(|| format!("GET {path}"))?;
        let (status, _, body) = split(&bytes).with_context(|| format!("GET {path}"))?;
        let from = bytes.len() - body.len();
        bytes.drain(..from);
        Ok((status, bytes))
    }

    /// Sends these bytes on a connection of their own and answers all that comes back.
    async fn exchange(&self, request: &[&[u8]]) -> Result<Vec<u8>> {
        timeout(self.patience, exchange(self.addr, request))
            .await
            .with_context(|| format!("no answer within {:?}", self.patience))
            .flatten()
    }

    /// One call, repeated while the server says that it cannot do it now (503), for half a minute.
    /// What is asked for must bear to be asked for twice: the first may have been done all the same.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub async fn insist(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        json: Option<Value>,
    ) -> Result<Answer> {
        let begun = Instant::now();
        loop {
            let answer = self.call(method, path, token, json.clone()).await?;
            if answer.status != 503 || begun.elapsed() > PATIENCE {
                return Ok(answer);
            }
            sleep(RETRY).await;
        }
    }

    fn head(&self, method: &str, path: &str, token: Option<&str>) -> String {
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\naccept: application/json\r\n",
            self.addr
        );
        if let Some(token) = token {
            text.push_str(&format!("authorization: Token {token}\r\n"));
        }
        text
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        json: Option<&Value>,
    ) -> String {
        let mut text = self.head(method, path, token);
        let body = json.map(Value::to_string).unwrap_or_default();
        if json.is_some() {
            text.push_str("content-type: application/json\r\n");
        }
        text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        text
    }
}

async fn exchange(addr: SocketAddr, request: &[&[u8]]) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(addr).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    for part in request {
        stream.write_all(part).await?;
    }
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Ok(bytes)
}

fn parse(bytes: &[u8]) -> Result<Answer> {
    let (status, headers, body) = split(bytes)?;
    Ok(Answer {
        status,
        headers,
        body: serde_json::from_slice(body).unwrap_or(Value::Null),
    })
}

type Headers = Vec<(String, String)>;

/// Status, headers and body of a whole answer.
fn split(bytes: &[u8]) -> Result<(u16, Headers, &[u8])> {
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .context("the connection ended before the answer")?;
    let head = std::str::from_utf8(&bytes[..end]).context("the head is no text")?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok())
        .context("no status line")?;
    let headers: Headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
        .collect();
    let body = &bytes[end + 4..];
    for (name, value) in &headers {
        match name.as_str() {
            "content-length" => {
                let length: usize = value.parse().context("a strange length")?;
                ensure!(body.len() == length, "the connection ended in the answer");
            }
            "transfer-encoding" => bail!("a body in pieces is not understood here"),
            _ => {}
        }
    }
    Ok((status, headers, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer = parse(b"HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 2\r\n\r\n{}");
        let answer = answer.expect("whole");
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some("2"))
        );
        assert!(answer.body.is_object());
        assert!(answer.ok(201).is_err());
    }

    #[test]
    fn half_an_answer_is_none() {
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Le").is_err());
        assert!(parse(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}").is_err());
    }
}
