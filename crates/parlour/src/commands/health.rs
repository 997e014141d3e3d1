//! `parlour health`: whether the server beside it is ready, for containers without other tools.

use crate::{config::Config, output::say};
use anyhow::{Context as _, bail};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::timeout,
};

/// How long the answer may take: less than what supervisors usually wait.
const PATIENCE: Duration = Duration::from_secs(4);

/// Asks `/readyz` where the settings say that the server listens: for operators, else for everybody.
///
/// # Errors
/// When it does not answer in time, or is not ready.
pub(super) async fn run(config: &Config) -> anyhow::Result<()> {
    let address = match (config.ops.listen, config.tls()) {
        (Some(operators), _) => reachable(operators),
        (None, None) => reachable(config.server.listen),
        // The certificate is made out to another name than the one that is asked here.
        (None, Some(_)) => bail!("with TLS_CERT this asks at PARLOUR_OPS_LISTEN: set it"),
    };
    let status = timeout(PATIENCE, ask(address))
        .await
        .with_context(|| format!("{address} does not answer within {PATIENCE:?}"))?
        .with_context(|| format!("nobody answers at {address}"))?;
    if !status.contains(" 200 ") {
        bail!("{address} is not ready: {}", status.trim());
    }
    say("ready")?;
    Ok(())
}

/// The status line of the answer.
async fn ask(address: SocketAddr) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await?;
    Ok(line)
}

/// Who listens everywhere is asked at home.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_asked_at_home() {
        for (listen, asked) in [
            ("0.0.0.0:8000", "127.0.0.1:8000"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.7:80", "10.0.0.7:80"),
        ] {
            let address = reachable(listen.parse().expect("an address"));
            assert_eq!(address.to_string(), asked);
        }
    }
}
