use super::*;
use parlour_core::RoomId;
use proptest::prelude::*;

fn fields(text: &str) -> Fields {
    match json(text.as_bytes()) {
        Ok(fields) => fields,
        Err(NotFields::Body(error)) => panic!("{text}: {error}"),
        Err(NotFields::Kind(kind)) => panic!("{text}: {kind}"),
    }
}

fn refused(bytes: &[u8]) -> String {
    match json(bytes) {
        Ok(_) => String::new(),
        Err(NotFields::Body(error)) => error.to_string(),
        Err(NotFields::Kind(kind)) => kind.to_owned(),
    }
}

#[test]
fn texts() {
    let text = |json: &str| fields(&format!("{{\"a\":{json}}}")).text("a");
    assert_eq!(text("\"x\""), Given::Value("x".into()));
    assert_eq!(text("5"), Given::Value("5".into()));
    assert_eq!(text("null"), Given::Null);
    for wrong in ["true", "[]", "{}"] {
        assert_eq!(text(wrong), Given::Wrong(Problem::NotText), "{wrong}");
    }
    assert_eq!(fields("{}").text("a"), Given::Missing);
}

#[test]
fn integers() {
    let integer = |json: &str| fields(&format!("{{\"a\":{json}}}")).integer("a");
    for (good, value) in [
        ("7", 7),
        ("\"7\"", 7),
        ("3.0", 3),
        ("\"3.0\"", 3),
        ("\" 7 \"", 7),
        ("-1", -1),
        ("\"-1\"", -1),
    ] {
        assert_eq!(integer(good), Given::Value(value), "{good}");
    }
    for huge in [
        "18446744073709551615",
        "1e300",
        "\"99999999999999999999999\"",
    ] {
        assert_eq!(integer(huge), Given::Value(i64::MAX), "{huge}");
    }
    for wrong in [
        "2.5", "\"abc\"", "true", "[]", "\"\"", "\"1.5\"", "\"0x10\"",
    ] {
        assert_eq!(integer(wrong), Given::Wrong(Problem::NotInteger), "{wrong}");
    }
}

#[test]
fn flags() {
    let flag = |json: &str| fields(&format!("{{\"a\":{json}}}")).flag("a");
    for yes in ["true", "1", "\"True\"", "\" on \"", "\"1\"", "\"yes\""] {
        assert_eq!(flag(yes), Given::Value(true), "{yes}");
    }
    for no in ["false", "0", "\"FALSE\"", "\"off\"", "\"0\"", "\"no\""] {
        assert_eq!(flag(no), Given::Value(false), "{no}");
    }
    for wrong in ["2", "1.0", "1e300", "\"\"", "\"maybe\"", "[]", "{}"] {
        assert_eq!(flag(wrong), Given::Wrong(Problem::NotBoolean), "{wrong}");
    }
    assert_eq!(flag("null"), Given::Null);
    assert_eq!(fields("{}").flag("a"), Given::Missing);
}

#[test]
fn choices_are_words_and_long_ones_are_cut() {
    let choice = |json: &str| fields(&format!("{{\"a\":{json}}}")).choice("a");
    let wrong = |given: &str| {
        Given::Wrong(Problem::NotAChoice {
            given: given.into(),
        })
    };
    assert_eq!(choice("\"dark\""), Given::Value("dark".into()));
    assert_eq!(choice("true"), wrong("true"));
    assert_eq!(choice("[1]"), wrong("[1]"));
    let long = "\u{1f44d}".repeat(10_000);
    assert_eq!(
        choice(&format!("\"{long}\"")),
        wrong(&"\u{1f44d}".repeat(100))
    );
}

#[test]
fn keys() {
    let key = |json: &str| fields(&format!("{{\"a\":{json}}}")).key::<RoomId>("a");
    assert_eq!(key("9"), Given::Value(RoomId::new(9)));
    assert_eq!(key("\"9\""), Given::Value(RoomId::new(9)));
    for (json, pk) in [
        ("0", "0"),
        ("-4", "-4"),
        ("\"-4\"", "-4"),
        ("18446744073709551615", "18446744073709551615"),
        ("9007199254740992", "9007199254740992"),
    ] {
        assert_eq!(
            key(json),
            Given::Wrong(Problem::NoSuchKey { pk: pk.into() }),
            "{json}"
        );
    }
    for (json, given) in [
        ("\"abc\"", "str"),
        ("true", "bool"),
        ("[1]", "list"),
        ("{}", "dict"),
        ("1.5", "float"),
    ] {
        assert_eq!(
            key(json),
            Given::Wrong(Problem::NotAKey { given }),
            "{json}"
        );
    }
    assert_eq!(key("null"), Given::Null);
    assert_eq!(key("\"\""), Given::Null);
}

#[test]
fn what_is_no_json_object_says_so() {
    assert!(refused(b"{").starts_with("JSON parse error - "));
    assert!(refused(b"{\"a\":\"\xff\"}").starts_with("JSON parse error - "));
    assert!(refused(b"{\"a\":1e400}").starts_with("JSON parse error - "));
    assert!(refused(b"{\"a\":\"\\ud800\"}").starts_with("JSON parse error - "));
    assert!(refused("[".repeat(100_000).as_bytes()).starts_with("JSON parse error - "));
    for (body, kind) in [
        ("[1]", "list"),
        ("\"x\"", "str"),
        ("7", "int"),
        ("7.5", "float"),
        ("true", "bool"),
    ] {
        assert_eq!(refused(body.as_bytes()), kind);
    }
}

#[test]
fn the_last_of_a_repeated_key_counts() {
    assert_eq!(fields("{\"a\":1,\"a\":2}").integer("a"), Given::Value(2));
    let mut form = form::urlencoded(b"a=1&a=2").expect("a form");
    assert_eq!(form.integer("a"), Given::Value(2));
}

proptest! {
    #[test]
    fn no_body_makes_the_readers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = json(&bytes);
        let _ = form::urlencoded(&bytes);
    }

    #[test]
    fn every_json_value_is_some_given(value in "-?[0-9]{0,25}(\\.[0-9]{0,3})?|\"[^\"\\\\]{0,9}\"|true|null|\\[\\]") {
        if let Ok(mut given) = json(format!("{{\"a\":{value},\"b\":{value},\"c\":{value},\"d\":{value}}}").as_bytes()) {
            given.text("a");
            given.integer("b");
            given.key::<RoomId>("c");
            given.time("d");
            given.flag("e");
        }
    }
}
