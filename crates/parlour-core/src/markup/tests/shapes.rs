use super::*;

fn link(url: &str, text: &str) -> String {
    format!(
        "<a href=\"{url}\" target=\"_blank\" rel=\"{}\">{text}</a>",
        fence::REL
    )
}

fn p(inside: &str) -> String {
    format!("<p>{inside}</p>")
}

#[test]
fn the_subset() {
    for (text, html) in [
        ("hello", "<p>hello</p>"),
        // A limit of CommonMark that decision record 5 names.
        ("**강조(예)**는", "<p>**강조(예)**는</p>"),
        ("a\nb\n\nc", "<p>a<br>b</p><p>c</p>"),
        (
            "**a** *b* _c_ ~~d~~",
            "<p><strong>a</strong> <em>b</em> <em>c</em> <del>d</del></p>",
        ),
        (
            "`a<b` `**x**`",
            "<p><code>a&lt;b</code> <code>**x**</code></p>",
        ),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("3. a\n4. b", "<ol start=\"3\"><li>a</li><li>b</li></ol>"),
        ("1. a\n2. b", "<ol><li>a</li><li>b</li></ol>"),
        ("# a\nb", "<p><strong>a</strong></p><p>b</p>"),
        ("a\n---", "<p><strong>a</strong></p>"),
        ("a\n\n---\n\nb", "<p>a</p><p>---</p><p>b</p>"),
        ("|a|b|\n|-|-|\n|c|d|", "<p>|a|b|<br>|-|-|<br>|c|d|</p>"),
        ("[a]: https://example.com", "<p>[a]: ||</p>"),
    ] {
        let html = html.replace("||", &link("https://example.com/", "https://example.com"));
        assert_eq!(show(text), html, "{text}");
    }
}

#[test]
fn a_quote_ends_where_its_marks_end() {
    assert_eq!(
        show("> a\n> b\nanswer"),
        "<blockquote><p>a<br>b</p></blockquote><p>answer</p>"
    );
    assert_eq!(
        show("```\n> a\nb\n```"),
        "<pre tabindex=\"0\"><code>&gt; a\nb</code></pre>"
    );
}

#[test]
fn chat_is_no_markup() {
    for text in [
        "네~네~ ~a~",
        "5 * 3 * 2",
        "snake_case_name",
        "a < b > c",
        ":-) @ 5 & 6",
        "1 = 1",
        "#1",
    ] {
        let plain = text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        assert_eq!(show(text), p(&plain));
    }
    // Nothing would be seen: the text itself is.
    for text in ["#", ">", "-", "*", "1."] {
        assert_eq!(seen(&show(text)), text);
    }
}

#[test]
fn code_is_coloured() {
    assert_eq!(
        show("```rust\nfn a(b: &'x str) -> u8 { 'c'; \"s\\\"\"; 0x1f } // d\n```"),
        "<pre tabindex=\"0\" data-lang=\"rust\"><code><span class=\"k\">fn</span> \
         <span class=\"v\">a</span>(b: &amp;'x <span class=\"t\">str</span>) -&gt; \
         <span class=\"t\">u8</span> { <span class=\"s\">'c'</span>; \
         <span class=\"s\">\"s\\\"\"</span>; <span class=\"n\">0x1f</span> } \
         <span class=\"c\">// d</span></code></pre>"
    );
    for (language, code, html) in [
        (
            "py",
            "def f(): # x",
            "<span class=\"k\">def</span> <span class=\"v\">f</span>(): <span class=\"c\"># x</span>",
        ),
        (
            "sql",
            "SELECT 'a' -- b",
            "<span class=\"k\">SELECT</span> <span class=\"s\">'a'</span> <span class=\"c\">-- b</span>",
        ),
        (
            "json",
            "{\"a\": \"b\", \"c\": 1.5e-3}",
            "{<span class=\"v\">\"a\"</span>: <span class=\"s\">\"b\"</span>, <span class=\"v\">\"c\"</span>: <span class=\"n\">1.5e-3</span>}",
        ),
        (
            "html",
            "<p class=\"a\">x &amp; y</p>",
            "<span class=\"k\">&lt;p</span> <span class=\"v\">class</span>=<span class=\"s\">\"a\"</span><span class=\"k\">&gt;</span>x <span class=\"n\">&amp;amp;</span> y<span class=\"k\">&lt;/p&gt;</span>",
        ),
        (
            "css",
            ".a { color: #fff }",
            ".a { <span class=\"v\">color</span>: <span class=\"n\">#fff</span> }",
        ),
        (
            "bash",
            "echo $HOME # c",
            "<span class=\"k\">echo</span> <span class=\"v\">$HOME</span> <span class=\"c\"># c</span>",
        ),
        (
            "toml",
            "a-b = true",
            "<span class=\"v\">a-b</span> = <span class=\"k\">true</span>",
        ),
        (
            "java",
            "@Test String s;",
            "<span class=\"v\">@Test</span> <span class=\"t\">String</span> s;",
        ),
        ("brainfuck", "+[<", "+[&lt;"),
    ] {
        let shown = show(&format!("```{language}\n{code}\n```"));
        let (_, inside) = shown.split_once("<code>").expect("code");
        assert_eq!(inside, format!("{html}</code></pre>"), "{language}");
    }
}

