//! The canary: goes through the door like everybody, and tells when a message does not come.

use crate::support::{
    Engine, ROOMS, Server, USERS, eventually,
    metrics::Metrics,
    people::room_path,
    proxy::{Mode, Proxy},
    stories,
};
use std::time::Duration;

const SENT: &str = "parlour_canary_sent_total";
const LOST: &str = "parlour_canary_lost_total";
const HEARD: &str = "parlour_canary_event_seconds_count";
const FAILURES: &str = "parlour_canary_failures_total";
const DUPLICATES: &str = "parlour_canary_duplicates_total";

mod healthy {
    use super::*;

    stories![
        a_healthy_server_loses_nothing,
        it_lives_in_a_room_of_its_own,
        it_sleeps_unless_it_is_asked,
        a_broken_line_is_no_loss,
    ];

    async fn a_healthy_server_loses_nothing(engine: Engine) {
        let mut server = start(engine, "PARLOUR_LOG", "info").await;
        heard(&server, 2.0).await;
        let metrics = Metrics::of(&server).await;
        assert!(metrics.get(SENT) >= 2.0);
        assert!(metrics.has(LOST));
        for name in [LOST, FAILURES, DUPLICATES] {
            assert_eq!(metrics.get(name), 0.0, "{name}");
        }
        assert!(metrics.get("parlour_canary_ack_seconds_count") >= 2.0);
        let last = metrics.get("parlour_canary_last_success_timestamp_seconds");
        assert!(last > 1_700_000_000.0, "{last}");
        server.process().signal("TERM");
        let (status, time) = server.process().ended().await;
        assert_eq!(status.code(), Some(0));
        assert!(
            time < Duration::from_secs(5),
            "it holds nothing up: {time:?}"
        );
    }

    async fn it_lives_in_a_room_of_its_own(engine: Engine) {
        let mut server = start(engine, "PARLOUR_LOG", "info").await;
        heard(&server, 1.0).await;
        server.terminate().await;
        server.start_again().await;
        heard(&server, 1.0).await;
        let ada = server.user("ada").await;
        let people = ada.get(USERS).await.rows();
        let is_canary = |nickname: &&serde_json::Value| nickname.as_str() == Some("canary");
        let nicknames = people.iter().map(|person| &person["nickname"]);
        assert_eq!(
            nicknames.filter(is_canary).count(),
            1,
            "one account for ever"
        );
        for password in ["!", "canary", "service:canary"] {
            server.login("service:canary", password).await.is_refused();
        }
        assert!(ada.get(ROOMS).await.rows().is_empty());
        let everybodys = format!("{ROOMS}?scope=open");
        assert!(ada.get(&everybodys).await.rows().is_empty(), "PRIVATE");
        assert_eq!(ada.get(&room_path(1, "history/")).await.status, 404);
        // The room of the first start is there still, and was used again.
        let room = ada.room("Tea").await;
        assert_eq!(room, 2);
    }

    async fn it_sleeps_unless_it_is_asked(server: Server) {
        let ada = server.user("ada").await;
        assert_eq!(ada.get(USERS).await.rows().len(), 1);
        assert_eq!(ada.room("Tea").await, 1);
    }

    async fn a_broken_line_is_no_loss(engine: Engine) {
        let (proxy, server) = start_behind_proxy(engine).await;
        heard(&server, 1.0).await;
        proxy.set(Mode::Cut);
        eventually("the line is broken", || async {
            let failures = format!("{FAILURES}{{reason=\"closed\"}}");
            Metrics::of(&server).await.get(&failures) >= 1.0
        })
        .await;
        proxy.set(Mode::Pass);
        let before = Metrics::of(&server).await.get(HEARD);
        heard(&server, before + 2.0).await;
        let metrics = Metrics::of(&server).await;
        assert_eq!(metrics.get(LOST), 0.0);
        assert_eq!(metrics.get(DUPLICATES), 0.0);
    }
}

mod broken {
    use super::*;

    stories![sqlite only:
        what_does_not_come_back_is_reported,
        a_door_that_leads_nowhere_is_reported,
        a_door_without_a_valid_certificate_is_reported
    ];

    async fn what_does_not_come_back_is_reported(engine: Engine) {
        let (proxy, server) = start_behind_proxy(engine).await;
        heard(&server, 1.0).await;
        proxy.set(Mode::Swallow);
        // A message is given up after ten seconds.
        tokio::time::sleep(Duration::from_secs(9)).await;
        eventually("the loss is counted", || async {
            Metrics::of(&server).await.get(LOST) >= 1.0
        })
        .await;
        told(&server, "a message of the canary is lost").await;
    }

    async fn a_door_that_leads_nowhere_is_reported(engine: Engine) {
        // Bound and never accepted from would hang; a proxy with nothing behind it closes.
        let proxy = Proxy::start().await;
        let url = format!("http://{}", proxy.address);
        let server = start(engine, "PUBLIC_URL", &url).await;
        not_connected(&server).await;
    }

    async fn a_door_without_a_valid_certificate_is_reported(engine: Engine) {
        let proxy = Proxy::start().await;
        let url = format!("https://{}", proxy.address);
        let server = start(engine, "PUBLIC_URL", &url).await;
        // Whoever speaks http here does not speak TLS.
        proxy.stand_before(server.address());
        not_connected(&server).await;
        assert!(server.is_well().await);
    }

    async fn not_connected(server: &Server) {
        eventually("failures are counted", || async {
            let failures = format!("{FAILURES}{{reason=\"connect\"}}");
            Metrics::of(server).await.get(&failures) >= 2.0
        })
        .await;
        assert_eq!(Metrics::of(server).await.get(SENT), 0.0);
        told(server, "the canary has no connection").await;
        assert!(!server.log().contains("token=plr_"), "no token is logged");
    }
}

async fn start(engine: Engine, name: &str, value: &str) -> Server {
    let setup = engine.setup().env("PARLOUR_CANARY_INTERVAL", "1s");
    let setup = setup.env("PARLOUR_METRICS_TOKEN", Metrics::TOKEN);
    setup.env(name, value).start().await
}

async fn start_behind_proxy(engine: Engine) -> (Proxy, Server) {
    let proxy = Proxy::start().await;
    let url = format!("http://{}", proxy.address);
    let server = start(engine, "PUBLIC_URL", &url).await;
    proxy.stand_before(server.address());
    (proxy, server)
}

async fn heard(server: &Server, count: f64) {
    eventually("the canary hears itself", || async {
        Metrics::of(server).await.get(HEARD) >= count
    })
    .await;
}

async fn told(server: &Server, words: &str) {
    eventually(words, || async { server.log().contains(words) }).await;
}
