//! How long message texts take: typical ones, and those that are made to hurt.
//!
//! `cargo run --release -p parlour-core --example markup`

use parlour_core::{UserId, markup};

fn main() {
    let people: Vec<_> = (1..=100)
        .map(|i| (UserId::new(i), format!("Person {i}")))
        .collect();
    let code = "```rust\n".to_owned() + &"let x = foo(1, \"a\"); // c\n".repeat(40) + "```";
    let texts = [
        ("short line", "See you at nine, then".to_owned()),
        ("Korean line", "네~ 내일 아홉 시에 봬요".to_owned()),
        ("mention", "@Person 12 are you there?".to_owned()),
        ("link", "look at https://example.com/a?b=1".to_owned()),
        ("bold", "this is **very** good".to_owned()),
        ("40 lines of Rust", code),
        ("10,000 letters", "word ".repeat(2000)),
        ("1,000 quotes", format!("{}a", ">".repeat(1000))),
        ("1,000 lists", format!("{}a", "- ".repeat(1000))),
        (
            "deep lists",
            (0..100).map(|i| " ".repeat(i * 2) + "- a\n").collect(),
        ),
        ("brackets", "[".repeat(10_000)),
        ("links", "[a](b".repeat(2_000)),
        ("stars", "*a ".repeat(3_333)),
        ("mixed stars", "*a _b **c ".repeat(1_000)),
        ("backticks", (1..140).map(|i| "`".repeat(i) + " ").collect()),
        ("at signs", "@".repeat(10_000)),
        ("addresses", "http://a ".repeat(1_111)),
        ("combining", format!("@a{}", "\u{301}".repeat(9_998))),
        ("quotes in lines", ">>>>>>>>>a\n\n".repeat(800)),
        ("angle brackets", "<a href='".repeat(1_100)),
    ];
    for (name, text) in texts {
        let text: String = text.chars().take(markup::MAX_CHARS).collect();
        let rounds = 200_000_u32 / u32::try_from(text.len()).unwrap_or(1).max(20);
        let found = markup::mentions(&text, &people);
        // The best of many: other programs make every other one slower.
        let time = |f: &dyn Fn() -> usize| {
            let once = |_| {
                let begin = std::time::Instant::now();
                let length = f();
                (begin.elapsed(), length)
            };
            (0..=rounds).map(once).min().unwrap_or_default()
        };
        let (shown, length) = time(&|| markup::html(&text, &found).len());
        let (looked, _) = time(&|| markup::mentions(&text, &people).len());
        let (line, _) = time(&|| markup::excerpt(&text, 80).len());
        let input = text.len();
        eprintln!(
            "{name:16} {input:6} -> {length:6} B: html {shown:?}, mentions {looked:?}, excerpt {line:?}"
        );
    }
}
