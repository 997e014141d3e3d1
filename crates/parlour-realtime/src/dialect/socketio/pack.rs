//! Packets as msgpack: what `socket.io-msgpack-parser` and its like write. A packet is one map, `{type,
//! data, nsp, id?}`, in a binary message; everything else is the same. So packets are made and read as
//! text, and are rewritten here.

use super::packet::{self, Kind, MAX_ATTACHMENTS, Packet};
use bytes::Bytes;
use rmp::{Marker, decode::read_marker, encode};
use serde_json::Value;

/// How deep the data of a packet may be nested.
const MAX_DEPTH: u8 = 32;
/// What the JavaScript library writes for `undefined`.
const UNDEFINED: [u8; 3] = [0xd4, 0, 0];
/// What stands for bytes, as in packets of text.
const BYTES: &str = "{\"_placeholder\":true}";

/// One of our packets of text as msgpack. Begins with the byte of a map, as no text does.
pub(crate) fn of(packet: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(packet.len() + 32);
    if write(&mut bytes, packet).is_none() {
        // Not reached: we made it.
        tracing::error!("a packet could not be written as msgpack");
    }
    bytes.into()
}

fn write(bytes: &mut Vec<u8>, packet: &[u8]) -> Option<()> {
    let text = std::str::from_utf8(packet).ok()?.strip_prefix('4')?;
    let kind = text.bytes().next()?.checked_sub(b'0')?;
    let (name, id, data) = packet::parts(text.get(1..)?)?;
    let fields = 2 + u32::from(!data.is_empty()) + u32::from(id.is_some());
    // Writing to memory cannot fail.
    encode::write_map_len(bytes, fields).ok()?;
    encode::write_str(bytes, "type").ok()?;
    encode::write_uint(bytes, u64::from(kind)).ok()?;
    if !data.is_empty() {
        encode::write_str(bytes, "data").ok()?;
        write_value(bytes, &serde_json::from_str(data).ok()?)?;
    }
    if let Some(id) = id {
        encode::write_str(bytes, "id").ok()?;
        encode::write_uint(bytes, id).ok()?;
    }
    encode::write_str(bytes, "nsp").ok()?;
    encode::write_str(bytes, name).ok()
}

fn write_value(bytes: &mut Vec<u8>, value: &Value) -> Option<()> {
    match value {
        Value::Null => encode::write_nil(bytes).ok(),
        Value::Bool(value) => encode::write_bool(bytes, *value).ok(),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => encode::write_uint(bytes, number).ok().map(drop),
            (None, Some(number)) => encode::write_sint(bytes, number).ok().map(drop),
            (None, None) => encode::write_f64(bytes, number.as_f64()?).ok(),
        },
        Value::String(text) => encode::write_str(bytes, text).ok(),
        Value::Array(values) => {
            encode::write_array_len(bytes, u32::try_from(values.len()).ok()?).ok()?;
            values
                .iter()
                .try_for_each(|value| write_value(bytes, value))
        }
        Value::Object(fields) => {
            encode::write_map_len(bytes, u32::try_from(fields.len()).ok()?).ok()?;
            fields.iter().try_for_each(|(key, value)| {
                encode::write_str(bytes, key).ok()?;
                write_value(bytes, value)
            })
        }
    }
}

/// A packet from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    kind: Kind,
    name: String,
    id: Option<u64>,
    /// As JSON, or empty.
    data: String,
}

impl Packed {
    /// The packet as one of text would be.
    pub(crate) fn packet(&self) -> Packet<'_> {
        Packet {
            kind: self.kind,
            name: &self.name,
            id: self.id,
            data: &self.data,
        }
    }
}

/// Reads a binary message; `None` when it is no packet that a client may send.
pub(crate) fn read(bytes: &[u8]) -> Option<Packed> {
    let mut reader = Reader {
        rest: bytes,
        json: String::new(),
        attachments: 0,
    };
    let marker = read_marker(&mut reader.rest).ok()?;
    let len = reader.map_len(marker)?;
    let (mut kind, mut name, mut id, mut data) = (None, None, None, String::new());
    for _ in 0..len {
        let key = reader.text()?;
        let begin = reader.json.len();
        let is_there = reader.value(0)?;
        let value = reader.json.split_off(begin);
        match key {
            "type" => kind = Some(value),
            "nsp" => name = serde_json::from_str::<String>(&value).ok(),
            "id" if is_there && value != "null" => id = Some(packet::number(&value)?),
            "data" if is_there && value != "null" => data = value,
            // The library writes its own settings, too.
            _ => {}
        }
    }
    let kind = match kind?.as_str() {
        "0" => Kind::Connect,
        "1" => Kind::Disconnect,
        // The bytes of an attachment are where they belong.
        "2" => Kind::Event(0),
        "3" => Kind::Ack(0),
        _ => return None,
    };
    let name = name?;
    let plain = packet::plain_name(&name)?;
    reader.rest.is_empty().then(|| Packed {
        kind,
        name: plain.to_owned(),
        id,
        data,
    })
}

/// What is left of a message, and what was read of it as JSON. A length that the message does not have
/// room for ends the reading before anything is made for it.
struct Reader<'a> {
    rest: &'a [u8],
    json: String,
    attachments: usize,
}

