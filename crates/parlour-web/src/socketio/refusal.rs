//! How Engine.IO refuses a request: a status, and a number in JSON.

use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// A refusal, with the numbers of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: u8,
    message: &'static str,
}

impl Refusal {
    const fn bad(code: u8, message: &'static str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message,
        }
    }

    /// No such way to travel.
    pub(super) const TRANSPORT: Self = Self::bad(0, "Transport unknown");
    /// Nobody has this id (any more).
    pub(super) const UNKNOWN_SID: Self = Self::bad(1, "Session ID unknown");
    /// A connection begins with a GET.
    pub(super) const METHOD: Self = Self::bad(2, "Bad handshake method");
    /// A WebSocket is asked for by something that is no request for one.
    pub(super) const NO_WEBSOCKET: Self = Self::bad(
        3,
        "Bad request: the WebSocket transport needs a GET with Connection: Upgrade and Upgrade: websocket",
    );
    /// Neither brings nor takes packets.
    pub(super) const NEITHER: Self = Self::bad(
        3,
        "Bad request: polling takes packets by GET and brings them by POST",
    );
    /// The connection speaks another Engine.IO.
    pub(super) const OTHER_VERSION: Self =
        Self::bad(3, "Bad request: this session began with another EIO");
    /// What one of them would get is not defined.
    pub(super) const TWO_AT_ONCE: Self = Self::bad(
        3,
        "Bad request: another request of this kind is under way; the session has ended",
    );
    /// Requests are over.
    pub(super) const UPGRADED: Self =
        Self::bad(3, "Bad request: this session has gone on over a WebSocket");
    /// One WebSocket at a time asks whether it goes on.
    pub(super) const PROBED: Self = Self::bad(
        3,
        "Bad request: another WebSocket is taking this session over",
    );
    /// The body broke off.
    pub(super) const BODY: Self = Self::bad(
        3,
        "Bad request: the body could not be read to its end; the session has ended",
    );
    /// The body is no packets.
    pub(super) const PACKETS: Self = Self::bad(
        3,
        "Bad request: the body is no Engine.IO packets; the session has ended",
    );
    /// The packets before were not read in time.
    pub(super) const NOT_READ: Self = Self::bad(
        3,
        "Bad request: the packets could not be dealt with in time; the session has ended",
    );
    /// Packets that are not spoken here.
    pub(super) const PARSER: Self =
        Self::bad(3, "Bad request: the only parser to ask for is msgpack");
    /// An Engine.IO that is not spoken here.
    pub(super) const VERSION: Self = Self::bad(5, "Unsupported protocol version");
    /// The connection is somebody else's.
    pub(super) const FORBIDDEN: Self = Self {
        status: StatusCode::FORBIDDEN,
        code: 4,
        message: "Forbidden: this session belongs to another account",
    };
    /// The connection was opened at another process, or at this one before it was started again.
    pub(super) const ELSEWHERE: Self = Self::bad(
        1,
        "Session ID unknown: this session is not on this node. Polling needs a proxy that sends all requests \
         of a client to the same node (sticky sessions), or use the WebSocket transport",
    );
    /// More than a request may bring.
    pub(super) const TOO_LARGE: Self = Self {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        code: 3,
        message: "Payload too large",
    };
    /// As many clients as may be here have not said yet who they are.
    pub(super) const BUSY: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: 3,
        message: "Too many clients are connecting. Try again shortly",
    };
    /// Whoever opened a connection now would be sent away at once.
    pub(super) const STOPPING: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: 3,
        message: "The server is stopping. Try again shortly",
    };
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            code: u8,
            message: &'static str,
        }
        let body = Body {
            code: self.code,
            message: self.message,
        };
        let mut response = (self.status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
