//! Commands that print a document.

use super::Place;

#[test]
fn errors_prints_the_catalogue() {
    let text = Place::new().run(&["errors"]).fine();
    assert!(text.starts_with("# Errors\n"), "{text}");
    assert!(text.contains("| `room_full` | 400 |"), "{text}");
}

#[test]
fn version_is_the_crates() {
    let expected = format!("parlour {}\n", env!("CARGO_PKG_VERSION"));
    let place = Place::new().file("parlour.toml", "not even = = toml");
    assert_eq!(place.run(&["version"]).fine(), expected);
    assert_eq!(place.run(&["--version"]).fine(), expected);
}

#[test]
fn openapi_is_json() {
    let text = Place::new().run(&["openapi"]).fine();
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(document["openapi"].is_string(), "{text}");
}
