//! What operators rely on: lines, exit codes, probes, metrics, and a log without secrets.

use crate::support::{
    Engine, MESSAGES, PASSWORD, ROOMS, Server, USERS, Value, eventually, json, people::user_path,
    stories,
};
use std::time::Duration;

stories![
    one_ready_line_on_standard_output,
    probes,
    health_is_asked_by_the_binary_itself,
    metrics_are_for_operators,
    metrics_on_a_listener_of_their_own,
    no_secret_is_ever_logged,
    two_processes_start_on_one_new_database,
    a_process_starts_on_an_existing_database,
    signals_end_it_with_exit_code_0,
    what_is_wrong_is_told_at_start,
    another_secret_key_does_not_start,
    the_settings_are_shown_without_secrets,
    the_document_is_printed_as_served,
];

const METRICS_TOKEN: &str = "a-token-for-metrics-only";

async fn one_ready_line_on_standard_output(mut server: Server) {
    server.user("ada").await;
    let address = server.process().address;
    let stdout = server
        .process()
        .stdout
        .lock()
        .expect("not poisoned")
        .clone();
    assert_eq!(stdout, format!("listening on http://{address}\n"));
    assert_ne!(address.port(), 0);
}

async fn health_is_asked_by_the_binary_itself(engine: Engine) {
    let mut server = engine.setup().start().await;
    let address = server.address().to_string();
    let ask = |server: &Server| server.setup.command(&["health", "--listen", &address], "");
    let output = ask(&server);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"ready\n");
    server.kill().await;
    let output = ask(&server);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("nobody answers at"), "{text}");
}

async fn probes(server: Server) {
    let health = server.get("/healthz").await;
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
    assert_eq!(server.get("/readyz").await.status, 200);
    let answer = server.get(USERS).await;
    assert!(
        !answer.header("x-request-id").is_empty(),
        "every answer has a name"
    );
    assert_ne!(answer.header("x-request-id"), health.header("x-request-id"));
}

