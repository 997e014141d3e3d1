//! Packets of Engine.IO 4 and Socket.IO 5, as clients write them. What is no packet ends the connection:
//! unlike a wrong argument, no client makes it by mistake.

use parlour_core::RoomId;

/// Most attachments of one packet.
pub(crate) const MAX_ATTACHMENTS: usize = 16;
/// Longest name of a namespace that is answered, in bytes.
const MAX_NAME: usize = 128;
/// Longest id of an acknowledgement, in digits.
const MAX_ID: usize = 15;

/// A namespace that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// `/`: everything that concerns the account.
    Root,
    /// `/room-{id}`: one room.
    Room(RoomId),
}

impl Space {
    /// The namespace of this room, or `/`.
    pub(crate) const fn of(room: Option<RoomId>) -> Self {
        match room {
            Some(room) => Self::Room(room),
            None => Self::Root,
        }
    }

    /// The namespace of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        if name == "/" {
            return Some(Self::Root);
        }
        let digits = name.strip_prefix("/room-")?;
        // One name per room: no signs and no leading zeros.
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        is_plain.then(|| digits.parse().ok().map(Self::Room))?
    }

    /// Its room, if it is one of a room.
    pub(crate) const fn room(self) -> Option<RoomId> {
        match self {
            Self::Root => None,
            Self::Room(room) => Some(room),
        }
    }

    /// Appends its name as packets have it.
    pub(crate) fn write(self, packet: &mut Vec<u8>) {
        if let Self::Room(room) = self {
            packet.extend_from_slice(format!("/room-{room},").as_bytes());
        }
    }
}

/// An Engine.IO packet from a client, in a text frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Engine<'a> {
    /// Good bye.
    Close,
    /// Is the server there? Asked by clients of Engine.IO 3.
    Ping,
    /// The answer to a ping.
    Pong,
    /// A Socket.IO packet.
    Message(Packet<'a>),
}

/// A Socket.IO packet from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) kind: Kind,
    /// The namespace's name; `/` when none is written.
    pub(crate) name: &'a str,
    /// The id of the acknowledgement that is wanted.
    pub(crate) id: Option<u64>,
    /// JSON, or nothing.
    pub(crate) data: &'a str,
}

impl Packet<'_> {
    /// What connects the namespace `/`.
    pub(crate) const ROOT: Self = Self {
        kind: Kind::Connect,
        name: "/",
        id: None,
        data: "",
    };
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Connect,
    Disconnect,
    /// With so many attachments.
    Event(usize),
    /// The answer to something that we never ask.
    Ack(usize),
}

/// Reads a text frame; `None` when it is no packet that a client may send.
pub(crate) fn read(text: &str) -> Option<Engine<'_>> {
    match text.as_bytes().first()? {
        b'1' if text.len() == 1 => Some(Engine::Close),
        b'2' if text.len() == 1 => Some(Engine::Ping),
        b'3' => Some(Engine::Pong),
        b'4' => read_packet(&text[1..]).map(Engine::Message),
        _ => None,
    }
}

fn read_packet(text: &str) -> Option<Packet<'_>> {
    let (kind, mut rest) = (text.as_bytes().first()?, text.get(1..)?);
    let mut attachments = 0;
    if matches!(kind, b'5' | b'6') {
        let (count, after) = rest.split_once('-')?;
        attachments = number(count).filter(|count| *count <= MAX_ATTACHMENTS as u64)? as usize;
        rest = after;
    }
    let kind = match kind {
        b'0' => Kind::Connect,
        b'1' => Kind::Disconnect,
        b'2' | b'5' => Kind::Event(attachments),
        b'3' | b'6' => Kind::Ack(attachments),
        // CONNECT_ERROR is ours to send.
        _ => return None,
    };
    let (name, id, data) = parts(rest)?;
    Some(Packet {
        kind,
        name,
        id,
        data,
    })
}

/// The name of the namespace, the id and the data of a packet: what comes behind its type.
pub(super) fn parts(mut rest: &str) -> Option<(&str, Option<u64>, &str)> {
    let mut name = "/";
    if rest.starts_with('/') {
        (name, rest) = rest.split_once(',').unwrap_or((rest, ""));
        name = plain_name(name)?;
    }
    let len = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, data) = rest.split_at(len);
    let id = if digits.is_empty() {
        None
    } else {
        Some(number(digits)?)
    };
    Some((name, id, data))
}

/// The name of a namespace as it is answered; `None` when it cannot be one.
pub(super) fn plain_name(name: &str) -> Option<&str> {
    // What follows a question mark was once a query.
    let name = name.split('?').next().unwrap_or(name);
    let is_name = name.starts_with('/') && !name.contains(['"', '\\', ',']);
    (is_name && name.len() <= MAX_NAME).then_some(name)
}

/// A number as ids are written.
pub(super) fn number(digits: &str) -> Option<u64> {
    (digits.len() <= MAX_ID && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(text: &str) -> Option<Packet<'_>> {
        match read(text) {
            Some(Engine::Message(packet)) => Some(packet),
            _ => None,
        }
    }

    #[test]
    fn packets_of_the_specification() {
        let read = |kind, name, id, data| {
            Some(Packet {
                kind,
                name,
                id,
                data,
            })
        };
        assert_eq!(packet("40"), read(Kind::Connect, "/", None, ""));
        assert_eq!(
            packet("40/room-7,{\"token\":\"t\"}"),
            read(Kind::Connect, "/room-7", None, "{\"token\":\"t\"}")
        );
        assert_eq!(
            packet("41/room-7,"),
            read(Kind::Disconnect, "/room-7", None, "")
        );
        assert_eq!(packet("40/admin"), read(Kind::Connect, "/admin", None, ""));
        assert_eq!(
            packet("42[\"foo\"]"),
            read(Kind::Event(0), "/", None, "[\"foo\"]")
        );
        assert_eq!(
            packet("42/admin?x=1,13[\"bar\"]"),
            read(Kind::Event(0), "/admin", Some(13), "[\"bar\"]")
        );
        assert_eq!(packet("43456[]"), read(Kind::Ack(0), "/", Some(456), "[]"));
        let with = "451-/admin,456[\"x\",{\"_placeholder\":true,\"num\":0}]";
        assert_eq!(packet(with).map(|packet| packet.kind), Some(Kind::Event(1)));
        assert_eq!(super::read("1"), Some(Engine::Close));
        assert_eq!(super::read("2"), Some(Engine::Ping));
        assert_eq!(super::read("3"), Some(Engine::Pong));
    }

    #[test]
    fn what_is_no_packet() {
        let many = format!("45{}-[]", MAX_ATTACHMENTS + 1);
        let long = format!("40/{},", "x".repeat(MAX_NAME));
        let wrong = [
            "",
            "0",
            "2probe",
            "5",
            "6",
            "abc",
            "4",
            "4abc",
            "47",
            "44",
            "45[]",
            "45x-[]",
            "42/\",[]",
            "421234567890123456[]",
            "12",
            &many,
            &long,
        ];
        for text in wrong {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn namespaces_have_one_name_each() {
        assert_eq!(Space::named("/"), Some(Space::Root));
        assert_eq!(Space::named("/room-12"), Some(Space::Room(RoomId::new(12))));
        for name in [
            "/room-",
            "/room-012",
            "/room-+1",
            "/room-x",
            "/rooms",
            "room-1",
            "/room-1/",
        ] {
            assert_eq!(Space::named(name), None, "{name}");
        }
    }
}
