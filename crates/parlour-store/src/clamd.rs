//! Asks ClamAV's daemon about files: the command INSTREAM of clamd(8), over a Unix socket or TCP.
//!
//! The file is sent in chunks, each behind its length in four bytes, the end is a length of zero; the
//! answer is `stream: OK`, `stream: <name> FOUND`, or something that ends with `ERROR`.

use async_trait::async_trait;
use parlour_core::{
    Error,
    ports::{Scanner, Verdict},
};
use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    task::spawn_blocking,
    time::timeout,
};

/// Bytes that are sent at once.
const CHUNK: usize = 256 * 1024;
/// Longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 4_096;
/// How long reaching the daemon, or its taking one chunk, may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it may think after the last byte.
const THINKING: Duration = Duration::from_secs(15);

/// A daemon at an address.
#[derive(Clone, Debug)]
pub struct Clamd(Address);

#[derive(Clone, Debug)]
enum Address {
    Unix(PathBuf),
    Tcp(String),
}

impl Clamd {
    /// The daemon at `unix:/path` or `tcp://host:port`. Nobody is asked yet; `None` for another address.
    #[must_use]
    pub fn at(url: &str) -> Option<Self> {
        if let Some(path) = url.strip_prefix("unix:") {
            let path = Path::new(path);
            return path.is_absolute().then(|| Self(Address::Unix(path.into())));
        }
        let place = url.strip_prefix("tcp://")?.trim_end_matches('/');
        let (host, port) = place.rsplit_once(':')?;
        let is_one = !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0);
        is_one.then(|| Self(Address::Tcp(place.to_owned())))
    }

    /// Which program answers there, and from when its signatures are: `ClamAV 1.0.7/27110/…`.
    ///
    /// # Errors
    /// Unavailable when nobody answers in time, or something else than ClamAV does.
    pub async fn version(&self) -> Result<String, Error> {
        let mut stream = self.dial().await?;
        in_time(PATIENCE, stream.write_all(b"zVERSION\0")).await?;
        let answer = answer(stream, PATIENCE).await?;
        let version = bare(&answer);
        if version.starts_with("ClamAV ") {
            Ok(version.to_owned())
        } else {
            Err(Error::unavailable(format!("no ClamAV: {version:?}")))
        }
    }

    async fn dial(&self) -> Result<Box<dyn Wire>, Error> {
        Ok(match &self.0 {
            Address::Unix(socket) => {
                Box::new(in_time(PATIENCE, UnixStream::connect(socket)).await?)
            }
            Address::Tcp(place) => Box::new(in_time(PATIENCE, TcpStream::connect(place)).await?),
        })
    }
}

/// A connection of either kind.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

#[async_trait]
impl Scanner for Clamd {
    async fn scan(&self, path: &Path) -> Result<Verdict, Error> {
        verdict(&ask(self.dial().await?, path).await?)
    }
}

/// Sends a file; the answer.
async fn ask(mut stream: Box<dyn Wire>, path: &Path) -> Result<String, Error> {
    let path = path.to_owned();
    let opened = spawn_blocking(move || File::open(path)).await;
    let mut file = opened
        .map_err(Error::internal)?
        .map_err(Error::unavailable)?;
    in_time(PATIENCE, stream.write_all(b"zINSTREAM\0")).await?;
    loop {
        let read = spawn_blocking(move || {
            // Room for the length in front.
            let mut chunk = vec![0; 4];
            let count = (&mut file).take(CHUNK as u64).read_to_end(&mut chunk)?;
            Ok::<_, std::io::Error>((file, chunk, count))
        });
        let read = read.await.map_err(Error::internal)?;
        let (rest, mut chunk, count) = read.map_err(Error::unavailable)?;
        file = rest;
        let length = u32::try_from(count).map_err(Error::internal)?;
        chunk[..4].copy_from_slice(&length.to_be_bytes());
        // A daemon that wants no more, because the file is too large for it, says so and hangs up.
        if in_time(PATIENCE, stream.write_all(&chunk)).await.is_err() || count == 0 {
            break;
        }
    }
    answer(stream, THINKING).await
}

/// What the daemon says before it hangs up.
async fn answer(stream: Box<dyn Wire>, within: Duration) -> Result<String, Error> {
    let mut answer = Vec::new();
    in_time(within, stream.take(MAX_ANSWER).read_to_end(&mut answer)).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// An answer without what ends it.
fn bare(answer: &str) -> &str {
    answer.trim_matches(['\0', '\n', ' '])
}

fn verdict(answer: &str) -> Result<Verdict, Error> {
    let answer = bare(answer);
    let said = answer.strip_prefix("stream: ").unwrap_or(answer);
    if said == "OK" {
        return Ok(Verdict::Clean);
    }
    match said.strip_suffix(" FOUND") {
        Some(name) => Ok(Verdict::Infected(name.to_owned())),
        None => Err(Error::unavailable(format!(
            "clamd has no verdict: {answer:?}"
        ))),
    }
}

async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = std::io::Result<T>>,
) -> Result<T, Error> {
    match timeout(limit, work).await {
        Ok(done) => done.map_err(|error| Error::unavailable(format!("clamd: {error}"))),
        Err(_) => Err(Error::unavailable("clamd does not answer in time")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in [
            "unix:/run/clamd",
            "tcp://127.0.0.1:3310",
            "tcp://[::1]:3310/",
        ] {
            assert!(Clamd::at(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "unix:",
            "unix:clamd",
            "tcp://",
            "tcp://host",
            "tcp://:1",
            "tcp://a:0",
            "/run",
        ] {
            assert!(Clamd::at(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn answers() {
        let read = |answer| verdict(answer).ok();
        assert_eq!(read("stream: OK\0"), Some(Verdict::Clean));
        let found = Some(Verdict::Infected("Win.Test-1".to_owned()));
        assert_eq!(read("stream: Win.Test-1 FOUND\0"), found);
        for none in [
            "",
            "INSTREAM size limit exceeded. ERROR\0",
            "stream: ",
            "HTTP/1.1 200 OK",
        ] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