async fn metrics_are_for_operators(engine: Engine) {
    let server = engine.setup().start().await;
    assert_eq!(
        server.get("/metrics").await.status,
        404,
        "closed by default"
    );
    let server = engine
        .setup()
        .env("PARLOUR_METRICS_TOKEN", METRICS_TOKEN)
        .start()
        .await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let _socket = ada.socket().await;
    ada.say(room, "a whispered text").await;
    server.get(&format!("{USERS}{}/", ada.id)).await.ok(200);
    server.get("/some/path/nobody/has").await;
    server.call("BREW", USERS).await;
    for header in [
        None,
        Some("Bearer nobody".to_owned()),
        Some(format!("Token {}", ada.token)),
    ] {
        let mut call = server.get("/metrics");
        if let Some(header) = &header {
            call = call.header("authorization", header);
        }
        let answer = call.await;
        assert!(
            matches!(answer.status, 401 | 403 | 404),
            "{header:?}: {}",
            answer.status
        );
        assert!(!answer.text().contains("parlour_"), "{header:?}");
    }
    assert_ne!(
        server
            .get(&format!("/metrics?token={METRICS_TOKEN}"))
            .await
            .status,
        200
    );
    let bearer = format!("Bearer {METRICS_TOKEN}");
    let metrics = server
        .get("/metrics")
        .header("authorization", &bearer)
        .await;
    assert_eq!(metrics.status, 200);
    let text = metrics.text();
    assert!(
        text.contains("route=\"/api/v1/users/{id}/\""),
        "labelled by route: {text}"
    );
    for leak in [
        &format!("{USERS}{}/", ada.id),
        "/some/path",
        "BREW",
        "whispered",
        &ada.token,
        "ada",
    ] {
        assert!(!text.contains(leak), "{leak}");
    }
    for part in ["parlour_http", "socket", "commit"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

async fn metrics_on_a_listener_of_their_own(engine: Engine) {
    let server = engine
        .setup()
        .env("PARLOUR_OPS_LISTEN", "127.0.0.1:0")
        .start()
        .await;
    // The log comes through another pipe than the ready line, and may come later.
    let told = async {
        loop {
            let log = server.log();
            let mut lines = log
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .filter(|line| line.to_string().contains("operators' listener"));
            if let Some(line) = lines.next() {
                break line["address"].as_str().and_then(|text| text.parse().ok());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let address = tokio::time::timeout(Duration::from_secs(10), told)
        .await
        .ok()
        .flatten()
        .unwrap_or_else(|| panic!("no address in {}", server.log()));
    let operators = crate::support::Client::new(address);
    for path in ["/metrics", "/healthz", "/readyz"] {
        assert_eq!(operators.call("GET", path).await.status, 200, "{path}");
    }
    assert_eq!(
        operators.call("GET", USERS).await.status,
        404,
        "nothing else is there"
    );
    assert_eq!(server.get("/metrics").await.status, 404);
}

/// A whole story at the most talkative level, then the log is searched.
async fn no_secret_is_ever_logged(engine: Engine) {
    let setup = engine
        .setup()
        .env("PARLOUR_LOG", "trace")
        .env("PARLOUR_METRICS_TOKEN", METRICS_TOKEN)
        .env("SECRET_KEY", "a-secret-key-of-forty-two-characters-abcde");
    let mut server = setup.start().await;
    let ada = server.user("ada").await;
    server.login("ada", "a wrong password-9").await.is_refused();
    let body = json!({"username": "bob", "password": PASSWORD, "email": "bob@private.example"});
    server.post(USERS).json(body).await.ok(201);
    server
        .post(USERS)
        .body("application/json", "{\"password\":\"broken body-7\"")
        .await;
    let room = ada.room("Tea").await;
    let mut socket = ada.socket().await;
    socket.say(room, "a whispered text").await;
    socket.next_said().await;
    socket.send_text("{\"text\":\"a broken whisper\"").await;
    socket.next_error().await;
    ada.say(room, "a whispered text").await;
    server.get(&format!("{ROOMS}?token={}", ada.token)).await;
    server
        .get(ROOMS)
        .header("cookie", "sessionid=the-secret-of-a-session")
        .await;
    server
        .get("/metrics")
        .header("authorization", &format!("Bearer {METRICS_TOKEN}"))
        .await;
    let form = [
        ("room", "1"),
        ("text", "a whispered text"),
        ("token", ada.token.as_str()),
    ];
    ada.post(MESSAGES).form(&form).await;
    let other = ada.again().await;
    let change = json!({"password": "eleven purple lamps"});
    ada.patch(&user_path(ada.id)).json(change).await.ok(200);
    other.get(ROOMS).await.is_detail(401, "Invalid token.");
    let _refused = crate::support::Socket::open(server.address(), &other.token).await;
    // The log comes through a pipe of its own: wait for the last line of each run.
    let says = async |server: &Server, word: &str| {
        for _ in 0..500 {
            if server.log().contains(word) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server.log()
    };
    let mut log = says(&server, "ready").await;
    server.terminate().await;
    log += &server.log();
    server.start_again().await;
    log += &says(&server, "ready").await;
    let secrets = [
        ada.token.as_str(),
        &other.token,
        PASSWORD,
        "eleven purple lamps",
        "a wrong password-9",
        "broken body-7",
        "bob@private.example",
        "a whispered text",
        "a broken whisper",
        "the-secret-of-a-session",
        METRICS_TOKEN,
        "a-secret-key-of-forty-two",
        "$argon2id$",
    ];
    let leaks = secrets.into_iter().filter(|secret| log.contains(*secret));
    let leaks: Vec<String> = leaks
        .map(|secret| format!("{secret}: {}", around(&log, secret)))
        .collect();
    assert!(leaks.is_empty(), "the log knows {}", leaks.join("\n"));
    assert!(log.lines().count() > 3, "the log says something");
}

/// The line that tells too much.
fn around(log: &str, secret: &str) -> String {
    log.lines()
        .find(|line| line.contains(secret))
        .unwrap_or_default()
        .chars()
        .take(600)
        .collect()
}

async fn two_processes_start_on_one_new_database(engine: Engine) {
    let setup = engine.setup();
    let (one, two) = tokio::join!(setup.start_beside(), setup.start_beside());
    let (one, two) = (
        one.expect("the first starts"),
        two.expect("the second starts"),
    );
    for process in [&one, &two] {
        let client = crate::support::Client::new(process.address);
        assert_eq!(client.call("GET", "/readyz").await.status, 200);
    }
    let (first, second) = (
        crate::support::Client::new(one.address),
        crate::support::Client::new(two.address),
    );
    let body = json!({"username": "ada", "password": PASSWORD});
    first.call("POST", USERS).json(&body).await.ok(201);
    second
        .call("POST", USERS)
        .json(&body)
        .await
        .is_bad("username", "A user with that username already exists.");
}

async fn a_process_starts_on_an_existing_database(mut server: Server) {
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let said = ada.say(room, "before").await;
    for _ in 0..3 {
        server.terminate().await;
        server.start_again().await;
        assert_eq!(ada.get(MESSAGES).await.rows(), std::slice::from_ref(&said));
    }
    let after = ada.say(room, "after").await;
    assert_eq!(
        after["seq"].as_i64(),
        said["seq"].as_i64().map(|seq| seq + 1)
    );
    let migrated = server.setup.command(&["migrate"], "");
    assert!(migrated.status.success(), "{migrated:?}");
}

async fn signals_end_it_with_exit_code_0(mut server: Server) {
    for signal in ["TERM", "INT"] {
        let ada = server.user(&format!("ada-{signal}")).await;
        let _idle = server.raw().await;
        let _socket = ada.socket().await;
        let (status, time) = server.end(signal).await;
        assert_eq!(status.code(), Some(0), "{signal}: {status}");
        assert!(time < Duration::from_secs(10), "{signal}: {time:?}");
        server.start_again().await;
    }
    eventually("it answers again", || server.is_well()).await;
}

async fn another_secret_key_does_not_start(engine: Engine) {
    let mut server = engine.setup().start_all().await;
    if server.clients().len() < 2 {
        return;
    }
    let key = "another-key-of-more-than-thirty-two-characters";
    server.setup.set("SECRET_KEY", key);
    let refused = server.setup.start_beside().await;
    let refused = refused.map(drop).expect_err("refused");
    assert!(refused.contains("another SECRET_KEY"), "{refused}");
    assert!(!refused.contains(key), "{refused}");
    assert!(server.is_well().await, "the others go on");
}

async fn what_is_wrong_is_told_at_start(engine: Engine) {
    let server = engine.setup().start().await;
    let taken = server.address().to_string();
    // Somebody who speaks neither TLS nor Redis.
    let (no_tls, no_redis) = (
        format!("rediss://:hush@{taken}"),
        format!("redis://:hush@{taken}"),
    );
    for (name, value, code, told) in [
        ("PARLOUR_LISTEN", "nowhere", 2, "PARLOUR_LISTEN"),
        ("PARLOUR_LISTEN", taken.as_str(), 1, "PARLOUR_LISTEN"),
        ("PARLOUR_LISEN", "127.0.0.1:0", 2, "PARLOUR_LISEN"),
        ("ROOM_LIFETIME", "soon", 2, "ROOM_LIFETIME"),
        ("MAX_USERS_IN_ROOM", "-1", 2, "MAX_USERS_IN_ROOM"),
        ("RATE_LIMITS", "maybe", 2, "RATE_LIMITS"),
        (
            "DATABASE_URL",
            "mysql://root@127.0.0.1/x",
            2,
            "DATABASE_URL",
        ),
        (
            "DATABASE_URL",
            "postgres://nobody:hush@127.0.0.1:1/x",
            1,
            "127.0.0.1",
        ),
        ("REDIS_URL", "http://127.0.0.1:6379", 2, "REDIS_URL"),
        ("REDIS_URL", "redis://:hush@127.0.0.1:1", 1, "REDIS_URL"),
        ("REDIS_URL", no_tls.as_str(), 1, "REDIS_URL"),
        ("REDIS_URL", no_redis.as_str(), 1, "REDIS_URL"),
        ("TRUSTED_PROXIES", "300.1.1.1", 2, "TRUSTED_PROXIES"),
        ("PARLOUR_DATA_DIR", "/dev/null/x", 1, "/dev/null/x"),
    ] {
        let output = engine.setup().env(name, value).command(&[], "");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}={value}: {stderr}");
        assert!(stderr.contains(told), "{name}={value}: {stderr}");
        assert!(!stderr.contains("hush"), "{stderr}");
        assert!(output.stdout.is_empty(), "no ready line");
    }
    let setup = engine.setup().env("PARLOUR_LISTEN", "127.0.0.1:0");
    std::fs::write(
        setup.folder().join("parlour.toml"),
        "lisen = \"127.0.0.1:0\"\n",
    )
    .expect("the folder is writable");
    let output = setup.command(&[], "");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("parlour.toml") && stderr.contains("lisen"),
        "{stderr}"
    );
    let output = engine.setup().command(&["--lisen", "x"], "");
    assert_eq!(output.status.code(), Some(2));
}

async fn the_settings_are_shown_without_secrets(engine: Engine) {
    let setup = engine
        .setup()
        .env("SECRET_KEY", "a-secret-key-of-forty-two-characters-abcde")
        .env("PARLOUR_METRICS_TOKEN", METRICS_TOKEN)
        .env("MAX_USERS_IN_ROOM", "77");
    let output = setup.command(&["config"], "");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        text.contains("MAX_USERS_IN_ROOM") && text.contains("77"),
        "{text}"
    );
    assert!(
        !text.contains("a-secret-key") && !text.contains(METRICS_TOKEN),
        "{text}"
    );
}

async fn the_document_is_printed_as_served(server: Server) {
    let output = server.setup.command(&["openapi"], "");
    assert!(output.status.success());
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        printed,
        server.get("/api/v1/schema/?format=json").await.ok(200)
    );
}
