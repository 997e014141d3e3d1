//! Several processes over a Redis Cluster.

use crate::support::{
    Client, Engine, Socket,
    cluster::{Cluster, PASSWORD},
    join,
    metrics::Metrics,
    stories,
};

stories![processes_over_a_redis_cluster_are_one_chat];

/// So many rooms that all three shards have some.
const ROOMS: usize = 9;

async fn processes_over_a_redis_cluster_are_one_chat(engine: Engine) {
    if join::is_left_out() {
        return;
    }
    let setup = engine.setup();
    let cluster = Cluster::start(setup.folder());
    let trusted = cluster.certificate().display().to_string();
    let mut setup = setup
        .env("SSL_CERT_FILE", &trusted)
        .env("PARLOUR_METRICS_TOKEN", Metrics::TOKEN)
        .env("REDIS_URL", &cluster.plain_url());
    let refused = setup.command(&[], "");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("redis+cluster://"), "{told}");
    assert!(!told.contains(PASSWORD), "{told}");

    setup.set("REDIS_URL", &cluster.url());
    let looked = setup.command(&["doctor"], "");
    let told = String::from_utf8_lossy(&looked.stdout).into_owned();
    assert!(told.contains("a cluster of 3 shards"), "{told}");
    assert!(!told.contains(PASSWORD), "{told}");

    let server = match engine {
        // SQLite belongs to one process.
        Engine::Sqlite => setup.start().await,
        Engine::Postgres => setup.start_two().await,
    };
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        let room = ada.room(&format!("Room {number}")).await;
        bob.join(room).await;
        rooms.push(room);
    }
    let addresses: Vec<_> = server.clients().iter().map(Client::address).collect();
    let open = async |number: usize, token: &str| {
        let address = addresses[number % addresses.len()];
        Socket::open(address, token).await.expect("a socket")
    };
    let (mut first, mut second) = (open(0, &ada.token).await, open(1, &bob.token).await);
    for (number, room) in rooms.iter().enumerate() {
        let text = format!("from ada {number}");
        assert!(first.say(*room, &text).await);
        assert_eq!(first.next_said().await, text);
        assert_eq!(second.next_said().await, text);
        let text = format!("from bob {number}");
        assert!(second.say(*room, &text).await);
        assert_eq!(second.next_said().await, text);
        assert_eq!(first.next_said().await, text);
    }
    let metrics = Metrics::of(&server).await;
    let count = addresses.len() as f64;
    assert_eq!(metrics.get("parlour_bus_connected"), count);
    assert_eq!(metrics.get("parlour_bus_shards"), 3.0 * count);
    assert_eq!(metrics.get("parlour_bus_shards_connected"), 3.0 * count);
    assert!(!server.log().contains(PASSWORD));
}
