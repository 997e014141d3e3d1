//! What the public test suites of the protocols expect of a server: the feature `protocol-suite`, never in a
//! release. The codec, the clocks and the transports are the ones that are always there; only who may
//! connect and what is answered differ. `/` and `/custom` are open to anybody and say `auth` with what
//! came along, `message` comes back as `message-back`, and `message-with-ack` is acknowledged with its
//! arguments. Bytes are told over a WebSocket only: no suite asks for them in the body of a request.

use super::{
    Conversation,
    answers::{Ask, Done, Next},
};
use crate::{
    close,
    dialect::socketio::packet::{Kind, Packet, Space},
    outbox::Piece,
    session::Flow,
};
use bytes::Bytes;
use futures_util::FutureExt as _;
use serde_json::Value;
use std::time::Duration;

/// The namespaces that there are.
const SPACES: [&str; 2] = ["/", "/custom"];

/// Between the word that a namespace is connected and `auth`: the suites listen for one packet at a time
/// and miss what comes in the same segment.
const APART: Duration = Duration::from_millis(10);

/// What a connection has done so far.
#[derive(Default)]
pub(super) struct Suite {
    spaces: Vec<String>,
    waiting: Option<Waiting>,
}

/// An event that waits for its attachments.
struct Waiting {
    attachments: usize,
    is_event: bool,
    name: String,
    id: Option<u64>,
    data: String,
    bytes: Vec<Bytes>,
}

impl Suite {
    /// Whether it answers instead of the rooms: always, as long as it is there.
    pub(super) const fn answers(&self) -> bool {
        true
    }
}

impl Conversation {
    pub(super) fn suite_take(&mut self, packet: &Packet<'_>) -> Flow {
        match packet.kind {
            // Attachments follow their packet at once.
            _ if self.suite.waiting.is_some() => Err(&close::BAD_PAYLOAD),
            Kind::Connect => self.suite_connect(packet),
            Kind::Disconnect => {
                self.suite.spaces.retain(|name| name != packet.name);
                Ok(())
            }
            Kind::Event(0) => self.suite_event(packet.name, packet.id, packet.data, &[]),
            Kind::Ack(0) => Ok(()),
            Kind::Event(attachments) | Kind::Ack(attachments) => {
                self.suite.waiting = Some(Waiting {
                    attachments,
                    is_event: matches!(packet.kind, Kind::Event(_)),
                    name: packet.name.to_owned(),
                    id: packet.id,
                    data: packet.data.to_owned(),
                    bytes: Vec::new(),
                });
                Ok(())
            }
        }
    }

    pub(super) fn suite_take_binary(&mut self, bytes: &[u8]) -> Flow {
        let waiting = self.suite.waiting.as_mut();
        let waiting = waiting.ok_or(&close::BAD_PAYLOAD)?;
        waiting.bytes.push(Bytes::copy_from_slice(bytes));
        if waiting.bytes.len() < waiting.attachments {
            return Ok(());
        }
        match self.suite.waiting.take() {
            Some(whole) if whole.is_event => {
                self.suite_event(&whole.name, whole.id, &whole.data, &whole.bytes)
            }
            _ => Ok(()),
        }
    }

    fn suite_connect(&mut self, packet: &Packet<'_>) -> Flow {
        let (name, auth) = (packet.name, packet.data);
        if !SPACES.contains(&name) {
            self.say(crate::dialect::socketio::no_such_space(name));
            return Ok(());
        }
        let auth = if auth.is_empty() { "{}" } else { auth };
        let is_object = matches!(serde_json::from_str(auth), Ok(Value::Object(_)));
        if !is_object || self.suite.spaces.iter().any(|other| other == name) {
            return Err(&close::BAD_PAYLOAD);
        }
        self.suite.spaces.push(name.to_owned());
        self.connect_by = None;
        let (space, sid) = (written(name), self.gate.sid());
        self.say(format!("40{space}{{\"sid\":\"{sid}\"}}").into());
        let said = format!("42{space}[\"auth\",{auth}]").into();
        let done = async move {
            tokio::time::sleep(APART).await;
            Done {
                ask: Ask::new(Space::Root, None),
                result: Ok(Next::Said(Some(said))),
                is_strict: false,
            }
        };
        self.current = Some(done.boxed());
        Ok(())
    }

    fn suite_event(&mut self, name: &str, id: Option<u64>, data: &str, bytes: &[Bytes]) -> Flow {
        if !self.suite.spaces.iter().any(|other| other == name) {
            return Err(&close::BAD_PAYLOAD);
        }
        let data: Vec<Value> = serde_json::from_str(data).map_err(|_| &close::BAD_PAYLOAD)?;
        let (event, arguments) = data.split_first().ok_or(&close::BAD_PAYLOAD)?;
        let event = event.as_str().ok_or(&close::BAD_PAYLOAD)?;
        let (kind, id, data) = match (event, id) {
            ("message", _) => {
                let name = Value::from("message-back");
                let back: Vec<&Value> = std::iter::once(&name).chain(arguments).collect();
                (2, String::new(), serde_json::to_string(&back))
            }
            ("message-with-ack", Some(id)) => (3, id.to_string(), serde_json::to_string(arguments)),
            _ => return Ok(()),
        };
        let data = data.unwrap_or_default();
        let space = written(name);
        self.say(match bytes.len() {
            0 => format!("4{kind}{space}{id}{data}").into(),
            count => format!("4{}{count}-{space}{id}{data}", kind + 3).into(),
        });
        for bytes in bytes {
            self.connection.outbox().push_piece(Piece::bytes(bytes));
        }
        Ok(())
    }
}

/// The name of a namespace as packets have it.
fn written(name: &str) -> String {
    if name == "/" {
        String::new()
    } else {
        format!("{name},")
    }
}
