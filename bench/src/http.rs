//! Just enough of HTTP/1.1 for a client that knows its server: one request, one answer with a length.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const MAX_HEAD: usize = 64 * 1024;
const MAX_BODY: usize = 16 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Length of the head with its empty line.
    length: usize,
    body: usize,
    close: bool,
}

/// A keep-alive connection.
pub(crate) struct Connection {
    addr: SocketAddr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    body: std::ops::Range<usize>,
}

impl Connection {
    /// A connection that is opened with the first request.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            stream: None,
            buffer: Vec::with_capacity(16 * 1024),
            body: 0..0,
        }
    }

    /// Sends the bytes of one request and reads the whole answer; returns its status.
    ///
    /// After an error, or when the server says that it closes, the next request opens a new
    /// connection. Nothing is sent twice.
    pub(crate) async fn send(&mut self, request: &[u8]) -> Result<u16> {
        let answer = timeout(PATIENCE, self.exchange(request)).await;
        let answer = answer.unwrap_or_else(|_| bail!("no answer within {PATIENCE:?}"));
        match answer {
            Ok(head) => {
                if head.close {
                    self.stream = None;
                }
                Ok(head.status)
            }
            Err(error) => {
                self.stream = None;
                Err(error)
            }
        }
    }

    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        self.buffer.get(self.body.clone()).unwrap_or_default()
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Head> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(self.addr).await.context("connect")?;
                stream.set_nodelay(true)?;
                none.insert(stream)
            }
        };
        self.buffer.clear();
        self.body = 0..0;
        stream.write_all(request).await.context("write")?;
        let head = loop {
            if let Some(head) = parse_head(&self.buffer)? {
                if head.status >= 200 {
                    break head;
                }
                ensure!(head.status != 101, "the server switched protocols");
                // An interim answer; the real one follows.
                self.buffer.drain(..head.length);
                continue;
            }
            read_more(stream, &mut self.buffer).await?;
        };
        let end = head.length + head.body;
        while self.buffer.len() < end {
            read_more(stream, &mut self.buffer).await?;
        }
        ensure!(
            self.buffer.len() == end,
            "bytes behind the end of the answer"
        );
        self.body = head.length..end;
        Ok(head)
    }
}

async fn read_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    let count = stream.read_buf(buffer).await.context("read")?;
    ensure!(count > 0, "the server closed the connection");
    Ok(())
}

/// The head, once all of it is there.
fn parse_head(buffer: &[u8]) -> Result<Option<Head>> {
    let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
        ensure!(buffer.len() < MAX_HEAD, "the head is too long");
        return Ok(None);
    };
    let text = std::str::from_utf8(&buffer[..end]).context("the head is not text")?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 "))
        .and_then(|rest| rest.get(..3))
        .and_then(|digits| digits.parse::<u16>().ok())
        .context("this is no HTTP/1.1 answer")?;
    let mut body = None;
    let mut close = false;
    for line in lines {
        let (name, value) = line.split_once(':').context("a header without a colon")?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            let length: usize = value.parse().context("content-length is no number")?;
            ensure!(body.is_none_or(|known| known == length), "two lengths");
            ensure!(length <= MAX_BODY, "the body is too long");
            body = Some(length);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("a chunked answer, which this client does not read");
        } else if name.eq_ignore_ascii_case("connection") {
            close = value.eq_ignore_ascii_case("close");
        }
    }
    // These statuses have no body, whatever the headers say.
    let bodiless = status < 200 || status == 204 || status == 304;
    let body = if bodiless { Some(0) } else { body };
    Ok(Some(Head {
        status,
        length: end + 4,
        body: body.context("an answer without content-length")?,
        close,
    }))
}

/// Writes a request; a body is JSON.
pub(crate) fn write_request(
    out: &mut Vec<u8>,
    method: &str,
    target: &str,
    token: Option<&str>,
    body: Option<&str>,
) {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(256);
    let mut put = |arguments: std::fmt::Arguments<'_>| {
        // Writing into a String cannot fail.
        let _ = text.write_fmt(arguments);
    };
    put(format_args!(
        "{method} {target} HTTP/1.1\r\nHost: bench\r\n"
    ));
    if let Some(token) = token {
        put(format_args!("Authorization: Token {token}\r\n"));
    }
    if let Some(body) = body {
        let length = body.len();
        put(format_args!(
            "Content-Type: application/json\r\nContent-Length: {length}\r\n"
        ));
    }
    put(format_args!("\r\n{}", body.unwrap_or_default()));
    out.clear();
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Option<Head> {
        parse_head(text.as_bytes()).expect("well formed")
    }

    #[test]
    fn heads_are_read_whole_or_not_at_all() {
        assert_eq!(head("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), None);
        let expected = Head {
            status: 201,
            length: 43,
            body: 2,
            close: false,
        };
        let found = head("HTTP/1.1 201 Created\r\ncontent-LENGTH:  2\r\n\r\n{}");
        assert_eq!(
            found.as_ref().map(|head| head.status),
            Some(expected.status)
        );
        assert_eq!(found.map(|head| head.body), Some(expected.body));
        assert!(
            head("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n")
                .is_some_and(|head| head.close)
        );
        assert_eq!(
            head("HTTP/1.1 204 No Content\r\n\r\n").map(|head| head.body),
            Some(0)
        );
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for bad in [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
            "SSH-2.0-x\r\n\r\n",
        ] {
            assert!(parse_head(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(parse_head(&[b'a'; MAX_HEAD]).is_err());
    }

    #[test]
    fn requests_are_complete() {
        let mut out = b"old".to_vec();
        write_request(&mut out, "POST", "/x/", Some("t1"), Some("{}"));
        let text = String::from_utf8(out).expect("text");
        assert_eq!(
            text,
            "POST /x/ HTTP/1.1\r\nHost: bench\r\nAuthorization: Token t1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        );
        let mut out = Vec::new();
        write_request(&mut out, "GET", "/", None, None);
        assert_eq!(out, b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n");
    }
}
