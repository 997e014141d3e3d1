//! JSON objects from clients: only the fields asked for are kept, the last of equal keys counts, and
//! neither depth nor size of the rest costs more than reading it.

use parlour_core::{
    FileId, MessageId, Problem, RoomId,
    given::{Given, Problems},
    id::MAX_ID,
};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};
use std::{fmt, str::FromStr};

/// The keys that a dialect knows; all others are passed over.
pub(super) type Keys = &'static [&'static str];

/// The fields of a frame that its dialect knows.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// The field of this name, once.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let index = self.0.iter().position(|(key, _)| *key == name)?;
        Some(self.0.swap_remove(index).1)
    }
}

/// What a frame can be.
#[derive(Debug)]
pub(super) enum Top {
    Object(Fields),
    /// Something else; its type's name as the reference prints it.
    Other(&'static str),
}

/// Reads a frame.
///
/// # Errors
/// When it is no JSON.
pub(super) fn read(bytes: &[u8], keys: Keys) -> Result<Top, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let top = deserializer.deserialize_any(TopVisitor(keys))?;
    deserializer.end()?;
    Ok(top)
}

/// Reads an event of Socket.IO: an array of a name and arguments, of which the first counts. `None`
/// when it begins with no name.
///
/// # Errors
/// When it is no JSON, or no array.
pub(super) fn read_event(
    bytes: &[u8],
    keys: Keys,
) -> Result<Option<(String, Option<Top>)>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let event = deserializer.deserialize_seq(EventVisitor(keys))?;
    deserializer.end()?;
    Ok(event)
}

struct EventVisitor(Keys);

impl<'de> Visitor<'de> for EventVisitor {
    type Value = Option<(String, Option<Top>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let name = seq.next_element::<Value>()?;
        let argument = match name {
            Some(_) => seq.next_element_seed(TopSeed(self.0))?,
            None => None,
        };
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(match name {
            Some(Value::String(name)) => Some((name, argument)),
            _ => None,
        })
    }
}

/// An argument of an event.
struct TopSeed(Keys);

impl<'de> DeserializeSeed<'de> for TopSeed {
    type Value = Top;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Top, D::Error> {
        deserializer.deserialize_any(TopVisitor(self.0))
    }
}

struct TopVisitor(Keys);

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Top;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key_seed(KeySeed(self.0))? {
            let Some(key) = key else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value()?;
            match fields.0.iter_mut().find(|(known, _)| *known == key) {
                Some(slot) => slot.1 = value,
                None => fields.0.push((key, value)),
            }
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
struct KeySeed(Keys);

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().copied().find(|known| *known == key))
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
    id(value)
}

/// The id of something, under the same rules.
pub(super) fn id<T: NewId>(value: Option<Value>) -> Given<T> {
    let wrong = |given| Given::Wrong(Problem::NotAKey { given });
    match value {
        None => Given::Missing,
        Some(Value::Null) => Given::Null,
        Some(Value::Number(number)) => id_of_number(&number),
        Some(Value::String(text)) => id_of_text(&text),
        Some(Value::Bool(_)) => wrong("bool"),
        Some(Value::Array(_)) => wrong("list"),
        Some(Value::Object(_)) => wrong("dict"),
    }
}

/// A kind of id.
pub(super) trait NewId: FromStr {
    /// Wraps a number within the bounds of ids.
    fn wrap(raw: i64) -> Self;
}

impl NewId for RoomId {
    fn wrap(raw: i64) -> Self {
        Self::new(raw)
    }
}

impl NewId for FileId {
    fn wrap(raw: i64) -> Self {
        Self::new(raw)
    }
}

impl NewId for MessageId {
    fn wrap(raw: i64) -> Self {
        Self::new(raw)
    }
}

/// A whole number.
pub(super) fn integer(value: Option<Value>) -> Given<i64> {
    match value {
        None => Given::Missing,
        Some(Value::Null) => Given::Null,
        Some(value) => value
            .as_i64()
            .map_or(Given::Wrong(Problem::NotInteger), Given::Value),
    }
}

/// A yes or no.
pub(super) fn flag(value: Option<&Value>) -> Given<bool> {
    match value {
        None => Given::Missing,
        Some(Value::Null) => Given::Null,
        Some(Value::Bool(flag)) => Given::Value(*flag),
        Some(_) => Given::Wrong(Problem::NotBoolean),
    }
}

fn id_of_number<T: NewId>(number: &Number) -> Given<T> {
    if let Some(id) = number.as_i64() {
        return if (1..=MAX_ID).contains(&id) {
            Given::Value(T::wrap(id))
        } else {
            no_such(number.to_string())
        };
    }
    match number.as_f64() {
        Some(float) if float.fract() != 0.0 => Given::Wrong(Problem::NotAKey { given: "float" }),
        // `3.0` is 3; printing and reading is the way from one to the other without rounding.
        Some(float) => match format!("{float:.0}").parse() {
            Ok(id) => Given::Value(id),
            Err(_) => no_such(number.to_string()),
        },
        None => no_such(number.to_string()),
    }
}

fn id_of_text<T: NewId>(text: &str) -> Given<T> {
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Given::Wrong(Problem::NotAKey { given: "str" });
    }
    if trimmed.starts_with('-') {
        return no_such(shortened(trimmed));
    }
    // Leading zeros do not make it another number.
    match digits.trim_start_matches('0').parse() {
        Ok(id) => Given::Value(id),
        Err(_) => no_such(shortened(trimmed)),
    }
}

fn no_such<T>(pk: String) -> Given<T> {
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

/// The text of a message and the ids of files that were uploaded before. With files there may be nothing
/// to say.
pub(super) fn said(fields: &mut Fields, problems: &mut Problems) -> Option<(String, Vec<FileId>)> {
    let files = match fields.take("files") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(list)) => list.into_iter().map(file_id).collect(),
        Some(_) => None,
    };
    let given = text(fields.take("text"));
    let files = files.unwrap_or_else(|| {
        problems.add("files", Problem::NotAFile);
        Vec::new()
    });
    let text = if files.is_empty() {
        given.required("text", problems)?
    } else {
        given.optional("text", problems).unwrap_or_default()
    };
    Some((text, files))
}

/// `None` for one that no file can have.
fn file_id(value: Value) -> Option<FileId> {
    match id(Some(value)) {
        Given::Value(id) => Some(id),
        _ => None,
    }
}
