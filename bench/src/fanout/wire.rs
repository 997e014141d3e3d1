//! How the servers under test are spoken to.

use clap::ValueEnum;
use serde::Serialize;

use super::marker::{self, Marker};

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wire {
    /// Parlour's account socket, version 1
    V1,
    /// Parlour's account socket, version 2: with nonces and acknowledgements
    V2,
    /// Parlour by Socket.IO over WebSocket
    Sio,
    /// The chat servers of bench/peers: a room and a text go in, an event with the text comes out
    Plain,
    /// The chat server of bench/peers that speaks Socket.IO
    PlainSio,
}

/// How the refusals of all servers begin.
const ERRORS: [&[u8]; 4] = [
    br#"{"error""#,
    br#"{"type":"error""#,
    br#"42["error""#,
    b"44",
];

/// What a frame without a marker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Other {
    /// The server has stored a message.
    Ack,
    /// The server has refused one.
    Error,
    /// A question that is answered by this text.
    Question(&'static [u8]),
    /// Greetings, presence and the like.
    Noise,
}

impl Wire {
    /// What the upgrade asks for. `key` is a token at Parlour and a room elsewhere.
    pub(crate) fn target(self, key: &str) -> String {
        match self {
            Self::V1 => format!("/?token={key}"),
            Self::V2 => format!("/?token={key}&v=2"),
            Self::Plain => format!("/?room={key}"),
            Self::Sio | Self::PlainSio => {
                format!("/socket.io/?EIO=4&transport=websocket&room={key}")
            }
        }
    }

    /// A frame to begin with: without one, version 2 waits a second for a resume, and Socket.IO does
    /// not begin.
    pub(crate) fn greeting(self, key: &str) -> Option<String> {
        match self {
            Self::V1 | Self::Plain => None,
            Self::V2 => Some(r#"{"type":"ping"}"#.to_owned()),
            Self::Sio => Some(format!(r#"40{{"token":"{key}"}}"#)),
            Self::PlainSio => Some("40".to_owned()),
        }
    }

    /// What the text contains that says that the server has let a client in, where the upgrade says
    /// it not.
    pub(crate) fn welcome(self) -> Option<&'static [u8]> {
        match self {
            Self::V1 | Self::V2 | Self::Plain => None,
            Self::Sio => Some(br#"42["hello""#),
            Self::PlainSio => Some(br#"40{"sid""#),
        }
    }

    /// Whether the server has accounts and rooms.
    pub(crate) fn is_parlour(self) -> bool {
        match self {
            Self::V1 | Self::V2 | Self::Sio => true,
            Self::Plain | Self::PlainSio => false,
        }
    }

    /// Writes the content of a frame that sends a message.
    pub(crate) fn message(self, out: &mut Vec<u8>, room: u64, marker: Marker) {
        out.clear();
        out.extend_from_slice(match self {
            Self::V1 | Self::Plain => br#"{"room":"#,
            Self::V2 => br#"{"type":"send","room":"#,
            Self::Sio | Self::PlainSio => br#"42["message",{"room":"#,
        });
        out.extend_from_slice(room.to_string().as_bytes());
        if self == Self::V2 {
            let Marker {
                run,
                sender,
                number,
            } = marker;
            out.extend_from_slice(
                format!(",\"nonce\":\"{run:x}-{sender:x}-{number:x}\"").as_bytes(),
            );
        }
        out.extend_from_slice(br#","text":""#);
        marker::write(out, marker);
        out.extend_from_slice(match self {
            Self::V1 | Self::V2 | Self::Plain => br#""}"#,
            Self::Sio | Self::PlainSio => br#""}]"#,
        });
    }

    /// Sorts a frame in which no marker was found.
    pub(crate) fn other(self, content: &[u8]) -> Other {
        if content == b"2" {
            Other::Question(b"3")
        } else if content.starts_with(br#"{"type":"ack""#) {
            Other::Ack
        } else if ERRORS.iter().any(|begin| content.starts_with(begin)) {
            Other::Error
        } else {
            Other::Noise
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_json_with_room_and_text() {
        let marker = Marker {
            run: 1,
            sender: 2,
            number: 3,
        };
        let mut out = Vec::new();
        for (wire, keys) in [(Wire::V1, 2), (Wire::Plain, 2), (Wire::V2, 4)] {
            wire.message(&mut out, 77, marker);
            let value: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
            assert_eq!(value["room"], 77);
            assert_eq!(value["text"].as_str().map(str::len), Some(64));
            assert_eq!(value.as_object().map(serde_json::Map::len), Some(keys));
            assert_eq!(marker::find(&out, &mut 0), Some(marker));
        }
    }

    #[test]
    fn messages_of_socket_io_are_events() {
        let marker = Marker {
            run: 1,
            sender: 2,
            number: 3,
        };
        let mut out = Vec::new();
        Wire::Sio.message(&mut out, 77, marker);
        let data = out.strip_prefix(b"42").expect("an event");
        let value: serde_json::Value = serde_json::from_slice(data).expect("JSON");
        assert_eq!(
            (&value[0], &value[1]["room"]),
            (&"message".into(), &77.into())
        );
        assert_eq!(marker::find(&out, &mut 0), Some(marker));
        assert_eq!(Wire::Sio.other(b"2"), Other::Question(b"3"));
        assert_eq!(Wire::Sio.other(br#"44{"message":"no"}"#), Other::Error);
        let greeting = Wire::Sio.greeting("t");
        assert_eq!(greeting.as_deref(), Some(r#"40{"token":"t"}"#));
    }

    #[test]
    fn frames_without_a_marker_are_told_apart() {
        assert_eq!(Wire::V2.other(br#"{"type":"ack","nonce":"n"}"#), Other::Ack);
        assert_eq!(
            Wire::V2.other(br#"{"type":"error","error":"no"}"#),
            Other::Error
        );
        assert_eq!(Wire::V1.other(br#"{"error":"no"}"#), Other::Error);
        assert_eq!(Wire::V2.other(br#"{"type":"hello"}"#), Other::Noise);
    }
}
