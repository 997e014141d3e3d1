//! Contract 1 and D-21: other sites may call with a token, never with this site's cookies.

use crate::support::{Engine, ROOMS, Server, USERS, stories};

const STRANGER: &str = "https://elsewhere.example";

stories![
    any_origin_may_read_answers_but_never_with_credentials,
    preflights_allow_the_methods_and_headers,
    configured_origins_may_use_credentials,
];

async fn any_origin_may_read_answers_but_never_with_credentials(server: Server) {
    let ada = server.user("ada").await;
    for (call, status) in [
        (ada.get(ROOMS), 200),
        (server.get(ROOMS), 401),
        (server.get(USERS), 200),
        (server.get("/api/v1/nothing/"), 404),
        (ada.delete(ROOMS), 405),
        (ada.post(ROOMS), 400),
    ] {
        for origin in [STRANGER, "null"] {
            let answer = call.clone().header("origin", origin).await;
            assert_eq!(answer.status, status);
            let allowed = answer.header("access-control-allow-origin");
            assert!(allowed == "*" || allowed == origin, "{allowed:?}");
            assert!(
                !answer
                    .headers
                    .contains_key("access-control-allow-credentials")
            );
        }
    }
}

async fn preflights_allow_the_methods_and_headers(server: Server) {
    for path in [
        ROOMS,
        USERS,
        "/api/v1/chats/rooms/1/join/",
        "/api/v1/auth/login/",
    ] {
        let answer = server
            .call("OPTIONS", path)
            .header("origin", STRANGER)
            .header("access-control-request-method", "PATCH")
            .header(
                "access-control-request-headers",
                "authorization, content-type",
            )
            .await;
        assert!(
            matches!(answer.status, 200 | 204),
            "{path}: {}",
            answer.status
        );
        let allowed = answer.header("access-control-allow-origin");
        assert!(allowed == "*" || allowed == STRANGER, "{path}: {allowed:?}");
        assert!(
            !answer
                .headers
                .contains_key("access-control-allow-credentials"),
            "{path}"
        );
        let methods = answer.header("access-control-allow-methods").to_uppercase();
        for method in ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"] {
            assert!(methods.contains(method), "{path}: {methods}");
        }
        let headers = answer.header("access-control-allow-headers").to_lowercase();
        for header in ["authorization", "content-type"] {
            assert!(headers.contains(header), "{path}: {headers}");
        }
    }
}

async fn configured_origins_may_use_credentials(engine: Engine) {
    let known = "https://app.example";
    let server = engine
        .setup()
        .env("PARLOUR_CORS_ORIGINS", known)
        .start()
        .await;
    let answer = server.get(USERS).header("origin", known).await;
    assert_eq!(answer.header("access-control-allow-origin"), known);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    assert!(answer.header("vary").to_lowercase().contains("origin"));
    for other in [
        STRANGER,
        "https://app.example.evil.example",
        "http://app.example",
        "null",
    ] {
        let answer = server.get(USERS).header("origin", other).await;
        assert!(
            !answer
                .headers
                .contains_key("access-control-allow-credentials"),
            "{other}"
        );
    }
}
