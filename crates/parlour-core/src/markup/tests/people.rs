use super::*;

fn found(text: &str, people: &[(UserId, String)]) -> Vec<(i64, String)> {
    mentions(text, people)
        .into_iter()
        .map(|mention| (mention.user.get(), mention.name))
        .collect()
}

fn room() -> Vec<(UserId, String)> {
    vec![
        user(1, "Ada"),
        user(2, "Ada Lovelace"),
        user(3, "미나"),
        user(4, "ｚｏë"),
        user(5, "*st_ar*"),
        user(6, "محمد"),
        user(7, "nope!"),
    ]
}

#[test]
fn names_are_found_as_accounts_compare_them() {
    for (text, who, name) in [
        ("@Ada", 1, "Ada"),
        ("hi @ADA!", 1, "ADA"),
        ("(@ada)", 1, "ada"),
        ("@Ada Lovelace: hi", 2, "Ada Lovelace"),
        ("@ada lovelacexyz", 1, "ada"),
        ("@Ada님", 1, "Ada"),
        ("@Ada Lovelace님께서는 오셨어요", 2, "Ada Lovelace"),
        ("@미나님이", 3, "미나"),
        ("@미나가 왔다", 3, "미나"),
        ("@미나", 3, "미나"),
        (
            "@\u{1106}\u{1175}\u{1102}\u{1161}\u{1102}\u{1175}\u{11b7} 안녕",
            3,
            "\u{1106}\u{1175}\u{1102}\u{1161}",
        ),
        ("@Zoe\u{308}", 4, "Zoe\u{308}"),
        ("@zOË", 4, "zOË"),
        ("@A\u{200b}da", 1, "A\u{200b}da"),
        ("**@*st_ar***", 5, "*st_ar*"),
        ("_@ada_", 1, "ada"),
        ("يا @محمد أهلا", 6, "محمد"),
        ("@nope!x", 7, "nope!"),
        ("@@ada", 1, "ada"),
        ("- @ada\n> b", 1, "ada"),
    ] {
        assert_eq!(found(text, &room()), [(who, name.to_owned())], "{text}");
        let span = format!("<span class=\"at\" data-user=\"{who}\">@{name}</span>");
        let html = show_to(text, &room());
        assert_safe(&html, text);
        assert!(html.contains(&span), "{text}: {html}");
    }
}

#[test]
fn what_addresses_nobody() {
    for text in [
        "mail@ada",
        "가@ada",
        "_@ada",
        "@adam",
        "@ada_",
        "@ada2",
        "@ada\u{301}",
        "@미나리",
        "@Ada님123",
        "`@ada`",
        "```\n@ada\n```",
        "~~~\n@ada",
        "https://example.com/@ada",
        "[@ada](https://example.com)",
        "ada",
        "@",
    ] {
        assert_eq!(found(text, &room()), [], "{text}");
        assert!(
            !show_to(text, &room()).contains("<span class=\"at\""),
            "{text}"
        );
    }
}

#[test]
fn each_once_in_order_but_marked_everywhere() {
    let text = "@미나 @ada @Ada **@ADA** `@ada`";
    assert_eq!(
        found(text, &room()),
        [(3, "미나".to_owned()), (1, "ada".to_owned())]
    );
    assert_eq!(show_to(text, &room()).matches("class=\"at\"").count(), 4);
}

#[test]
fn at_most_fifty() {
    let people: Vec<_> = (1..=80).map(|id| user(id, &format!("p{id}"))).collect();
    let text: String = (1..=80).map(|id| format!("@p{id} ")).collect();
    assert_eq!(mentions(&text, &people).len(), MAX_MENTIONS);
    assert_eq!(
        show_to(&text, &people).matches("class=\"at\"").count(),
        MAX_MENTIONS
    );
}

#[test]
fn a_name_with_html_is_text() {
    let people = [user(9, "<b onclick=x>\"'&amp;")];
    for text in ["@<b onclick=x>\"'&amp;", "**a** @<b onclick=x>\"'&amp; b"] {
        let html = show_to(text, &people);
        assert_safe(&html, text);
        assert!(
            html.contains("data-user=\"9\">@&lt;b onclick=x&gt;\"'&amp;amp;</span>"),
            "{html}"
        );
    }
}
