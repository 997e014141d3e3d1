//! A TCP proxy that can delay, stall, reset and refuse.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What the network does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Bytes pass, each piece this much later.
    Delayed(Duration),
    /// Nothing passes and nothing is closed, as when a cable is pulled. What waits passes later.
    Stalled,
    /// Every connection is reset, and so are new ones.
    Reset,
}

/// Bytes pass at once.
pub const CLEAR: Weather = Weather::Delayed(Duration::ZERO);

/// The proxy. Dropping it cuts everything.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    listener: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port of this address and passes on to `target`.
    pub async fn start(address: Ipv4Addr, target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind((address, 0)).await?;
        let address = listener.local_addr()?;
        let (weather, seen) = watch::channel(CLEAR);
        let listener = tokio::spawn(accept(listener, target, seen));
        Ok(Self {
            address,
            weather,
            listener,
        })
    }

    /// Where to connect to.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Changes what the network does, for connections that are open and for new ones.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Resets every connection that is open now; new ones are as before.
    pub async fn cut(&self) {
        let before = self.weather.send_replace(Weather::Reset);
        // Each connection has its own task, which has to see the change before it is taken back.
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.weather.send_replace(before);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, weather: watch::Receiver<Weather>) {
    // Dropped with this task, which ends all connections.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(stream, target, weather.clone()));
    }
}

async fn connection(from: TcpStream, target: SocketAddr, mut weather: watch::Receiver<Weather>) {
    let opened = tokio::select! {
        opened = open(target, weather.clone()) => opened.ok(),
        () = reset(&mut weather) => None,
    };
    let Some(to) = opened else {
        let _reset = from.set_zero_linger();
        return;
    };
    let _delay = (from.set_nodelay(true), to.set_nodelay(true));
    let (mut from_read, mut from_write) = from.into_split();
    let (mut to_read, mut to_write) = to.into_split();
    let passing = async {
        tokio::join!(
            pass(&mut from_read, &mut to_write, weather.clone()),
            pass(&mut to_read, &mut from_write, weather.clone()),
        );
    };
    let mut seen = weather.clone();
    tokio::select! {
        () = passing => {}
        () = reset(&mut seen) => {
            let _reset = from_read.as_ref().set_zero_linger();
            let _reset = to_read.as_ref().set_zero_linger();
        }
    }
}

/// Connects once the network passes anything at all.
async fn open(target: SocketAddr, mut weather: watch::Receiver<Weather>) -> io::Result<TcpStream> {
    passes(&mut weather).await;
    TcpStream::connect(target).await
}

/// Passes bytes on until the sender ends; the end is passed on as well.
async fn pass(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count) = from.read(&mut buffer).await {
        let delay = passes(&mut weather).await;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if count == 0 || to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    let _closed = to.shutdown().await;
}

/// Waits until bytes may pass, and says with what delay.
async fn passes(weather: &mut watch::Receiver<Weather>) -> Duration {
    let open = weather.wait_for(|weather| matches!(weather, Weather::Delayed(_)));
    match open.await.as_deref() {
        Ok(Weather::Delayed(delay)) => *delay,
        // The proxy is gone, and so is this task soon.
        _ => Duration::ZERO,
    }
}

async fn reset(weather: &mut watch::Receiver<Weather>) {
    let gone = weather
        .wait_for(|weather| *weather == Weather::Reset)
        .await
        .is_err();
    if gone {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(5);

    /// An echo server behind a proxy, and a connection through both.
    async fn through() -> (Proxy, TcpStream) {
        let echo = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = echo.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((stream, _)) = echo.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.into_split();
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        let proxy = Proxy::start(Ipv4Addr::LOCALHOST, target);
        let proxy = proxy.await.expect("started");
        let stream = TcpStream::connect(proxy.addr()).await.expect("connected");
        (proxy, stream)
    }

    async fn said(stream: &mut TcpStream) -> io::Result<u8> {
        stream.write_all(b"a").await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn bytes_pass_wait_for_the_weather_and_then_pass_again() {
        let (proxy, mut stream) = through().await;
        assert_eq!(said(&mut stream).await.expect("passed"), b'a');
        proxy.set(Weather::Stalled);
        let waited = timeout(SHORT, said(&mut stream)).await;
        assert!(waited.is_err(), "{waited:?} came through a stalled network");
        proxy.set(CLEAR);
        let late = timeout(LONG, stream.read_u8()).await.expect("in time");
        assert_eq!(late.expect("passed"), b'a');
        proxy.set(Weather::Delayed(SHORT));
        let begun = std::time::Instant::now();
        assert_eq!(said(&mut stream).await.expect("passed"), b'a');
        assert!(begun.elapsed() >= 2 * SHORT, "there and back");
    }

    #[tokio::test]
    async fn a_cut_resets_what_is_open_and_lets_new_ones_in() {
        let (proxy, mut stream) = through().await;
        assert_eq!(said(&mut stream).await.expect("passed"), b'a');
        proxy.cut().await;
        let error = timeout(LONG, said(&mut stream)).await.expect("in time");
        assert!(error.is_err(), "the connection is gone");
        let mut next = TcpStream::connect(proxy.addr()).await.expect("connected");
        assert_eq!(said(&mut next).await.expect("passed"), b'a');
    }
}
