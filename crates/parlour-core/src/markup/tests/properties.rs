use super::*;
use proptest::prelude::*;

/// Texts full of marks.
fn marks() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[ \\n]{1,3}",
        "[*_~`<>#\\-+=.!&\\\\()\\[\\]:;|@\"'0-9]{1,3}",
        "[a-zé가나\u{301}\u{a0}\u{202e}]{1,4}",
        prop::sample::select(vec![
            "http://a.b",
            "https://x.yz/_a_",
            "<http://a>",
            "](",
            "](http://a)",
            "```",
            "```rs\n",
            "~~",
            "\n> ",
            "\n- ",
            "\n1. ",
            "&amp;",
            "&#60;",
            "<script>",
            "</p>",
            "<!--",
            "javascript:",
            "@ada",
            "@미나님",
            "👍🏽",
            "\r\n",
            "\t",
            "\u{f0000}",
            "    ",
            "![",
            "data:",
            "mailto:a@b.c",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

fn people() -> Vec<(UserId, String)> {
    vec![user(5, "Ada"), user(6, "미나")]
}

/// Letters in their order: what every reader has to see.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphabetic()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn every_text_is_safe_and_bounded(text in prop_oneof![marks(), "\\PC{0,80}", ".{0,80}"]) {
        let html = show_to(&text, &people());
        assert_safe(&html, &text);
        prop_assert!(html.len() <= text.len() * 10 + 1024);
        let line = excerpt(&text, 20);
        prop_assert!(line.chars().count() <= 20);
        prop_assert!(!line.contains(|c: char| c.is_control() || plain::turns_direction(c)), "{line:?}");
    }

    /// Without links, code and references (which have parts that nobody sees) no letter is lost, made
    /// or moved.
    #[test]
    fn every_letter_is_shown(text in marks()) {
        let mut text = text.replace(['[', '`', '&', '\\'], " ");
        while text.contains("~~~") {
            text = text.replace("~~~", "~~");
        }
        let html = show(&text);
        prop_assume!(!html.contains("class=\"host\""));
        prop_assert_eq!(letters(&seen(&html)), letters(&text));
    }

    #[test]
    fn the_fast_path_is_the_slow_path(text in prop_oneof![marks(), "[a-z <>&~\\[\\]().:!#\"'가\n-]{0,40}"]) {
        prop_assume!(is_plain(&text));
        let found = mentions(&text, &people());
        let names = Names::new(found.iter().map(|m| (m.user, m.name.as_str())));
        prop_assert_eq!(write::plain(&text, &names), marked(&text, &names));
    }

    #[test]
    fn who_is_found_is_marked(text in marks()) {
        let found = mentions(&text, &people());
        let html = html(&text, &found);
        for mention in found {
            let span = format!("data-user=\"{}\">@", mention.user);
            prop_assert!(html.contains(&span), "{html}");
        }
    }

    #[test]
    fn an_emoji_stays_itself(text in "\\PC{0,3}") {
        if let Some(emoji) = super::super::emoji(&text) {
            prop_assert_eq!(super::super::emoji(emoji), Some(emoji));
        }
    }
}
