//! Just enough of msgpack for tests, apart from what is tested.

use rmp::{Marker, decode, encode};
use serde_json::{Map, Value};

/// A value as msgpack.
pub(crate) fn packed(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes, value);
    bytes
}

fn write(bytes: &mut Vec<u8>, value: &Value) {
    let len = |len: usize| u32::try_from(len).expect("short");
    match value {
        Value::Null => encode::write_nil(bytes).expect("memory"),
        Value::Bool(value) => encode::write_bool(bytes, *value).expect("memory"),
        Value::Number(number) => {
            encode::write_sint(bytes, number.as_i64().expect("an integer")).expect("memory");
        }
        Value::String(text) => encode::write_str(bytes, text).expect("memory"),
        Value::Array(values) => {
            encode::write_array_len(bytes, len(values.len())).expect("memory");
            values.iter().for_each(|value| write(bytes, value));
        }
        Value::Object(fields) => {
            encode::write_map_len(bytes, len(fields.len())).expect("memory");
            for (key, value) in fields {
                encode::write_str(bytes, key).expect("memory");
                write(bytes, value);
            }
        }
    }
}

/// The only value in these bytes.
pub(crate) fn unpacked(mut bytes: &[u8]) -> Value {
    let value = read(&mut bytes);
    assert_eq!(bytes, b"");
    value
}

fn read(bytes: &mut &[u8]) -> Value {
    let mut rest = *bytes;
    let len = |len: u32| usize::try_from(len).expect("short");
    match decode::read_marker(&mut rest).expect("a marker") {
        Marker::Null | Marker::True | Marker::False => {
            let value = match bytes[0] {
                0xc0 => Value::Null,
                byte => Value::Bool(byte == 0xc3),
            };
            *bytes = rest;
            value
        }
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
            let count = decode::read_array_len(bytes).expect("a list");
            (0..count).map(|_| read(bytes)).collect()
        }
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => {
            let count = decode::read_map_len(bytes).expect("a map");
            let fields = (0..count).map(|_| match read(bytes) {
                Value::String(key) => (key, read(bytes)),
                other => panic!("no key: {other}"),
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
            let count = len(decode::read_str_len(bytes).expect("text"));
            let (text, rest) = bytes.split_at(count);
            *bytes = rest;
            std::str::from_utf8(text).expect("UTF-8").into()
        }
        _ => decode::read_int::<i64, _>(bytes)
            .expect("an integer")
            .into(),
    }
}
