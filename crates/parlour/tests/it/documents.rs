//! Commands that print a document.

use super::Place;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

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

/// Name and sort of each figure in the catalogue.
fn figures() -> BTreeMap<String, String> {
    let text = Place::new().run(&["metrics"]).fine();
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let name = cells.next()?.trim_end_matches('`').to_owned();
        Some((name, cells.next()?.to_owned()))
    });
    let rows: Vec<_> = rows.collect();
    let figures: BTreeMap<_, _> = rows.iter().cloned().collect();
    assert_eq!(figures.len(), rows.len(), "each figure is described once");
    figures
}

#[test]
fn every_figure_that_is_kept_is_described_as_what_it_is() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut kept = BTreeSet::new();
    for folder in fs::read_dir(crates).expect("the crates are there") {
        let mut sources = Vec::new();
        collect(&folder.expect("a folder").path().join("src"), &mut sources);
        for source in sources {
            let text = fs::read_to_string(&source).expect("sources are text");
            kept.extend(kept_in(&text));
        }
    }
    assert!(kept.len() > 15, "{kept:?}");
    let figures = figures();
    for (name, sort) in kept {
        assert_eq!(figures.get(&name), Some(&sort), "{name}");
    }
}

/// The figures that a source records: the first word of each such macro.
fn kept_in(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for sort in ["counter", "gauge", "histogram"] {
        let mark = format!("{sort}!(");
        for (at, _) in text.match_indices(&mark) {
            if text[..at].ends_with('_') {
                continue;
            }
            let rest = text[at + mark.len()..].trim_start();
            let name = rest
                .strip_prefix('"')
                .and_then(|rest| rest.split('"').next());
            let name = name.unwrap_or_else(|| panic!("no name in {rest:.60}"));
            found.push((name.to_owned(), sort.to_owned()));
        }
    }
    found
}

fn collect(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|end| end == "rs") {
            sources.push(path);
        }
    }
}