#[test]
fn code_is_shown_in_full_whatever_it_holds() {
    for language in languages::LANGUAGES
        .iter()
        .map(|language| language.names[0])
    {
        for code in [
            "'",
            "\"a\n\"",
            "/* x",
            "<!-- x",
            "<a 'b",
            "r#\"",
            "&x;&",
            "$ @ # $a @가 #fff é",
            "\\",
        ] {
            let shown = show(&format!("```{language}\n{code}\n```"));
            assert_safe(&shown, code);
            assert_eq!(seen(&shown), code, "{language}");
            assert!(
                shown.contains(&format!("data-lang=\"{language}\"")),
                "{shown}"
            );
        }
    }
    // Too long to colour, or nothing but colours: shown without.
    for code in ["let a;\n".repeat(800), "[1,2]".repeat(700)] {
        let shown = show(&format!("```js\n{code}\n```"));
        assert!(
            shown.contains("<pre") && !shown.contains("<span"),
            "{shown}"
        );
    }
}

#[test]
fn addresses_become_links() {
    for (text, url, shown) in [
        (
            "https://example.com",
            "https://example.com/",
            "https://example.com",
        ),
        (
            "(https://example.com/a_b_(c))",
            "https://example.com/a_b_(c)",
            "https://example.com/a_b_(c)",
        ),
        (
            "see HTTP://Example.com/x?a=1&copy=2.",
            "http://example.com/x?a=1&amp;copy=2",
            "HTTP://Example.com/x?a=1&amp;copy=2",
        ),
        (
            "**https://example.com/_a_/**",
            "https://example.com/_a_/",
            "https://example.com/_a_/",
        ),
        (
            "<https://example.com/>",
            "https://example.com/",
            "https://example.com/",
        ),
        (
            "https://example.com에서",
            "https://example.com/",
            "https://example.com",
        ),
        (
            "여기https://example.com/한국어",
            "https://example.com/%ED%95%9C%EA%B5%AD%EC%96%B4",
            "https://example.com/한국어",
        ),
        (
            "[site](https://example.com \"t\")",
            "https://example.com/",
            "site",
        ),
        (
            "![cat](https://example.com/cat.png)",
            "https://example.com/cat.png",
            "cat",
        ),
        (
            "![](https://example.com/cat.png)",
            "https://example.com/cat.png",
            "https://example.com/cat.png",
        ),
        (
            "[mail](mailto:a@example.com)",
            "mailto:a@example.com",
            "mail",
        ),
        (
            "[www.example.com](https://example.com)",
            "https://example.com/",
            "www.example.com",
        ),
    ] {
        let html = show(text);
        assert_safe(&html, text);
        assert!(html.contains(&link(url, shown)), "{text}: {html}");
        assert!(!html.contains("class=\"host\""), "{text}: {html}");
    }
    assert!(!show("`https://example.com` xhttp://a.b http://").contains("<a"));
}

#[test]
fn a_link_that_looks_like_another_shows_its_host() {
    for (text, host) in [
        ("[https://bank.com](https://evil.example/)", "evil.example"),
        ("[bank.com/login](https://evil.example/)", "evil.example"),
        ("[bank。com](https://evil.example/)", "evil.example"),
        ("[b\u{200b}ank․com](https://evil.example/)", "evil.example"),
        (
            "[bank.com https://evil.example](https://evil.example/)",
            "evil.example",
        ),
        ("[\u{202e}moc](https://evil.example/)", "evil.example"),
        ("[127.0.0.1](https://evil.example/)", "evil.example"),
        ("[me@bank.com](mailto:me@evil.example)", "evil.example"),
        ("https://bank.com@evil.example/", "evil.example"),
        ("https://аpple.com/", "xn--pple-43d.com"),
        ("http://2130706433/", "127.0.0.1"),
        ("[bank.com](https://bank.com\\@evil.example)", ""),
    ] {
        let html = show(text);
        assert_safe(&html, text);
        let span = format!("</a> <span class=\"host\">({host})</span>");
        assert_eq!(html.contains(&span), !host.is_empty(), "{text}: {html}");
    }
}

#[test]
fn excerpts_are_one_plain_line() {
    for (text, line) in [
        ("**a** `b`\n\n> c\n- d [e](https://x.yz)", "a b c d e"),
        ("  a \t b\u{202e}c\u{7}d ", "a bcd"),
        ("```rust\nlet a;\n```", "let a;"),
        ("<b>x</b>", "<b>x</b>"),
        ("#", "#"),
    ] {
        assert_eq!(excerpt(text, 80), line, "{text}");
    }
    assert_eq!(excerpt("abcdef", 6), "abcdef");
    assert_eq!(excerpt("abcdef", 5), "abcd…");
    assert_eq!(excerpt("ab 👨‍👩‍👧‍👦", 6), "ab…");
    assert_eq!(excerpt("abc", 0), "");
    let marks = format!("a{}", "\u{301}".repeat(10_000));
    assert_eq!(excerpt(&marks, 10), "a…");
}

#[test]
fn one_emoji() {
    for (text, emoji) in [
        ("👍", "👍"),
        ("👍\u{fe0f}", "👍"),
        ("👍🏽", "👍🏽"),
        ("❤", "❤️"),
        ("❤️", "❤️"),
        ("👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"),
        ("🇰🇷", "🇰🇷"),
        ("1️⃣", "1️⃣"),
    ] {
        assert_eq!(super::emoji(text), Some(emoji), "{text}");
    }
    for text in [
        "", "a", "1", "👍👍", "👍 ", ":+1:", "\u{fe0f}", "🏴a", "<b>",
    ] {
        assert_eq!(super::emoji(text), None, "{text}");
    }
}
