//! What happens moves the figures at /metrics.

use crate::support::{
    Engine, MESSAGES, ROOMS, Server, Socket, eventually, json, metrics::Metrics, stories,
};

stories![
    what_happens_is_counted,
    what_is_used_twice_is_counted,
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
