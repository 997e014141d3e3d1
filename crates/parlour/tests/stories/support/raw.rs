//! Bare bytes, for what no HTTP client would send.

use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// A connection without any protocol.
#[derive(Debug)]
pub(crate) struct Raw {
    stream: TcpStream,
    address: SocketAddr,
}

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address)
            .await
            .expect("the server listens");
        Self { stream, address }
    }

    /// Writes; false when the server has closed the connection.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Writes a request's head: the line, the host, and these header lines.
    pub(crate) async fn head(&mut self, line: &str, headers: &[&str]) -> bool {
        let mut text = format!("{line} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for header in headers {
            text += header;
            text += "\r\n";
        }
        self.write(text + "\r\n").await
    }

    /// Closes our direction only.
    pub(crate) async fn half_close(&mut self) {
        // The server may have closed first.
        let _ = self.stream.shutdown().await;
    }

    /// What arrives until the server closes or `limit` is over; and whether it closed.
    pub(crate) async fn read_until_closed(&mut self, limit: Duration) -> (String, bool) {
        let mut all = Vec::new();
        let closed = timeout(limit, async {
            let mut piece = [0; 8192];
            loop {
                match self.stream.read(&mut piece).await {
                    Ok(0) | Err(_) => break,
                    Ok(count) => all.extend_from_slice(&piece[..count]),
                }
            }
        })
        .await
        .is_ok();
        (String::from_utf8_lossy(&all).into_owned(), closed)
    }

    /// The status of the next answer; 0 when the connection ends without one.
    pub(crate) async fn status(&mut self, limit: Duration) -> u16 {
        let mut all = Vec::new();
        let read = async {
            let mut piece = [0; 1024];
            while !all.windows(2).any(|pair| pair == b"\r\n") {
                match self.stream.read(&mut piece).await {
                    Ok(0) | Err(_) => break,
                    Ok(count) => all.extend_from_slice(&piece[..count]),
                }
            }
        };
        // A server that says nothing is 0 too.
        let _ = timeout(limit, read).await;
        let text = String::from_utf8_lossy(&all);
        text.split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .unwrap_or(0)
    }
}
