//! What happens moves the figures at /metrics.

use crate::support::{
    Client, Engine, MESSAGES, ROOMS, Server, Socket, eventually, json, metrics::Metrics, stories,
};

stories![
    what_happens_is_counted,
    what_is_used_twice_is_counted,
    who_comes_back_is_counted,
    who_reads_too_slowly_is_counted,
    who_says_good_bye_while_much_waits_is_answered,
    what_was_missing_is_counted,
    times_and_sizes_have_buckets_and_words,
    sockets_are_counted_while_they_are_open,
];

async fn start(engine: Engine) -> Server {
    let setup = engine.setup();
    let setup = setup.env("PARLOUR_METRICS_TOKEN", Metrics::TOKEN);
    setup.start().await
}

async fn what_happens_is_counted(engine: Engine) {
    let server = start(engine).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let (mut one, mut two) = (ada.socket().await, bob.socket().await);
    let before = Metrics::of(&server).await;
    for number in 0..5 {
        ada.say(room, &format!("message {number}")).await;
        one.next_said().await;
        two.next_said().await;
    }
    let after = Metrics::of(&server).await;
    let more = |name: &str| after.get(name) - before.get(name);
    assert_eq!(more("parlour_messages_stored_total"), 5.0);
    assert_eq!(more("parlour_commit_seconds_count"), 5.0);
    assert_eq!(more("parlour_commit_batch_messages_count"), 5.0);
    assert_eq!(more("parlour_commit_batch_messages_sum"), 5.0);
    assert_eq!(more("parlour_delivered_total"), 10.0);
    assert_eq!(more("parlour_turn_deliveries_sum"), 10.0);
    assert_eq!(more("parlour_turn_events_sum"), 5.0);
    assert!(more("parlour_commit_seconds_sum") > 0.0);
    let turns = more("parlour_turn_events_count");
    assert!((1.0..=5.0).contains(&turns), "{turns}");
    for quiet in [
        "parlour_slow_closes_total",
        "parlour_append_busy_total",
        "parlour_duplicates_total",
    ] {
        assert_eq!(after.get(quiet), 0.0, "{quiet}");
    }
    // Whoever answered was written to; nothing is left.
    eventually("nothing waits", || async {
        let now = Metrics::of(&server).await;
        now.has("parlour_outbox_largest_bytes") && now.get("parlour_outbox_bytes") == 0.0
    })
    .await;
}

async fn what_is_used_twice_is_counted(engine: Engine) {
    let server = start(engine).await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let send = |text: &str, nonce: &str| {
        ada.post(MESSAGES)
            .json(json!({"room": room, "text": text, "nonce": nonce}))
    };
    send("hi", "n-1").await.ok(201);
    send("hi", "n-1").await.ok(201);
    send("hi", "n-1").await.ok(201);
    assert_eq!(send("another", "n-1").await.status, 409);
    let metrics = Metrics::of(&server).await;
    let repeated = "parlour_duplicates_total{outcome=\"repeated\"}";
    let conflict = "parlour_duplicates_total{outcome=\"conflict\"}";
    assert_eq!(metrics.get(repeated), 2.0);
    assert_eq!(metrics.get(conflict), 1.0);
    assert_eq!(metrics.get("parlour_messages_stored_total"), 1.0);
}

async fn who_comes_back_is_counted(engine: Engine) {
    let server = start(engine).await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let path = format!("/?token={}&v=2", ada.token);
    let come_back = async |epoch: Option<&str>, cursor: i64, word: &str| {
        let socket = Socket::open_at(server.address(), &path, &[]).await;
        let mut socket = socket.unwrap_or_else(|status| panic!("{status}"));
        let hello = socket.next().await;
        let epoch = epoch.map_or(hello["epoch"].clone(), Into::into);
        // Nobody knows the other one.
        let cursors = json!({ room.to_string(): cursor, "987654321": 1 });
        let resume = json!({"type": "resume", "epoch": epoch, "cursors": cursors});
        socket.send(resume).await;
        // A room that nobody knows is looked for a little longer.
        let mut told = (false, false);
        while told != (true, true) {
            let frame = socket.next().await;
            told.0 |= frame["type"] == word;
            told.1 |= frame["type"] == "error" && frame["code"] == "not_found";
        }
        socket
    };
    let mut listener = come_back(None, 1, "recovered").await;
    for number in 0..3 {
        ada.say(room, &format!("message {number}")).await;
        while listener.next().await["type"] != "message.created" {}
    }
    let before = Metrics::of(&server).await;
    come_back(None, 2, "recovered").await;
    come_back(Some("another"), 2, "resync").await;
    let after = Metrics::of(&server).await;
    let more = |name: &str| after.get(name) - before.get(name);
    assert_eq!(more("parlour_resumes_total"), 1.0);
    assert_eq!(more("parlour_replayed_events_total"), 2.0);
    // What is asked for here was said while somebody listened: it is in memory.
    assert_eq!(more("parlour_resume_reads_total"), 0.0);
    assert_eq!(more("parlour_resyncs_total{reason=\"epoch\"}"), 1.0);
    assert_eq!(more("parlour_soft_errors_total{code=\"not_found\"}"), 2.0);
}

