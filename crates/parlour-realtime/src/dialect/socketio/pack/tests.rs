use super::*;
use proptest::prelude::*;
use serde_json::json;

fn unpacked(bytes: &[u8]) -> (Kind, String, Option<u64>, Value) {
    let packed = read(bytes).unwrap_or_else(|| panic!("no packet: {bytes:x?}"));
    let data = match packed.data.as_str() {
        "" => Value::Null,
        data => serde_json::from_str(data).expect("JSON"),
    };
    (packed.kind, packed.name, packed.id, data)
}

#[test]
fn our_packets_are_maps_and_no_text_begins_so() {
    let packets = [
        (
            "40{\"sid\":\"S\"}",
            Kind::Connect,
            "/",
            None,
            json!({"sid": "S"}),
        ),
        ("41/room-7,", Kind::Disconnect, "/room-7", None, json!(null)),
        (
            "42/room-7,[\"message\",{\"id\":1,\"text\":\"안녕\",\"file\":null,\"n\":[-1,1.5,true]}]",
            Kind::Event(0),
            "/room-7",
            None,
            json!(["message", {"id": 1, "text": "안녕", "file": null, "n": [-1, 1.5, true]}]),
        ),
        (
            "4312[{\"ok\":true}]",
            Kind::Ack(0),
            "/",
            Some(12),
            json!([{"ok": true}]),
        ),
    ];
    for (text, kind, name, id, data) in packets {
        let packed = of(text.as_bytes());
        assert!(std::str::from_utf8(&packed[..1]).is_err(), "{text}");
        assert!(crate::wire::is_binary(&packed), "{text}");
        assert_eq!(
            unpacked(&packed),
            (kind, name.to_owned(), id, data),
            "{text}"
        );
    }
    // Ours to send only.
    assert_eq!(read(&of(b"44{\"message\":\"x\"}")), None);
}

/// Byte by byte what the JavaScript library writes, with its `options` and its `undefined`.
#[test]
fn packets_of_the_javascript_library() {
    let mut connect = vec![0x83];
    connect.extend_from_slice(b"\xa4type\x00\xa4data\xd4\x00\x00\xa3nsp\xa1/");
    assert_eq!(
        unpacked(&connect),
        (Kind::Connect, "/".to_owned(), None, Value::Null)
    );
    let mut event = vec![0x85];
    event.extend_from_slice(
        b"\xa4type\x02\xa4data\x92\xa4join\x82\xa4room\xcd\x01\x00\xa5after\xd4\x00\x00",
    );
    event.extend_from_slice(b"\xa7options\x81\xa8compress\xc3\xa2id\x07\xa3nsp\xa7/room-7");
    assert_eq!(
        unpacked(&event),
        (
            Kind::Event(0),
            "/room-7".to_owned(),
            Some(7),
            json!(["join", {"room": 256}])
        )
    );
}

#[test]
fn bytes_are_no_text_and_integers_may_be_keys() {
    let event = |data: &[u8]| {
        let mut event = vec![0x83];
        event.extend_from_slice(b"\xa4type\x02\xa3nsp\xa1/\xa4data");
        event.extend_from_slice(data);
        event
    };
    let one = event(b"\x92\xa1x\x83\x05\xc4\x02ab\xa1b\xc7\x01\x00a\xa1c\xd7\x0012345678");
    let bytes = json!({"_placeholder": true});
    let wanted = json!(["x", {"5": bytes, "b": bytes, "c": bytes}]);
    assert_eq!(unpacked(&one).3, wanted);
    let many = |count: u8| {
        let mut data = vec![0xdc, 0, count];
        data.extend_from_slice(&b"\xc4\x00".repeat(usize::from(count)));
        read(&event(&data))
    };
    assert!(many(16).is_some());
    assert_eq!(many(17), None);
    let deep = |depth: usize| {
        let mut data = vec![0x91; depth];
        data.push(0xc0);
        read(&event(&data))
    };
    assert!(deep(usize::from(MAX_DEPTH)).is_some());
    assert_eq!(deep(usize::from(MAX_DEPTH) + 1), None);
    assert_eq!(deep(100_000), None);
}

#[test]
fn what_is_no_packet() {
    let wrong: [&[u8]; 10] = [
        b"",
        b"\x80",
        b"\x90",
        b"\xc0",
        b"42[]",
        b"\x82\xa4type\x02",
        b"\x82\xa4type\x02\xa3nsp\xa1x",
        b"\x82\xa4type\x05\xa3nsp\xa1/",
        b"\x82\xa4type\x02\xa3nsp\xa1/\x00",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa2id\xff",
    ];
    for bytes in wrong {
        assert_eq!(read(bytes), None, "{bytes:x?}");
    }
    // Lengths that nothing stands behind.
    for head in [0xdb, 0xdd, 0xdf, 0xc6, 0xc9] {
        let mut bytes = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data".to_vec();
        bytes.extend_from_slice(&[head, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(read(&bytes), None, "{head:x}");
    }
}

proptest! {
    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(packed) = read(&bytes)
            && !packed.data.is_empty()
        {
            let _: Value = serde_json::from_str(&packed.data).expect("JSON");
        }
    }

    /// What is no packet is often nearly one.
    #[test]
    fn nor_do_wrong_bytes_in_packets(at in 0_usize..60, byte in any::<u8>()) {
        let mut bytes = of(b"421[\"message\",{\"room\":1,\"text\":\"hi\",\"n\":[1,-5,70000]}]").to_vec();
        if let Some(slot) = bytes.get_mut(at) {
            *slot = byte;
        }
        if let Some(packed) = read(&bytes)
            && !packed.data.is_empty()
        {
            let _: Value = serde_json::from_str(&packed.data).expect("JSON");
        }
    }
}
