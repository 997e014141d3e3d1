//! What a running server can be measured by from outside: its metrics, its memory, its threads.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::http::Http;

/// Opens `/metrics` on the main address; at least 16 characters.
const TOKEN: &str = "torture-reads-the-metrics";
const PATIENCE: Duration = Duration::from_secs(10);

/// The setting that a server needs so that [`Metrics::read`] works.
#[must_use]
pub fn setting() -> (String, String) {
    ("PARLOUR_METRICS_TOKEN".to_owned(), TOKEN.to_owned())
}

/// The server's metrics at one moment, in Prometheus' text format.
#[derive(Clone, Debug)]
pub struct Metrics(String);

impl Metrics {
    /// Reads them.
    ///
    /// # Errors
    /// When the server does not answer in time, or not with 200.
    pub async fn read(addr: SocketAddr) -> Result<Self> {
        let request = format!(
            "GET /metrics HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\
             authorization: Bearer {TOKEN}\r\n\r\n"
        );
        let call = async {
            let mut stream = TcpStream::connect(addr).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut text = String::new();
            stream.read_to_string(&mut text).await?;
            anyhow::Ok(text)
        };
        let text = timeout(PATIENCE, call)
            .await
            .context("no metrics in time")??;
        ensure!(text.starts_with("HTTP/1.1 200"), "no metrics: {text}");
        Ok(Self(text))
    }

    /// Those of several servers together.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub async fn all(servers: &[Http]) -> Result<Self> {
        let mut text = String::new();
        for server in servers {
            text.push_str(&Self::read(server.addr()).await?.0);
        }
        Ok(Self(text))
    }

    /// The sum of all rows of a name whose labels contain `label`; `None` where there is no such row.
    #[must_use]
    pub fn sum(&self, name: &str, label: &str) -> Option<f64> {
        let rows = self.0.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            let named = labels.is_empty() || labels.starts_with('{');
            (named && labels.contains(label)).then(|| value.parse::<f64>().ok())?
        });
        rows.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }
}

/// Memory of a process that is in use, in bytes.
///
/// # Errors
/// When the process is gone.
pub fn memory(pid: u32) -> Result<u64> {
    Ok(status(pid, "VmRSS:")? << 10)
}

/// Threads of a process.
///
/// # Errors
/// When the process is gone.
pub fn threads(pid: u32) -> Result<u64> {
    status(pid, "Threads:")
}

/// How many files this process may have open, and the servers that it starts.
///
/// # Errors
/// When the system does not say.
pub fn open_files() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/limits")?;
    let row = text
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let soft = row.and_then(|rest| rest.split_whitespace().next());
    match soft.context("no limit of open files")? {
        "unlimited" => Ok(u64::MAX),
        number => Ok(number.parse()?),
    }
}

fn status(pid: u32, row: &str) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let found = text.lines().find_map(|line| line.strip_prefix(row));
    let number = found.and_then(|rest| rest.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("no {row} of process {pid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_name_are_added_up() {
        let metrics = Metrics(
            "# TYPE a counter\na{source=\"ring\"} 3\na{source=\"store\"} 4\na_total 9\nb 1\n"
                .to_owned(),
        );
        assert_eq!(metrics.sum("a", ""), Some(7.0));
        assert_eq!(metrics.sum("a", "source=\"store\""), Some(4.0));
        assert_eq!(metrics.sum("b", ""), Some(1.0));
        assert_eq!(metrics.sum("c", ""), None);
    }

    #[test]
    fn this_process_has_memory_and_threads() {
        let pid = std::process::id();
        assert!(memory(pid).expect("memory") > 1 << 18);
        assert!(threads(pid).expect("threads") >= 1);
        assert!(open_files().expect("a limit") >= 3);
    }
}
