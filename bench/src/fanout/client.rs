//! One WebSocket: the upgrade, and the bytes in and out.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use socket2::{Domain, Socket, Type};

use super::frame;

/// The example of RFC 6455; a server that answers it with the RFC's answer has understood.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const PATIENCE: Duration = Duration::from_secs(30);
const MAX_HEAD: usize = 8 * 1024;

/// An open WebSocket.
pub(crate) struct Client {
    stream: mio::net::TcpStream,
    /// The beginning of a frame whose end has not come.
    rest: Vec<u8>,
    /// What the server has not taken yet.
    unsent: Vec<u8>,
}

impl Client {
    /// Connects, from `source` where one is given, and upgrades; waits for all of that.
    pub(crate) fn open(addr: SocketAddr, source: Option<IpAddr>, target: &str) -> Result<Self> {
        let mut stream = connect(addr, source).with_context(|| format!("connect to {addr}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {addr}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let rest = upgraded(&mut stream)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: mio::net::TcpStream::from_std(stream),
            rest,
            unsent: Vec::new(),
        })
    }

    /// Waits until the server has sent this; all that came by then is passed over.
    pub(crate) fn wait_for(&mut self, what: &[u8]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 4096];
        while !self.rest.windows(what.len()).any(|some| some == what) {
            ensure!(Instant::now() < deadline, "the server does not let us in");
            ensure!(self.rest.len() < MAX_HEAD, "the server says too much first");
            match self.stream.read(&mut buffer) {
                Ok(0) => bail!("the server closed the connection"),
                Ok(count) => self.rest.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_micros(100));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        // The beginning of a frame that is not whole yet stays.
        let mut from = 0;
        while let Some(frame) = frame::next(&self.rest, from)? {
            from = frame.end;
        }
        self.rest.drain(..from);
        Ok(())
    }

    /// The socket, for the poll.
    pub(crate) fn source(&mut self) -> &mut mio::net::TcpStream {
        &mut self.stream
    }

    /// Adds a frame to what goes out with the next `flush`.
    pub(crate) fn push(&mut self, opcode: u8, content: &[u8]) {
        frame::write(&mut self.unsent, opcode, content);
    }

    /// Sends as much as the server takes now.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let mut done = 0;
        while done < self.unsent.len() {
            match self.stream.write(&self.unsent[done..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.unsent.drain(..done);
        Ok(())
    }

    /// Reads once into the shared buffer, behind the kept beginning of a frame. Answers how many
    /// bytes lie there, and whether there may be more to read.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<(usize, bool)> {
        let kept = self.rest.len();
        let (front, free) = buffer
            .split_at_mut_checked(kept)
            .ok_or(io::ErrorKind::InvalidData)?;
        front.copy_from_slice(&self.rest);
        loop {
            match self.stream.read(free) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.rest.clear();
                    // A read that did not fill the buffer has taken all that was there.
                    return Ok((kept + count, count == free.len()));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok((0, false)),
                Err(error) => return Err(error),
            }
        }
    }

    /// Keeps the beginning of a frame until its end comes.
    pub(crate) fn keep(&mut self, rest: &[u8]) {
        self.rest.extend_from_slice(rest);
    }
}

fn connect(addr: SocketAddr, source: Option<IpAddr>) -> Result<TcpStream> {
    let Some(source) = source else {
        return Ok(TcpStream::connect_timeout(&addr, PATIENCE)?);
    };
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(source, 0).into())?;
    socket.connect_timeout(&addr.into(), PATIENCE)?;
    Ok(socket.into())
}

/// Reads the answer to the upgrade; what follows it belongs to the first frame.
fn upgraded(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        let count = stream.read(&mut buffer).context("the upgrade")?;
        ensure!(count > 0, "the server closed the connection at the upgrade");
        bytes.extend_from_slice(&buffer[..count]);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let rest = bytes.split_off(end + 4);
            let head = String::from_utf8_lossy(&bytes);
            ensure!(
                head.starts_with("HTTP/1.1 101") && head.contains(ACCEPT),
                "no WebSocket: {}",
                head.lines().next().unwrap_or_default()
            );
            return Ok(rest);
        }
        ensure!(
            bytes.len() < MAX_HEAD,
            "the answer to the upgrade is too long"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A server that answers one upgrade with these bytes and reads on until the client goes.
    fn answering(answer: &'static str) -> (SocketAddr, thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let addr = listener.local_addr().expect("an address");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut buffer = [0; 2048];
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let count = stream.read(&mut buffer).expect("a request");
                head.extend_from_slice(&buffer[..count]);
            }
            stream.write_all(answer.as_bytes()).expect("answered");
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).expect("read to the end");
            rest
        });
        (addr, server)
    }

    #[test]
    fn frames_behind_the_upgrade_are_kept_and_others_are_sent() {
        let (addr, server) = answering(
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\u{1}\u{2}",
        );
        let loopback = Some(IpAddr::from([127, 0, 0, 2]));
        let mut client = Client::open(addr, loopback, "/?token=t").expect("open");
        assert_eq!(client.rest, [1, 2]);
        let mut buffer = [0; 64];
        assert_eq!(client.fill(&mut buffer).expect("nothing yet"), (0, false));
        assert_eq!(client.rest, [1, 2]);
        client.push(frame::TEXT, b"hello");
        client.flush().expect("taken");
        drop(client);
        assert_eq!(server.join().expect("ended").len(), 2 + 4 + 5);
    }

    #[test]
    fn a_refusal_is_an_error_with_its_status() {
        let (addr, server) = answering("HTTP/1.1 403 Forbidden\r\n\r\n");
        let Err(error) = Client::open(addr, None, "/") else {
            panic!("it cannot be open")
        };
        assert!(format!("{error:#}").contains("403"));
        assert!(server.join().expect("ended").is_empty());
    }
}
