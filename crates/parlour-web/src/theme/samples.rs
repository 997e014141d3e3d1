//! Every page that a visitor without a room may meet, rendered with sample data in strict mode, for
//! visitors and for somebody who is logged in, in every language. The pages of a room, of one's own
//! account and of administrators are rendered whole by the stories.

use super::{Theme, functions::Rendering, language::Language};
use minijinja::{Value, context, value::Serde};
use serde_json::{Value as Json, json};

/// What could break a page when it is not escaped.
const EVIL: &str = "</script><script>alert(1)</script>\u{202e}'\"";

fn page(language: Language, logged_in: bool) -> Json {
    let me = json!({
        "id": 7, "nickname": EVIL, "initials": "A", "hue": 3, "is_admin": true,
        "preferences": {"language": null, "theme": "system", "density": "roomy", "clock": "auto",
            "calm": false, "send_key": "enter", "single_keys": true},
    });
    let link = json!({
        "id": 4, "url": "/chat/4/", "name": EVIL, "is_private": true, "current": false,
        "unread": true, "mentions": 2, "left": "5", "closes": null, "read_seq": 1, "seq": 9,
    });
    json!({
        "lang": language.code(), "theme": "system", "density": "roomy", "calm": false,
        "clock": "auto", "path": "/x/?a=1", "title": EVIL, "nonce": "n0nce",
        "status": EVIL, "error": null,
        "site": {"name": EVIL, "welcome": "", "run_by": EVIL, "hue": 185,
            "logo_url": "/site/logo?v=1", "css_url": "/site/custom.css?v=1"},
        "me": logged_in.then_some(me),
        "languages": [{"code": "en", "name": "English", "current": true, "url": "/x/?lang=en"},
            {"code": "ko", "name": "한국어", "current": false, "url": "/x/?lang=ko"}],
        "sidebar": logged_in.then(|| json!([link])),
        "csrf_token": "t0ken", "max_text_chars": 10_000,
    })
}

fn card() -> Json {
    json!({
        "id": 4, "url": "/chat/4/", "name": EVIL, "topic": EVIL, "is_private": false, "taken": 1,
        "max": 2, "seats": [true, false], "seat_percent": 50,
        "created": "2026-11-21T05:03:09.5Z", "closes": "2026-11-28T05:03:09.5Z", "left": "7",
        "left_soon": true, "wick": 7, "wick_percent": 100, "owner_nickname": EVIL, "mine": false,
        "full": false,
    })
}

fn form() -> Json {
    json!({
        "values": {"email": EVIL, "nickname": EVIL, "password1": "", "password2": "",
            "username": EVIL, "password": "", "title": EVIL, "topic": EVIL, "kind": "GROUP",
            "max_users": "2"},
        "errors": {"email": [EVIL, "b"], "nickname": [], "password1": [], "password2": [],
            "username": [], "password": [], "title": [EVIL], "topic": [], "kind": [],
            "max_users": []},
        "summary": [{"field": "email", "text": EVIL, "link": {"url": "/x/", "text": EVIL}},
            {"field": "title", "text": EVIL, "link": null}],
        "alert": EVIL,
    })
}

fn samples() -> Vec<(&'static str, Json)> {
    let account = json!({"form": form(), "next": "/chat/4/?a=1&b=2", "sign_up_open": true});
    let closed = json!({"form": form(), "next": null, "sign_up_open": false});
    let error = |status: u16, retry: Option<u64>| {
        json!({"status_code": status, "heading": EVIL, "text": EVIL, "retry_after": retry,
            "request_id": "0badcafe-1"})
    };
    let enter = |reason: &str| json!({"card": card(), "reason": reason, "others": [card()]});
    vec![
        ("register.html", account.clone()),
        ("register.html", closed.clone()),
        ("login.html", account.clone()),
        ("login.html", closed),
        ("logout.html", account),
        ("error.html", error(404, None)),
        ("error.html", error(429, Some(40))),
        ("error.html", error(500, None)),
        (
            "gone.html",
            json!({"name": EVIL, "ended": "2026-11-21T05:03:09.5Z", "reason": "expired",
                "is_owner": true}),
        ),
        ("room_enter.html", enter("full")),
        ("room_enter.html", enter("invited")),
        ("room_enter.html", enter("ask")),
    ]
}

#[test]
fn pages_render_and_nothing_that_people_typed_is_markup() {
    let theme = Theme::load(None).expect("the theme");
    for language in Language::ALL {
        let rendering = Rendering {
            language,
            nonce: "n0nce".into(),
            csrf_token: "t0ken".into(),
        };
        for (template, sample) in samples() {
            for logged_in in [false, true] {
                let page = Value::from(Serde(page(language, logged_in)));
                let values = context! { page, ..Value::from(Serde(&sample)) };
                let html = theme
                    .render(template, &rendering, values)
                    .unwrap_or_else(|error| panic!("{template} {sample}: {error:#}"));
                assert!(!html.contains("<script>"), "{template}: {html}");
                assert!(html.contains("&lt;script&gt;alert(1)"), "{template}");
                let start = format!("<html lang=\"{}\"", language.code());
                assert!(html.contains(&start), "{template}");
                for script in html.split("<script").skip(1) {
                    let tag = script.split('>').next().unwrap_or_default();
                    let runs = !tag.contains("application/json");
                    assert!(
                        !runs || tag.contains("nonce=\"n0nce\""),
                        "{template}: {tag}"
                    );
                }
            }
        }
    }
}
