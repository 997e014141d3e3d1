//! JSON objects from clients: only the fields asked for are kept, the last of equal keys counts, and
//! neither depth nor size of the rest costs more than reading it.

use parlour_core::{Problem, RoomId, given::Given, id::MAX_ID};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use std::fmt;

/// The fields of a frame that some dialect knows.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) text: Option<Value>,
    pub(super) room: Option<Value>,
    pub(super) nonce: Option<Value>,
}

/// What a frame can be.
#[derive(Debug)]
pub(super) enum Top {
    Object(Fields),
    /// Something else; its type's name as the reference prints it.
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TopVisitor)
    }
}

struct TopVisitor;

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Top;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Key>()? {
            let slot = match key {
                Key::Text => &mut fields.text,
                Key::Room => &mut fields.room,
                Key::Nonce => &mut fields.nonce,
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *slot = Some(map.next_value()?);
        }
        Ok(Top::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Top, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Top::Other("list"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Top, E> {
        Ok(Top::Other("bool"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Top, E> {
        Ok(Top::Other("int"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Top, E> {
        Ok(Top::Other("int"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Top, E> {
        Ok(Top::Other("float"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Top, E> {
        Ok(Top::Other("str"))
    }

    fn visit_unit<E>(self) -> Result<Top, E> {
        Ok(Top::Other("NoneType"))
    }
}

/// A key, compared without keeping it.
enum Key {
    Text,
    Room,
    Nonce,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                Ok(match key {
                    "text" => Key::Text,
                    "room" => Key::Room,
                    "nonce" => Key::Nonce,
                    _ => Key::Other,
                })
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

/// A text; numbers become text, other types do not (contract section 1).
pub(super) fn text(value: Option<Value>) -> Given<String> {
    match value {
        None => Given::Missing,
        Some(Value::Null) => Given::Null,
        Some(Value::String(text)) => Given::Value(text),
        Some(Value::Number(number)) => Given::Value(number.to_string()),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Given::Wrong(Problem::NotText),
    }
}

/// A room's id: a whole number, or text that is one. A number that no room can have names a room that
/// does not exist (contract D-23).
pub(super) fn room(value: Option<Value>) -> Given<RoomId> {
    let wrong = |given| Given::Wrong(Problem::NotAKey { given });
    match value {
        None => Given::Missing,
        Some(Value::Null) => Given::Null,
        Some(Value::Number(number)) => room_of_number(&number),
        Some(Value::String(text)) => room_of_text(&text),
        Some(Value::Bool(_)) => wrong("bool"),
        Some(Value::Array(_)) => wrong("list"),
        Some(Value::Object(_)) => wrong("dict"),
    }
}

fn room_of_number(number: &Number) -> Given<RoomId> {
    if let Some(id) = number.as_i64() {
        return if (1..=MAX_ID).contains(&id) {
            Given::Value(RoomId::new(id))
        } else {
            no_such_room(number.to_string())
        };
    }
    match number.as_f64() {
        Some(float) if float.fract() != 0.0 => Given::Wrong(Problem::NotAKey { given: "float" }),
        // `3.0` is 3; printing and reading is the way from one to the other without rounding.
        Some(float) => match format!("{float:.0}").parse() {
            Ok(id) => Given::Value(id),
            Err(_) => no_such_room(number.to_string()),
        },
        None => no_such_room(number.to_string()),
    }
}

fn room_of_text(text: &str) -> Given<RoomId> {
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Given::Wrong(Problem::NotAKey { given: "str" });
    }
    if trimmed.starts_with('-') {
        return no_such_room(shortened(trimmed));
    }
    // Leading zeros do not make it another number.
    match digits.trim_start_matches('0').parse() {
        Ok(id) => Given::Value(id),
        Err(_) => no_such_room(shortened(trimmed)),
    }
}

fn no_such_room(pk: String) -> Given<RoomId> {
    Given::Wrong(Problem::NoSuchKey { pk })
}

/// Enough of an absurd number to recognise it.
fn shortened(digits: &str) -> String {
    if digits.len() <= 40 {
        digits.to_owned()
    } else {
        format!("{}…", &digits[..40])
    }
}
