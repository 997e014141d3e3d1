//! Reads what nobody wants any more of a body, so that a refusal arrives.
//!
//! Closing a connection with unread bytes in it makes the kernel reset it, and the reset may overtake
//! the answer: the client would see a broken pipe instead of 413. So whatever a handler leaves unread is
//! read and thrown away beside the answer, within bounds.

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    middleware::Next,
    response::Response,
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body_util::BodyStream;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// Most bytes that are thrown away of one body.
const MOST_BYTES: u64 = 32 * 1024 * 1024;
/// How long that may take.
const LONGEST: Duration = Duration::from_secs(5);

/// Makes the bodies of all requests linger.
pub(crate) async fn linger(request: Request, next: Next) -> Response {
    let request = request.map(|body| {
        if body.is_end_stream() {
            body
        } else {
            Body::new(Lingering(Some(body)))
        }
    });
    next.run(request).await
}

/// A body that is read to its end by somebody.
struct Lingering(Option<Body>);

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0
            .as_ref()
            .map_or_else(|| http_body::SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if let Some(body) = self.0.take().filter(|body| !body.is_end_stream())
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            // Bounded in bytes and time, so the server's end does not wait long for it.
            runtime.spawn(tokio::time::timeout(LONGEST, throw_away(body)));
        }
    }
}

async fn throw_away(body: Body) {
    let mut frames = BodyStream::new(body);
    let mut bytes = 0;
    while let Some(Ok(frame)) = frames.next().await {
        bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
        if bytes > MOST_BYTES {
            return;
        }
    }
}
