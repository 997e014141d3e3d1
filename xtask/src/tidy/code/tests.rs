use super::check;
use crate::tidy::files::SourceFile;

fn rules(path: &str, text: &str) -> Vec<(usize, &'static str)> {
    check(&SourceFile::new(path, text))
        .into_iter()
        .map(|finding| (finding.line, finding.rule))
        .collect()
}

fn in_core(text: &str) -> Vec<(usize, &'static str)> {
    rules("crates/parlour-core/src/x.rs", text)
}

#[test]
fn bodies_are_measured_between_the_braces() {
    let body = |lines| format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines));
    assert_eq!(in_core(&body(80)), []);
    assert_eq!(in_core(&body(81)), [(1, "function size")]);
    let method = format!("struct S;\nimpl S {{\n{}}}\n", body(81));
    assert_eq!(in_core(&method), [(3, "function size")]);
    let nested = format!("mod m {{\n    mod n {{\n{}}}\n}}\n", body(81));
    assert_eq!(in_core(&nested), [(3, "function size")]);
}

#[test]
fn comments_count_as_lines() {
    let text = format!("fn f() {{\n{}}}\n", "// word\n".repeat(81));
    assert_eq!(in_core(&text), [(1, "function size")]);
}

#[test]
fn parameters_are_counted_with_self() {
    assert_eq!(in_core("fn f(a: A, b: B, c: C, d: D, e: E, g: G) {}"), []);
    let bad = "trait T {\n    fn f(&self, a: A, b: B, c: C, d: D, e: E, g: G);\n}";
    assert_eq!(in_core(bad), [(2, "parameters")]);
}

#[test]
fn forbidden_attributes_are_found_at_any_depth() {
    for bad in [
        "#[allow(dead_code)]\nfn f() {}",
        "#![allow(dead_code)]",
        "#[ignore]\nfn f() {}",
        "#[ignore = \"slow\"]\nfn f() {}",
        "macro_rules! m { () => { #[allow(unused)] fn f() {} } }",
        "#[cfg_attr(test, allow(dead_code))]\nfn f() {}",
        "#[cfg_attr(all(a, b), derive(Debug), allow(dead_code))]\nstruct S;",
    ] {
        assert_eq!(in_core(bad), [(1, "attribute")], "{bad}");
    }
}

#[test]
fn harmless_neighbours_of_forbidden_attributes_pass() {
    for good in [
        "#[expect(dead_code, reason = \"x\")]\nfn f() {}",
        "const S: &str = \"#[allow(x)] #[ignore]\";",
        "// #[allow(x)]\nfn f() {}",
        "fn f() { allow(x); let v = vec![ignore]; }",
        "#[cfg(not(ignore))]\nfn f() {}",
        "#[derive(Debug)]\nstruct S { #[serde(skip)] ignore: u8 }",
    ] {
        assert_eq!(in_core(good), [], "{good}");
    }
}

#[test]
fn libraries_away_from_home_are_found() {
    for bad in [
        "use sqlx::Row;",
        "use rusqlite::Connection;",
        "use axum;",
        "use axum_extra::extract::CookieJar;",
        "extern crate redis;",
        "fn f() -> ::sqlx::Result<()> { todo() }",
        "macro_rules! m { () => { redis::cmd() } }",
        "type T = Vec<minijinja::Value>;",
    ] {
        assert_eq!(in_core(bad), [(1, "home")], "{bad}");
    }
    for good in [
        "use crate::bus::redis;",
        "fn f(redis: u8) -> u8 { redis + 1 }",
        "// sqlx::query\nconst S: &str = \"sqlx::x\";",
        "mod redis;",
    ] {
        assert_eq!(in_core(good), [], "{good}");
    }
}

#[test]
fn libraries_at_home_pass() {
    assert_eq!(rules("crates/parlour-store/src/x.rs", "use sqlx::Row;"), []);
    assert_eq!(
        rules("crates/parlour-web/src/x.rs", "use axum::Router;"),
        []
    );
    assert_eq!(rules("crates/parlour/src/serve.rs", "use axum::serve;"), []);
    let jobs = rules("crates/parlour/src/jobs.rs", "use axum::serve;");
    assert_eq!(jobs, [(1, "home")]);
}

#[test]
fn every_crate_says_what_it_is() {
    assert_eq!(rules("a/src/lib.rs", "//! Rooms.\nfn f() {}"), []);
    assert_eq!(
        rules("a/src/lib.rs", "/// Not the crate.\nfn f() {}"),
        [(1, "crate doc")]
    );
    assert_eq!(rules("a/src/main.rs", ""), [(1, "crate doc")]);
    assert_eq!(rules("a/src/other.rs", "fn f() {}"), []);
}

#[test]
fn a_file_that_does_not_parse_is_a_finding() {
    assert_eq!(in_core("fn f() {}\nfn g( {"), [(2, "syntax")]);
}