impl<'a> Reader<'a> {
    /// Reads a value; whether it is something else than undefined.
    fn value(&mut self, depth: u8) -> Option<bool> {
        if depth > MAX_DEPTH {
            return None;
        }
        if self.rest.starts_with(&UNDEFINED) {
            self.bytes(UNDEFINED.len())?;
            self.json.push_str("null");
            return Some(false);
        }
        let marker = read_marker(&mut self.rest).ok()?;
        match marker {
            Marker::Null => self.json.push_str("null"),
            Marker::True => self.json.push_str("true"),
            Marker::False => self.json.push_str("false"),
            Marker::F32 => {
                let number = f32::from_be_bytes(self.array()?);
                self.float(number.into());
            }
            Marker::F64 => {
                let number = f64::from_be_bytes(self.array()?);
                self.float(number);
            }
            Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                let text = self.text_of(marker)?;
                self.json.push_str(&serde_json::to_string(text).ok()?);
            }
            Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => self.list(marker, depth)?,
            Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => self.object(marker, depth)?,
            _ => match self.integer(marker) {
                Some(number) => self.json.push_str(&number.to_string()),
                None => self.attachment(marker)?,
            },
        }
        Some(true)
    }

    fn list(&mut self, marker: Marker, depth: u8) -> Option<()> {
        let len = match marker {
            Marker::FixArray(len) => usize::from(len),
            Marker::Array16 => usize::from(u16::from_be_bytes(self.array()?)),
            _ => usize::try_from(u32::from_be_bytes(self.array()?)).ok()?,
        };
        self.json.push('[');
        for index in 0..len {
            if index > 0 {
                self.json.push(',');
            }
            self.value(depth + 1)?;
        }
        self.json.push(']');
        Some(())
    }

    fn object(&mut self, marker: Marker, depth: u8) -> Option<()> {
        let len = self.map_len(marker)?;
        self.json.push('{');
        let first = self.json.len();
        for _ in 0..len {
            let before = self.json.len();
            if before > first {
                self.json.push(',');
            }
            self.key()?;
            self.json.push(':');
            if !self.value(depth + 1)? {
                self.json.truncate(before);
            }
        }
        self.json.push('}');
        Some(())
    }

    /// A key: text, or an integer, as Python has them where JavaScript has text.
    fn key(&mut self) -> Option<()> {
        let marker = read_marker(&mut self.rest).ok()?;
        let key = match self.integer(marker) {
            Some(number) => format!("\"{number}\""),
            None => serde_json::to_string(self.text_of(marker)?).ok()?,
        };
        self.json.push_str(&key);
        Some(())
    }

    fn map_len(&mut self, marker: Marker) -> Option<usize> {
        match marker {
            Marker::FixMap(len) => Some(usize::from(len)),
            Marker::Map16 => Some(usize::from(u16::from_be_bytes(self.array()?))),
            Marker::Map32 => usize::try_from(u32::from_be_bytes(self.array()?)).ok(),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        let marker = read_marker(&mut self.rest).ok()?;
        self.text_of(marker)
    }

    fn text_of(&mut self, marker: Marker) -> Option<&'a str> {
        let len = match marker {
            Marker::FixStr(len) => usize::from(len),
            Marker::Str8 => usize::from(u8::from_be_bytes(self.array()?)),
            Marker::Str16 => usize::from(u16::from_be_bytes(self.array()?)),
            Marker::Str32 => usize::try_from(u32::from_be_bytes(self.array()?)).ok()?,
            _ => return None,
        };
        std::str::from_utf8(self.bytes(len)?).ok()
    }

    fn integer(&mut self, marker: Marker) -> Option<i128> {
        Some(match marker {
            Marker::FixPos(number) => number.into(),
            Marker::FixNeg(number) => number.into(),
            Marker::U8 => u8::from_be_bytes(self.array()?).into(),
            Marker::U16 => u16::from_be_bytes(self.array()?).into(),
            Marker::U32 => u32::from_be_bytes(self.array()?).into(),
            Marker::U64 => u64::from_be_bytes(self.array()?).into(),
            Marker::I8 => i8::from_be_bytes(self.array()?).into(),
            Marker::I16 => i16::from_be_bytes(self.array()?).into(),
            Marker::I32 => i32::from_be_bytes(self.array()?).into(),
            Marker::I64 => i64::from_be_bytes(self.array()?).into(),
            _ => return None,
        })
    }

    /// What JSON has no number for is none there, too.
    fn float(&mut self, number: f64) {
        let number = serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number);
        self.json.push_str(&number.to_string());
    }

    /// Passes over bytes, or a type of the library's own.
    fn attachment(&mut self, marker: Marker) -> Option<()> {
        let len = match marker {
            Marker::Bin8 | Marker::Ext8 => usize::from(u8::from_be_bytes(self.array()?)),
            Marker::Bin16 | Marker::Ext16 => usize::from(u16::from_be_bytes(self.array()?)),
            Marker::Bin32 | Marker::Ext32 => {
                usize::try_from(u32::from_be_bytes(self.array()?)).ok()?
            }
            Marker::FixExt1 => 1,
            Marker::FixExt2 => 2,
            Marker::FixExt4 => 4,
            Marker::FixExt8 => 8,
            Marker::FixExt16 => 16,
            _ => return None,
        };
        if !matches!(marker, Marker::Bin8 | Marker::Bin16 | Marker::Bin32) {
            // Which type it is.
            self.bytes(1)?;
        }
        self.bytes(len)?;
        self.attachments += 1;
        self.json.push_str(BYTES);
        (self.attachments <= MAX_ATTACHMENTS).then_some(())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests;
