//! What others do is not felt: one sender who floods, one room that is giant.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use crate::bare::Bare;
use crate::http::Http;
use crate::pace::{Flow, Pace, Seen};
use crate::people::{Person, people, room};
use crate::scenario::{BOTH, Context, Outcome, Scenario};

/// The row of the table for a sender who floods.
pub const FLOOD: Scenario = Scenario {
    id: "FLOOD",
    what: "a sender who never waits for an answer, beside a calm room",
    engines: BOTH,
    run: |context| flood(context).boxed(),
};

/// The row of the table for a giant room.
pub const GIANT: Scenario = Scenario {
    id: "GIANT",
    what: "a room with 1,000 sockets and traffic, beside a calm one",
    engines: BOTH,
    run: |context| giant(context).boxed(),
};

/// Messages per second in the calm room.
const CALM: u32 = 100;
/// Messages per second in the giant room.
const GIANT_RATE: u32 = 5;
/// What the others' 99th percentile may grow by, besides a fifth: the time that a core needs to
/// write one message to 1,000 sockets is a time in which it does nothing else.
const ONE_TURN: Duration = Duration::from_millis(5);

async fn flood(context: &Context) -> Result<Outcome> {
    let scene = Scene::set(context).await?;
    let loud = room(&scene.http, &scene.all[0], "loud", &scene.all[..1]).await?;
    let before = scene.calm.watch(scene.time).await?;
    let (sent, acked) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let mut tasks = JoinSet::new();
    let socket = Bare::connect(scene.http.addr(), &scene.all[0].token).await?;
    tasks.spawn(pour(socket, loud, Arc::clone(&sent), Arc::clone(&acked)));
    let during = scene.calm.watch(scene.time).await?;
    let counts = (sent.load(Ordering::Relaxed), acked.load(Ordering::Relaxed));
    tasks.shutdown().await;
    let report = scene.end(context, &before, &during).await?;
    ensure!(counts.1 > 0, "the flood was not served at all: {report}");
    Ok(Outcome::Passed(format!(
        "{} poured in, {} acknowledged; {report}",
        counts.0, counts.1
    )))
}

/// Sends and sends; answers are read, so that nothing but the server holds the flood up.
async fn pour(socket: Bare, room: i64, sent: Arc<AtomicU64>, acked: Arc<AtomicU64>) {
    let (mut sink, mut stream) = socket.into_inner().split();
    let pouring = async {
        for number in 0_u64.. {
            let frame = json!({"type": "send", "room": room, "text": "on and on", "nonce": number.to_string()});
            if sink.feed(Message::text(frame.to_string())).await.is_err() {
                return;
            }
            sent.store(number + 1, Ordering::Relaxed);
        }
    };
    let hearing = async {
        while let Some(Ok(message)) = stream.next().await {
            let is_ack =
                matches!(&message, Message::Text(text) if text.contains("\"type\":\"ack\""));
            acked.fetch_add(u64::from(is_ack), Ordering::Relaxed);
        }
    };
    tokio::join!(pouring, hearing);
}

async fn giant(context: &Context) -> Result<Outcome> {
    let scene = Scene::set(context).await?;
    let addr = scene.http.addr();
    let hall = room(&scene.http, &scene.all[0], "hall", &scene.all).await?;
    let before = scene.calm.watch(scene.time).await?;
    let sockets = context.size(200, 1_000);
    let _crowd = crowd(addr, &scene.all, sockets).await?;
    let flow = Flow {
        room: hall,
        rate: GIANT_RATE,
        size: 64,
    };
    let loud = Pace::start(addr, flow, &scene.all[..2], &scene.all[2..4]).await?;
    scene.calm.watch(scene.time / 4).await?;
    let during = scene.calm.watch(scene.time).await?;
    let heard = loud.seen()?;
    drop(loud);
    let report = scene.end(context, &before, &during).await?;
    Ok(Outcome::Passed(format!(
        "{sockets} sockets, p99 {:.1?} in their room; {report}",
        heard.p99
    )))
}

/// Sockets that only read, several for each of these people.
async fn crowd(addr: SocketAddr, people: &[Person], sockets: usize) -> Result<JoinSet<()>> {
    let owners = people.iter().cycle().take(sockets);
    let opened = try_join_all(owners.map(|person| Bare::connect(addr, &person.token))).await?;
    let mut tasks = JoinSet::new();
    for mut socket in opened {
        socket.send(&json!({"type": "ping"})).await?;
        let mut stream = socket.into_inner();
        tasks.spawn(async move { while let Some(Ok(_)) = stream.next().await {} });
    }
    Ok(tasks)
}

/// A server with a calm room in it, whose people notice every delay.
struct Scene {
    server: crate::server::Server,
    http: Http,
    all: Vec<Person>,
    calm: Pace,
    time: Duration,
}

impl Scene {
    /// The first half of the people is in no room yet.
    async fn set(context: &Context) -> Result<Self> {
        let stage = context.stage().await?;
        let (server, http) = stage.start().await?;
        let mut all = people(&http, 20).await?;
        let inside = all.split_off(10);
        let flow = Flow {
            room: room(&http, &inside[0], "calm", &inside).await?,
            rate: CALM,
            size: 64,
        };
        let calm = Pace::start(http.addr(), flow, &inside[..2], &inside[2..]).await?;
        let time = Duration::from_secs(context.size(3, 10));
        calm.watch(time).await?;
        Ok(Self {
            server,
            http,
            all,
            calm,
            time,
        })
    }

    /// Looks once more at the calm room alone, and judges. Only the long form is long enough to
    /// judge by.
    async fn end(self, context: &Context, before: &Seen, during: &Seen) -> Result<String> {
        let after = self.calm.watch(self.time).await?;
        drop(self.calm);
        self.server.stop().await?;
        let text = format!(
            "others' p99 {:.1?} before, {:.1?} during, {:.1?} after",
            before.p99, during.p99, after.p99
        );
        let bound = before.p99.max(after.p99).mul_f64(1.2) + ONE_TURN;
        ensure!(!context.long || during.p99 <= bound, "{text}");
        Ok(text)
    }
}
