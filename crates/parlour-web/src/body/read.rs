//! Bytes of a body within a size and a time.

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, stream};
use std::{fmt, time::Duration};
use tokio::time::{Instant, timeout_at};

/// A body slower than this for longer than [`GRACE`] is cut (contract 7d).
const MIN_BYTES_PER_SECOND: u64 = 1024;
/// How long a body may be slower.
const GRACE: Duration = Duration::from_secs(60);

/// Why a body could not be read.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// More bytes than the limit.
    TooLarge,
    /// Fewer bytes a second than anybody's network has.
    TooSlow,
    /// The connection broke.
    Broken,
    /// Not what its content type says; the sentence says why.
    Malformed(String),
    /// A content type that is not taken here.
    Unsupported(String),
    /// What an action says of a file in it.
    Refused(parlour_core::Error),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("The request is too large."),
            Self::TooSlow => f.write_str("The request body arrived too slowly."),
            Self::Broken => f.write_str("The request body ended early."),
            Self::Malformed(text) => f.write_str(text),
            Self::Refused(error) => f.write_str(error.text()),
            Self::Unsupported(kind) => {
                write!(f, "Unsupported media type \"{kind}\" in request.")
            }
        }
    }
}

impl std::error::Error for BodyError {}

/// The body's pieces, until it is larger than `limit` bytes or too slow.
pub(crate) fn guarded(body: Body, limit: u64) -> impl Stream<Item = Result<Bytes, BodyError>> {
    let start = Instant::now();
    // What the headers announce is believed: a body that will be too large is not waited for.
    let announced = body.size_hint().lower();
    let state = (body.into_data_stream(), 0_u64);
    stream::try_unfold(state, move |(mut pieces, mut seen)| async move {
        if announced > limit {
            return Err(BodyError::TooLarge);
        }
        let deadline = start + GRACE.max(Duration::from_secs(seen / MIN_BYTES_PER_SECOND));
        match timeout_at(deadline, pieces.next()).await {
            Err(_) => Err(BodyError::TooSlow),
            Ok(None) => Ok(None),
            Ok(Some(Err(_))) => Err(BodyError::Broken),
            Ok(Some(Ok(piece))) => {
                seen += piece.len() as u64;
                if seen > limit {
                    return Err(BodyError::TooLarge);
                }
                Ok(Some((piece, (pieces, seen))))
            }
        }
    })
}

/// The whole body.
pub(crate) async fn whole(body: Body, limit: u64) -> Result<Bytes, BodyError> {
    let mut pieces = std::pin::pin!(guarded(body, limit));
    let Some(first) = pieces.next().await.transpose()? else {
        return Ok(Bytes::new());
    };
    let Some(second) = pieces.next().await.transpose()? else {
        return Ok(first);
    };
    let mut all = BytesMut::from(first);
    all.extend_from_slice(&second);
    while let Some(piece) = pieces.next().await.transpose()? {
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}
