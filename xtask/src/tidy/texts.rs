//! Rules that need no parser: sizes, marks of unfinished work, where templates live.

use super::Finding;
use super::files::SourceFile;

const SOURCE_LINES: usize = 500;
const TEST_LINES: usize = 800;

/// Kinds of files whose size is limited.
const SIZED: [&str; 4] = ["rs", "js", "mjs", "css"];

/// Written in halves, so that this file does not accuse itself.
const MARKS: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("HA", "CK"),
];

const TEMPLATES: &str = "crates/parlour-web/templates/";
/// Pages that are served as they stand.
const ASSETS: &str = "crates/parlour-web/assets/";

/// Checks one file.
pub(crate) fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let limit = if file.is_test() {
        TEST_LINES
    } else {
        SOURCE_LINES
    };
    let lines = file.text.lines().count();
    if lines > limit && SIZED.iter().any(|kind| file.has_extension(kind)) {
        let text = format!("{lines} lines, at most {limit} are allowed");
        findings.push(Finding::new(&file.path, limit + 1, "file size", text));
    }
    for (index, line) in file.text.lines().enumerate() {
        if let Some(mark) = MARKS.iter().find(|mark| has_word(line, mark)) {
            let text = format!("{mark}: finish it, or write it down as an issue");
            findings.push(Finding::new(&file.path, index + 1, "unfinished", text));
        }
    }
    if file.path.starts_with("crates/") && is_misplaced_template(file) {
        let text = format!("templates live in {TEMPLATES}");
        findings.push(Finding::new(&file.path, 1, "home", text));
    }
    findings
}

fn is_misplaced_template(file: &SourceFile) -> bool {
    let by_name = file.has_extension("jinja") || file.has_extension("j2");
    let is_page = file.has_extension("html");
    if file.path.starts_with(TEMPLATES) || !(by_name || is_page) {
        return false;
    }
    let has_marks = file.text.contains("{{") || file.text.contains("{%");
    by_name || has_marks || !file.path.starts_with(ASSETS)
}

fn has_word(line: &str, word: &str) -> bool {
    let part_of_a_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        !before.is_some_and(part_of_a_word) && !after.is_some_and(part_of_a_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        check(&SourceFile::new(path, text))
            .into_iter()
            .map(|finding| (finding.line, finding.rule))
            .collect()
    }

    #[test]
    fn sizes_are_limited_by_kind() {
        let lines = |count| "x\n".repeat(count);
        for path in ["a/src/x.rs", "assets/x.css", "assets/x.js", "x.mjs"] {
            assert_eq!(rules(path, &lines(500)), [], "{path}");
            assert_eq!(rules(path, &lines(501)), [(501, "file size")], "{path}");
        }
        assert_eq!(rules("a/tests/it/x.rs", &lines(800)), []);
        assert_eq!(rules("a/tests/it/x.rs", &lines(801)), [(801, "file size")]);
        assert_eq!(rules("migrations/1.sql", &lines(900)), []);
    }

    #[test]
    fn marks_are_found_as_words_only() {
        let mark = MARKS[0];
        let text = format!("fine\n// {mark}: later\n");
        assert_eq!(rules("a/src/x.rs", &text), [(2, "unfinished")]);
        let text = format!("let {mark}S = 1; // a {}-list\n", mark.to_lowercase());
        assert_eq!(rules("a/src/x.rs", &text), []);
        assert_eq!(rules("x.css", &format!("/*{}*/", MARKS[1])).len(), 1);
    }

    #[test]
    fn templates_have_one_home() {
        assert_eq!(rules("crates/parlour-web/templates/room.html", ""), []);
        assert_eq!(rules("docs/guide/page.html", ""), []);
        assert_eq!(rules("crates/parlour/src/x.html", ""), [(1, "home")]);
        let asset = "crates/parlour-web/assets/page.html";
        assert_eq!(rules(asset, "<p>as it stands"), []);
        assert_eq!(rules(asset, "<p>{{ name }}"), [(1, "home")]);
        assert_eq!(rules("crates/parlour-web/assets/x.j2", ""), [(1, "home")]);
    }
}
