//! The frame decoder takes anything.

use crate::dialect::{answer, decode};
use parlour_realtime::dialect::Input;
use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample::Index,
};
use serde_json::Value;

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Halves: every one of them is read as it was written.
        any::<i32>().prop_map(|twice| Value::from(f64::from(twice) / 2.0)),
        ".{0,20}".prop_map(Value::from),
        (1..50_i64).prop_map(Value::from),
        (1..50_i64).prop_map(|id| Value::from(id.to_string())),
    ];
    let key = prop_oneof![Just("text"), Just("room"), Just("nonce"), Just("type")];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(key.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn is_error_frame(frame: &str) {
    let value: Value = serde_json::from_str(frame).expect("frames are JSON");
    assert_eq!(value["error"], "validation error");
    assert_eq!(value["code"], "invalid");
    assert!(
        value["detail"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        if let Err(frame) = answer(Input::Text(&bytes)) {
            is_error_frame(&frame);
        }
    }

    #[test]
    fn any_json(value in json()) {
        match decode(&value.to_string()) {
            Err(frame) => is_error_frame(&frame),
            Ok(send) => {
                let room = &value["room"];
                prop_assert!(room.is_number() || room.is_string());
                let text = &value["text"];
                let same = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
                prop_assert_eq!(send.text, same);
                prop_assert_eq!(send.nonce.is_some(), value.get("nonce").is_some());
            }
        }
    }

    #[test]
    fn damaged_frames(cut in any::<Index>(), with in any::<u8>()) {
        let mut bytes = br#"{"text":"\ud83d\ude00 hi","room":"12","nonce":"n"}"#.to_vec();
        let at = cut.index(bytes.len());
        bytes[at] = with;
        let _ = answer(Input::Text(&bytes));
        bytes.truncate(at);
        prop_assert!(answer(Input::Text(&bytes)).is_err());
    }

    #[test]
    fn any_text_arrives_whole(text in ".{0,300}", nonce in ".{1,64}") {
        let frame = serde_json::json!({"room": 1, "text": text, "nonce": nonce}).to_string();
        let send = decode(&frame).expect("a command");
        prop_assert_eq!(send.text, text);
        prop_assert_eq!(send.nonce, Some(nonce));
    }
}
