//! Accepts connections and serves them; cuts those that trickle, drains when told to.

use super::tls::Tls;
use axum::{Extension, Router, body::Body, extract::ConnectInfo};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use parlour_web::Encrypted;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service as _;

/// Request headers that take longer are cut (contract 7d).
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// Largest request head; a larger one is answered 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// A peer that acknowledges nothing of what was sent to it for this long is gone.
const USER_TIMEOUT: Duration = Duration::from_secs(30);
/// After a failed accept (no descriptors left, say) nothing is accepted for this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the router on the listener until `soft` is cancelled; then accepts nothing new, lets
/// requests under way finish, and cuts them when `hard` is cancelled.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<&Arc<Tls>>,
    (soft, hard): (&CancellationToken, &CancellationToken),
) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = soft.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let (soft, hard) = (soft.clone(), hard.clone());
                let router = router.clone();
                let acceptor = tls.map(|tls| tls.acceptor());
                connections.spawn(async move {
                    tokio::select! {
                        () = hard.cancelled() => {}
                        () = welcome(stream, acceptor, peer, router, &soft) => {}
                    }
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // Closing the listener before waiting: who comes now is refused at once and tries elsewhere.
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Errors of accept that only say that a peer went away before we looked.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Agrees on TLS first, where that is spoken.
async fn welcome(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    peer: SocketAddr,
    router: Router,
    soft: &CancellationToken,
) {
    if let Err(error) = prepare(&stream) {
        // The peer is gone already; reading will tell.
        tracing::debug!(%error, "socket options");
    }
    let Some(acceptor) = acceptor else {
        return connection(stream, peer, router, soft).await;
    };
    match tokio::time::timeout(HEADER_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            let router = router.layer(Extension(Encrypted));
            connection(stream, peer, router, soft).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, %peer, "no TLS"),
        Err(_) => tracing::debug!(%peer, "no TLS in time"),
    }
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    soft: &CancellationToken,
) {
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        let mut router = router.clone();
        async move { router.call(request).await }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            // A client that sent its request and closed its half still gets the answer.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades()
    );
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = soft.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, %peer, "connection ended");
    }
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(USER_TIMEOUT))
}
