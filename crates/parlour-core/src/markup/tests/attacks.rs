use super::*;

/// Every one is shown, and nothing of it is an element or an address that does something.
const ATTACKS: [&str; 47] = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=\"alert(1)\"",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate xlink:href=#x attributeName=href values=javascript:alert(1) /></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<iframe srcdoc=\"<script>alert(1)</script>\">",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?php echo 1 ?>",
    "<div\nonmouseover=alert(1)>\nx\n</div>",
    "**<b onclick=alert(1)>x</b>**",
    "- <script>\n- alert(1)</script>",
    "> <style>*{display:none}</style>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](\u{1}javascript:alert(1))",
    "[x]( javascript&colon;alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](blob:https://example.com/1)",
    "[x](//evil.example)",
    "[x](/logout)",
    "[x](file:///etc/passwd)",
    "![x](javascript:alert(1))",
    "![x\" onerror=\"alert(1)](https://example.com/a.png)",
    "[x](https://example.com/\"onmouseover=\"alert(1))",
    "[x](https://example.com \"a\\\" onmouseover=\\\"alert(1)\")",
    "[x](mailto:\"><script>alert(1)</script>@example.com)",
    "[x](mailto:<svg/onload=alert(1)>@example.com)",
    "https://example.com/\"onmouseover=alert(1)//",
    "https://example.com/'><script>alert(1)</script>",
    "<javascript:alert(1)>",
    "<https://example.com/<script>>",
    "[[x](https://a.example)](https://b.example)",
    "[![x](https://a.example/\"><script>)](https://b.example)",
    "```\"><script>alert(1)</script>\nx\n```",
    "```html onload=alert(1)\n<script>alert(1)</script>",
    "`<script>alert(1)</script>",
];

#[test]
fn attacks_are_text() {
    for text in ATTACKS {
        for text in [
            text.to_owned(),
            format!("a {text}\n**b**"),
            format!("> {text}"),
            format!("`{text}"),
        ] {
            let shown = show(&text);
            assert_safe(&shown, &text);
            assert!(!seen(&shown).is_empty(), "{text:?} vanished");
        }
    }
}

#[test]
fn html_is_shown_not_dropped() {
    for text in ATTACKS
        .iter()
        .filter(|text| text.starts_with('<') && !text.contains("http"))
    {
        let shown = seen(&show(text));
        let expected: String = text.split_whitespace().collect();
        let shown: String = shown.split_whitespace().collect();
        // References are resolved, breaks are elements.
        let resolved = expected.replace("&gt;", ">").replace("&lt;", "<");
        assert!([expected, resolved].contains(&shown), "{text}: {shown}");
    }
}

#[test]
fn unsafe_links_stay_as_they_were_written() {
    for text in [
        "[x](javascript:alert(1))",
        "[x](/logout)",
        "![x](data:a,b)",
        "[x](//evil.example \"t\")",
    ] {
        assert_eq!(show(text), format!("<p>{}</p>", text.replace('&', "&amp;")));
    }
}

#[test]
fn the_fence_alone_holds() {
    for text in ATTACKS {
        assert_safe(
            &fence::clean(text)
                .replace(
                    "rel=\"noopener noreferrer nofollow ugc\"",
                    &format!("rel=\"{}\"", fence::REL),
                )
                .replace("<a target", "<a href=\"https://removed\" target"),
            text,
        );
    }
    assert_eq!(
        fence::clean(
            "<span class=\"at evil\" style=x onclick=y data-user=1>a</span><h1 id=a>b</h1>"
        ),
        "<span class=\"at\" data-user=\"1\">a</span>b"
    );
}

#[test]
fn what_the_writer_makes_passes_the_fence_unchanged() {
    for text in [
        "a **b** [c](https://d.ef/?a=1&b=2) `e`",
        "> - a\n>   1. b\n\n```rs\nfn a() {}\n```",
        "a\u{a0}b **\"q\"**",
    ] {
        let names = Names::default();
        let source = Source::new(text, &names).expect("a source");
        let written = write::marked(&source, &names).expect("seen");
        assert_eq!(fence::clean(&written), written);
    }
}

#[test]
fn nothing_grows_or_nests_without_bound() {
    let texts = [
        ">".repeat(10_000),
        "> ".repeat(1_000) + "a",
        "- ".repeat(1_000) + "a",
        "1. ".repeat(3_000) + "a",
        ">>>>>>>>a\n\n".repeat(900),
        "*a ".repeat(3_000),
        "**a".repeat(3_000),
        "*a*".repeat(3_333),
        "[".repeat(10_000),
        "[a](b".repeat(2_000),
        "![".repeat(5_000),
        "`".repeat(9_999),
        "http://a ".repeat(1_111),
        "<http://a>".repeat(1_000),
        "&".repeat(10_000),
        "<".repeat(10_000),
        "&lt;".repeat(2_500),
        "\n".repeat(9_999) + "a",
        "a\n\n".repeat(3_333),
        format!("a{}", "\u{301}".repeat(9_999)),
        "\u{202e}".repeat(10_000),
        "\u{f0000}".repeat(10_000) + "*a*",
        (0..1024)
            .filter_map(|i| char::from_u32(0xf0000 + i * 128))
            .collect::<String>()
            + "*a*<",
        "@a ".repeat(3_333),
    ];
    let people = [user(1, "a")];
    for text in texts {
        let html = show_to(&text, &people);
        assert_safe(
            &html,
            &text[..text.char_indices().nth(20).map_or(text.len(), |(at, _)| at)],
        );
        assert!(
            html.len() <= text.len() * 10 + 1024,
            "{} -> {}",
            text.len(),
            html.len()
        );
        let depth = html.matches("<blockquote>").count();
        assert!(html.contains("a\n\n>") || depth < text.len(), "{depth}");
        assert!(excerpt(&text, 50).chars().count() <= 50);
    }
    let long = "*a* ".repeat(2_501);
    assert!(!show(&long).contains("<em>"), "markup above the limit");
    assert!(show(&long[4..]).contains("<em>"));
}
