//! Is the port free?

use super::Finding;
use std::{
    io::{ErrorKind, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

const SUBJECT: &str = "port";

/// Tries to listen, and asks whoever does already.
pub(super) fn listen(address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(SUBJECT, format!("{address} is free.")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            if is_healthy_server(reachable(address)) {
                Finding::warn(
                    SUBJECT,
                    format!(
                        "{address} is in use, by a server that answers /healthz: Parlour itself, as it seems."
                    ),
                )
            } else {
                Finding::fail(
                    SUBJECT,
                    format!(
                        "{address} is in use by another program; choose another PARLOUR_LISTEN."
                    ),
                )
            }
        }
        Err(error) => Finding::fail(
            SUBJECT,
            format!("{address} cannot be listened on: {error}."),
        ),
    }
}

/// "All addresses" is nowhere to connect to.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

fn is_healthy_server(address: SocketAddr) -> bool {
    const PATIENCE: Duration = Duration::from_secs(2);
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        // In one piece: who answers and closes after the first of several resets the connection.
        let request =
            format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut status = [0_u8; 12];
        stream.read_exact(&mut status)?;
        Ok(status.starts_with(b"HTTP/1.") && status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn free_and_taken() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = taken.local_addr().expect("an address");
        assert_eq!(listen(address).verdict, Verdict::Fail);
        drop(taken);
        assert_eq!(listen(address).verdict, Verdict::Ok);
    }

    #[test]
    fn taken_by_a_healthy_server() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let address = taken.local_addr().expect("an address");
        let server = std::thread::spawn(move || {
            let (mut stream, _) = taken.accept().expect("a client");
            let mut request = Vec::new();
            let mut some = [0_u8; 256];
            // To its end: what is not read when the connection closes resets it.
            while !request.ends_with(b"\r\n\r\n") {
                let length = stream.read(&mut some).expect("a request");
                assert_ne!(length, 0, "cut short: {request:?}");
                request.extend_from_slice(&some[..length]);
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        });
        assert_eq!(listen(address).verdict, Verdict::Warn);
        server.join().expect("no panic");
    }
}
