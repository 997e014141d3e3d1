//! Languages, assets and themes.

use crate::support::{Engine, Server, eventually, stories};

stories![sqlite only:
    languages_are_chosen,
    assets_are_kept_for_ever,
    a_folder_replaces_the_theme,
    the_built_in_theme_can_be_written_out,
];

async fn languages_are_chosen(engine: Engine) {
    let server = engine.setup().start().await;
    let browser = server.browser();
    assert!(browser.get("/").await.text().contains("<html lang=\"en\""));
    let korean = browser.get("/accounts/login/?next=/x/&lang=ko").await;
    assert!(
        korean.text().contains("<html lang=\"ko\""),
        "{}",
        korean.text()
    );
    assert_eq!(browser.cookie("parlour_lang"), "ko");
    let page = browser.get("/chat/list/").await;
    assert!(page.text().contains("<html lang=\"ko\""));
    assert!(page.header("vary").contains("accept-language"), "{page:?}");
    let call = server.get("/").header("accept-language", "de, ko;q=0.5");
    assert!(call.await.text().contains("<html lang=\"ko\""));
    browser.get("/?lang=xx").await;
    assert_eq!(browser.cookie("parlour_lang"), "ko");
}

/// The address of an asset that a page names.
fn asset(page: &str, ending: &str) -> String {
    let words = page.split(['"', '\'', ' ', '<', '\n']);
    let found = words.filter(|word| word.starts_with("/assets/") && word.ends_with(ending));
    let mut found = found.map(str::to_owned);
    found
        .next()
        .unwrap_or_else(|| panic!("no {ending} in {page}"))
}

async fn assets_are_kept_for_ever(engine: Engine) {
    let server: Server = engine.setup().start().await;
    let path = asset(&server.browser().get("/").await.text(), "/css/parlour.css");
    let answer = server.get(&path).await;
    assert_eq!(answer.status, 200, "{path}");
    assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(
        answer.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let etag = answer.header("etag").to_owned();
    let again = server.get(&path).header("if-none-match", &etag).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    let head = server.call("HEAD", &path).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("etag"), etag);
    let old = server.get("/assets/0123456789abcdef/css/parlour.css").await;
    assert_eq!(
        (old.status, old.header("cache-control")),
        (200, "public, no-cache")
    );
    for path in [
        "/assets/x/nothing.css",
        "/assets/x/../../Cargo.toml",
        "/assets/x/%2e%2e/%2e%2e/Cargo.toml",
        "/assets/x/swagger.html",
    ] {
        assert_eq!(server.get(path).await.status, 404, "{path}");
    }
    let manifest = server.get("/manifest.webmanifest").await.ok(200);
    assert_eq!(manifest["scope"], "/");
}

async fn a_folder_replaces_the_theme(engine: Engine) {
    let setup = engine.setup();
    let theme = setup.folder().join("theme");
    let write = |path: &str, text: &str| {
        let path = theme.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    write(
        "templates/logout.html",
        "<title>{{ page.site.name }}</title>{{ t('login-failed') }} {{ asset('img/x.svg') }}",
    );
    write("locales/en/own.ftl", "login-failed = Not today.");
    write(
        "assets/img/x.svg",
        "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
    );
    let folder = theme.display().to_string();
    let server = setup.env("THEME_DIR", &folder).start().await;
    let page = server.get("/accounts/logout/").await.text();
    assert!(page.contains("<title>Parlour</title>Not today."), "{page}");
    let picture = server.get(&asset(&page, "/img/x.svg")).await;
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    assert_eq!(server.get("/accounts/login/").await.status, 200);

    // A template that fails at the time of use: an error page with a number, no insides.
    write("templates/logout.html", "{{ page.no.such.thing }}");
    let server = engine.setup().env("THEME_DIR", &folder).start().await;
    let page = server.get("/accounts/logout/").await;
    assert_eq!(page.status, 500);
    assert!(
        page.text().contains(page.header("x-request-id")),
        "{}",
        page.text()
    );
    assert!(
        !page.text().contains("undefined") && !page.text().contains(".rs"),
        "{}",
        page.text()
    );
    eventually("the log tells why", async || {
        server.log().contains("undefined")
    })
    .await;

    // One that is no template at all: the server does not start, and says where.
    write("templates/logout.html", "{% if %}");
    let refused = engine
        .setup()
        .env("THEME_DIR", &folder)
        .start_beside()
        .await;
    let text = refused.expect_err("no start");
    assert!(text.contains("templates/logout.html"), "{text}");
}

async fn the_built_in_theme_can_be_written_out(engine: Engine) {
    let setup = engine.setup();
    let folder = setup.folder().join("mine");
    let name = folder.display().to_string();
    let output = setup.command(&["theme", "export", &name], "");
    assert!(output.status.success(), "{output:?}");
    assert!(folder.join("templates/login.html").is_file());
    assert!(folder.join("locales/ko/server.ftl").is_file());
    let again = setup.command(&["theme", "export", &name], "");
    assert!(!again.status.success());
    let server = setup.env("THEME_DIR", &name).start().await;
    assert_eq!(server.get("/").await.status, 200);
}
