//! Contract 1: Swagger UI, Redoc and the OpenAPI document, all from this server (D-28), and the
//! spellings of the reference's README (D-24).

use crate::support::{Answer, PASSWORD, Server, USERS, Value, json, people::user_path, stories};
use std::collections::BTreeSet;

/// What `src` and `href` attributes and CSS imports of a page name.
fn references(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    for mark in ["src=\"", "href=\"", "url("] {
        for piece in page.split(mark).skip(1) {
            let end = piece.find(['"', ')']).unwrap_or(piece.len());
            found.push(piece[..end].to_owned());
        }
    }
    found
}

#[track_caller]
fn forbids_inline_scripts(answer: &Answer) {
    let policy = answer.header("content-security-policy");
    let scripts = policy
        .split(';')
        .map(str::trim)
        .find(|part| part.starts_with("script-src"))
        .or_else(|| {
            policy
                .split(';')
                .map(str::trim)
                .find(|part| part.starts_with("default-src"))
        })
        .unwrap_or_default();
    assert!(!scripts.is_empty(), "no policy: {policy:?}");
    for hole in ["unsafe-inline", "unsafe-eval", "http:", "https:", " *"] {
        assert!(!scripts.contains(hole), "{scripts}");
    }
    assert!(
        !policy.contains("http:") && !policy.contains("https:"),
        "{policy}"
    );
}

stories![
    both_readers_open_without_any_other_host,
    the_schema_is_yaml_or_json,
    the_schema_covers_the_api,
    the_spellings_of_the_readme_are_aliases,
    the_front_door_is_a_page,
];

async fn both_readers_open_without_any_other_host(server: Server) {
    for (path, word) in [("/api/v1/", "swagger"), ("/api/v1/redoc/", "redoc")] {
        let page = server.get(path).await;
        page.ok(200);
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{path}"
        );
        assert!(page.text().to_lowercase().contains(word), "{path}");
        forbids_inline_scripts(&page);
        let text = page.text();
        assert!(!text.contains("<script>"), "{path}: an inline script");
        assert!(
            !text.contains(" onload=") && !text.contains("javascript:"),
            "{path}"
        );
        let references = references(&text);
        assert!(
            references.iter().any(|r| r.contains(".js")),
            "{path}: {references:?}"
        );
        for reference in references.iter().filter(|r| !r.starts_with("data:")) {
            assert!(!reference.contains("//"), "{path}: {reference}");
            let absolute = if reference.starts_with('/') {
                reference.clone()
            } else {
                format!("{path}{reference}")
            };
            let asset = server.get(&absolute).await;
            assert_eq!(asset.status, 200, "{absolute}");
            assert_eq!(
                asset.header("x-content-type-options"),
                "nosniff",
                "{absolute}"
            );
        }
    }
}

async fn the_schema_is_yaml_or_json(server: Server) {
    let yaml = server.get("/api/v1/schema/").await;
    assert_eq!(yaml.status, 200);
    assert!(
        yaml.header("content-type")
            .starts_with("application/vnd.oai.openapi")
    );
    assert!(yaml.text().starts_with("openapi:"), "{:.80}", yaml.text());
    let by_query = server.get("/api/v1/schema/?format=json").await;
    let by_header = server
        .get("/api/v1/schema/")
        .header("accept", "application/json")
        .await;
    assert!(
        by_header
            .header("content-type")
            .starts_with("application/json")
    );
    assert_eq!(by_query.json(), by_header.json());
    let document = by_query.ok(200);
    assert_eq!(document["info"]["title"], "Chat API");
    assert_eq!(document["info"]["version"], "1.0.0");
    let scheme = &document["components"]["securitySchemes"]["tokenAuth"];
    assert_eq!(scheme["type"], "apiKey");
    assert_eq!(scheme["in"], "header");
    assert_eq!(scheme["name"], "Authorization");
}

