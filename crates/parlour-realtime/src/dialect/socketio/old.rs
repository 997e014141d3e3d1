//! Packets as clients of Socket.IO 2 read them. They differ where a namespace is connected: that is told
//! without an id, and a refusal is a text.

use super::packet;
use bytes::Bytes;
use serde::Deserialize;

/// One of our packets as Socket.IO 2 has it.
pub(crate) fn of(packet: Bytes) -> Bytes {
    let behind = packet
        .get(2..)
        .and_then(|rest| std::str::from_utf8(rest).ok());
    let Some((name, _, data)) = behind.and_then(packet::parts) else {
        return packet;
    };
    let data = match &packet[..2] {
        b"40" => String::new(),
        b"44" => refusal(data),
        _ => return packet,
    };
    let space = if name == "/" {
        String::new()
    } else {
        format!("{name},")
    };
    let kind = char::from(packet[1]);
    format!("4{kind}{space}{data}").into()
}

/// The text of a refusal, as JSON. It begins with the code.
fn refusal(data: &str) -> String {
    #[derive(Deserialize)]
    struct Refusal {
        message: String,
    }
    let message =
        serde_json::from_str(data).map_or_else(|_| String::new(), |it: Refusal| it.message);
    serde_json::Value::String(message).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_connects_is_told_otherwise() {
        for (packet, wanted) in [
            ("40{\"sid\":\"S\"}", "40"),
            ("40/room-7,{\"sid\":\"S\"}", "40/room-7,"),
            (
                "44{\"message\":\"a \\\"b\\\"\",\"data\":{\"code\":\"a\"}}",
                "44\"a \\\"b\\\"\"",
            ),
            (
                "44/x,{\"message\":\"Invalid namespace\"}",
                "44/x,\"Invalid namespace\"",
            ),
            ("41/room-7,", "41/room-7,"),
            ("42[\"message\",{}]", "42[\"message\",{}]"),
            ("431[{\"ok\":true}]", "431[{\"ok\":true}]"),
        ] {
            assert_eq!(
                of(Bytes::from_static(packet.as_bytes())),
                wanted,
                "{packet}"
            );
        }
    }
}
