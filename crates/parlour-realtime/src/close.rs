//! Why Parlour closes sockets: every code it sends, as data (contract 6d, `realtime.md`).

use std::fmt::Write as _;

/// One way to close a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The WebSocket close code.
    pub code: u16,
    /// The reason on the wire; a word for programs, at most 123 bytes.
    pub reason: &'static str,
    /// Whether coming back (with the same credential, after a pause) can work.
    pub may_reconnect: bool,
    /// When it happens and what to do, for people.
    pub meaning: &'static str,
}

macro_rules! closes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $reason:literal, $again:literal, $meaning:literal;)*) => {
        $($(#[$doc])* pub const $name: Close = Close {
            code: $code, reason: $reason, may_reconnect: $again, meaning: $meaning,
        };)*

        /// Every close there is, in order of code; `docs/protocol/close-codes.md` is made from it.
        pub const CLOSES: &[Close] = &[$($name),*];
    };
}

closes! {
    /// The client asked for it.
    NORMAL = 1000, "bye", true, "The client closed, or the conversation is over.";
    /// The server goes away.
    GOING_AWAY = 1001, "going_away", true, "The server stops for good or the proxy in front of it does. Come back after a pause.";
    /// The bytes are no WebSocket frames.
    PROTOCOL = 1002, "protocol", false, "The client's bytes are no valid WebSocket frames. Mend the client.";
    /// A text frame that is not UTF-8.
    NOT_UTF8 = 1007, "not_utf8", false, "A text frame was not UTF-8. Mend the client.";
    /// A frame above the size limit.
    TOO_BIG = 1009, "too_big", true, "A frame was larger than `max_frame` (12 x MAX_TEXT_CHARS + 8 KiB). Send less at once.";
    /// Our fault.
    INTERNAL = 1011, "internal", true, "Parlour's own fault, never the client's. Come back after a pause.";
    /// The server restarts.
    RESTART = 1012, "restart", true, "The server restarts; or, in Socket.IO, what is needed to connect a namespace does not answer now. Come back after a random pause of up to some seconds.";
    /// Too many bad frames.
    BAD_PAYLOAD = 4002, "bad_payload", false, "More than 10 bad frames within a minute; each of the first 10 was answered by an error frame. Or, in Socket.IO, bytes that are no packet. Mend the client.";
    /// The client reads too slowly.
    SLOW = 4008, "slow", true, "More than 1 MiB or 1,024 events waited for this socket, or it took nothing for 10 s. Come back and read what was missed.";
    /// Over the rate limit in spite of warnings.
    RATE = 4029, "rate_limited", true, "Went on sending after 20 `rate_limited` errors within 10 s; or, in Socket.IO, connected too often. Come back after a pause and heed `retry_ms`.";
    /// The credential ended.
    CREDENTIAL_ENDED = 4401, "credential_ended", false, "The token or session behind the socket ended (logout, revocation, password change, deactivated or deleted account). Log in again.";
    /// No longer in the room (sockets of one room only).
    NOT_IN_ROOM = 4403, "not_in_room", false, "No longer in the room. Only sockets of a single room are closed so; an account socket goes on without the room.";
    /// The room ended (sockets of one room only).
    ROOM_ENDED = 4404, "room_ended", false, "The room was deleted or expired. Only sockets of a single room are closed so; an account socket goes on without the room.";
}

/// The table as Markdown, the content of `docs/protocol/close-codes.md`.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(
        "# Close codes\n\n\
         <!-- Made from crates/parlour-realtime/src/close.rs; a test compares them. -->\n\n\
         Every socket that Parlour closes is closed with one of these. \"Come back\" says whether a client \
         may reconnect with the\nsame credential; after a pause that grows with each failed attempt and is \
         partly random.\n\n\
         | code | reason | come back | when |\n|---|---|---|---|\n",
    );
    for close in CLOSES {
        let again = if close.may_reconnect { "yes" } else { "no" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | `{}` | {again} | {} |",
            close.code, close.reason, close.meaning
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_in_order_and_fit_a_close_frame() {
        assert!(CLOSES.windows(2).all(|pair| pair[0].code < pair[1].code));
        assert!(CLOSES.iter().all(|close| close.reason.len() <= 123));
    }

    #[test]
    fn the_document_is_this_table() {
        assert_eq!(
            include_str!("../../../docs/protocol/close-codes.md"),
            markdown()
        );
    }
}