/// Full paths, the contract's operation names, and every route that a client may call.
async fn the_schema_covers_the_api(server: Server) {
    let document = server.get("/api/v1/schema/?format=json").await.ok(200);
    let mut names = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        assert!(
            path.starts_with("/api/v1/") && path.ends_with('/')
                // The contract names files so (section 5).
                || path == "/media/{class}/{name}",
            "{path}"
        );
        for (method, operation) in operations.as_object().expect("operations") {
            let name = operation["operationId"].as_str().unwrap_or_default();
            assert!(names.insert(name.to_owned()), "{name} twice");
            assert!(
                operation["responses"]
                    .as_object()
                    .is_some_and(|r| !r.is_empty())
            );
            let described = ["summary", "description"]
                .iter()
                .any(|k| operation[k].is_string());
            assert!(described, "{method} {path} says nothing");
            for hole in path.split('{').skip(1) {
                let name = hole.split('}').next().unwrap_or_default();
                let parameters = operation["parameters"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                let known = parameters
                    .iter()
                    .any(|p| p["name"] == name && p["in"] == "path");
                assert!(known, "{method} {path}: {name}");
            }
        }
    }
    for name in [
        "auth_login_create",
        "auth_logout_create",
        "users_list",
        "users_create",
        "users_read",
        "users_update",
        "users_partial_update",
        "users_delete",
        "chats_rooms_list",
        "chats_rooms_create",
        "chats_rooms_read",
        "chats_rooms_update",
        "chats_rooms_partial_update",
        "chats_rooms_delete",
        "chats_rooms_join_update",
        "chats_rooms_join_partial_update",
        "chats_rooms_leave_update",
        "chats_rooms_leave_partial_update",
        "chats_messages_list",
        "chats_messages_create",
        "chats_messages_read",
        "chats_messages_update",
        "chats_messages_partial_update",
        "chats_messages_delete",
    ] {
        assert!(names.contains(name), "{name} is missing");
    }
    for path in [
        "/api/v1/users/{id}/",
        "/api/v1/chats/rooms/{id}/invite/",
        "/api/v1/chats/rooms/{id}/remove/",
        "/api/v1/chats/rooms/{id}/renew/",
        "/api/v1/chats/rooms/{id}/hand-over/",
        "/api/v1/chats/rooms/{id}/history/",
        "/api/v1/chats/rooms/{id}/read/",
        "/api/v1/chats/rooms/{id}/typing/",
        "/api/v1/chats/rooms/{id}/people/",
        "/api/v1/chats/unread/",
        "/api/v1/chats/messages/{id}/reactions/{emoji}/",
        "/api/v1/users/{id}/preferences/",
    ] {
        assert!(document["paths"].get(path).is_some(), "{path} is missing");
    }
}

async fn the_spellings_of_the_readme_are_aliases(server: Server) {
    let ada = server.user("ada").await;
    let login = json!({"username": "ada", "password": PASSWORD});
    let token = server.post("/api/token/").json(&login).await.ok(200)["token"].clone();
    assert!(token.as_str().is_some_and(|token| token.len() >= 32));
    let wrong = json!({"username": "ada", "password": "not it at all"});
    server
        .post("/api/token/")
        .json(wrong)
        .await
        .is_bad("error", "Unable to log in with provided credentials.");
    assert_eq!(server.get("/api/token/").await.status, 405);

    let same = |a: Value, b: Value| assert_eq!(a, b);
    let alias = "/api/v1/chats/user/";
    same(
        server.get(alias).await.ok(200),
        server.get(USERS).await.ok(200),
    );
    let one = format!("{alias}{}/", ada.id);
    same(
        server.get(&one).await.ok(200),
        server.get(&user_path(ada.id)).await.ok(200),
    );
    let body = json!({"username": "bob", "password": PASSWORD});
    assert_eq!(
        server.post(alias).json(body).await.ok(201)["username"],
        "bob"
    );
    assert_eq!(
        ada.patch(&one)
            .json(json!({"first_name": "A"}))
            .await
            .ok(200)["first_name"],
        "A"
    );
    server
        .call("PATCH", &one)
        .json(json!({}))
        .await
        .is_detail(401, "Authentication credentials were not provided.");
    assert_eq!(server.get("/api/v1/chats/user").await.status, 301);
    ada.delete(&one).await.is_empty();
}

async fn the_front_door_is_a_page(server: Server) {
    let page = server.get("/").await;
    page.ok(200);
    assert!(page.header("content-type").starts_with("text/html"));
    forbids_inline_scripts(&page);
    assert!(page.text().contains("/api/v1/"), "a link to the documents");
}