async fn who_says_good_bye_while_much_waits_is_answered(engine: Engine) {
    let server = start(engine).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    let slow = bob.socket().await;
    let text = "x".repeat(10_000);
    let mut said = 0;
    // More than two kernels keep for a connection, and less than may wait.
    while Metrics::of(&server).await.get("parlour_outbox_bytes") == 0.0 {
        assert!(said < 3_000, "{said} messages and nothing waits");
        for _ in 0..20 {
            ada.say(room, &text).await;
            said += 1;
        }
    }
    assert_eq!(slow.close().await, 1000);
}

async fn who_reads_too_slowly_is_counted(engine: Engine) {
    let server = start(engine).await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let room = ada.room("Tea").await;
    bob.join(room).await;
    // Never read from until the end.
    let mut slow = bob.socket().await;
    let text = "x".repeat(10_000);
    let mut said = 0;
    while Metrics::of(&server).await.get("parlour_slow_closes_total") == 0.0 {
        // A MiB waits at the most; the rest is what two kernels keep for a connection.
        assert!(said < 3_000, "{said} messages wait for one socket");
        for _ in 0..50 {
            ada.say(room, &text).await;
            said += 1;
        }
    }
    let code = slow.close_code().await;
    assert!(matches!(code, 4008 | 1006), "{code}");
    let metrics = Metrics::of(&server).await;
    assert_eq!(metrics.get("parlour_slow_closes_total"), 1.0);
    eventually("nothing is kept for it", || async {
        let now = Metrics::of(&server).await;
        now.get("parlour_outbox_bytes") == 0.0 && now.get("parlour_sockets") == 0.0
    })
    .await;
}

/// Another process on the same database is not heard, as a message of a bus that was lost; the store
/// is asked, and whoever listens hears it after all.
async fn what_was_missing_is_counted(engine: Engine) {
    let server = start(engine).await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut socket = ada.socket().await;
    let other = server.setup.start_beside().await.expect("another process");
    let call = Client::new(other.address).call("POST", MESSAGES);
    let body = json!({"room": room, "text": "from beside"});
    call.token(&ada.token).json(body).await.ok(201);
    assert_eq!(socket.next_said().await, "from beside");
    let metrics = Metrics::of(&server).await;
    assert_eq!(metrics.get("parlour_holes_found_total"), 1.0);
    assert_eq!(metrics.get("parlour_holes_healed_total"), 1.0);
    assert_eq!(metrics.get("parlour_messages_stored_total"), 0.0);
}

async fn times_and_sizes_have_buckets_and_words(engine: Engine) {
    let server = start(engine).await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    let mut socket = ada.socket().await;
    ada.say(room, "hi").await;
    socket.next_said().await;
    ada.get(ROOMS).await.ok(200);
    let metrics = Metrics::of(&server).await;
    for name in [
        "parlour_commit_seconds",
        "parlour_commit_batch_messages",
        "parlour_turn_events",
        "parlour_turn_deliveries",
        "parlour_http_seconds",
    ] {
        let text = &metrics.text;
        assert!(
            text.contains(&format!("# TYPE {name} histogram\n")),
            "{text}"
        );
        assert!(text.contains(&format!("# HELP {name} ")), "{text}");
        assert!(text.contains(&format!("{name}_bucket{{")), "{text}");
    }
    let all = metrics.get("parlour_commit_seconds_bucket{le=\"+Inf\"}");
    assert_eq!(all, 1.0);
    assert_eq!(
        metrics.get("parlour_commit_batch_messages_bucket{le=\"1\"}"),
        1.0
    );
    let undescribed = |line: &&str| {
        let name = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split(' ').next());
        name.is_some_and(|name| !metrics.text.contains(&format!("# HELP {name} ")))
    };
    assert_eq!(metrics.text.lines().find(undescribed), None);
}

async fn sockets_are_counted_while_they_are_open(engine: Engine) {
    let server = start(engine).await;
    let ada = server.user("ada").await;
    let room = ada.room("Tea").await;
    ada.join(room).await;
    let token = &ada.token;
    let open = async |path: &str| {
        let path = format!("{path}token={token}");
        let socket = Socket::open_at(server.address(), &path, &[]).await;
        socket.unwrap_or_else(|status| panic!("{path}: {status}"))
    };
    let sockets = [
        open("/?").await,
        open("/?v=2&").await,
        open("/?v=2&").await,
        open(&format!("/ws/chat/{room}/?")).await,
    ];
    let metrics = Metrics::of(&server).await;
    for (dialect, count) in [("account", 1.0), ("account_v2", 2.0), ("room", 1.0)] {
        let name = format!("parlour_sockets{{dialect=\"{dialect}\"}}");
        assert_eq!(metrics.get(&name), count, "{dialect}");
    }
    drop(sockets);
    eventually("the sockets are gone", || async {
        Metrics::of(&server).await.get("parlour_sockets") == 0.0
    })
    .await;
}
