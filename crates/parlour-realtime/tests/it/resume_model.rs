//! Random lives of clients that are cut and come back, to either of two nodes, over buses that lose,
//! repeat and reorder, with rings of any size, and nodes that are started anew: nobody ever misses,
//! repeats or reorders an event without being told.

use crate::{
    bus::{Dice, Faults},
    sockets::Served,
    world::{Socket, World, settle, user},
};
use parlour_core::{MessageId, RoomId, event::LeaveReason};
use parlour_realtime::{ChangeKind, Config, NewChange, Realtime, RingLimits};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

const CLIENTS: i64 = 4;
/// Joins and leaves all the time.
const FLIPPER: i64 = 4;
const WATCHER: i64 = 9;
const STEPS: usize = 250;

/// A client that keeps its cursors over its connections.
#[derive(Default)]
struct Client {
    id: i64,
    served: Option<Served>,
    /// Which node it is connected to.
    node: usize,
    cursors: BTreeMap<RoomId, i64>,
    /// Resyncs so far.
    resyncs: usize,
    greeted: bool,
    /// What happened, for people.
    story: Vec<String>,
}

impl Client {
    fn take(&mut self, seed: u64) {
        let Some(served) = &mut self.served else {
            return;
        };
        for frame in served.client.drain() {
            self.hear(seed, &frame);
        }
    }

    fn hear(&mut self, seed: u64, frame: &Value) {
        let shown = [
            &frame["type"],
            &frame["room"],
            &frame["seq"],
            &frame["cursors"],
            &frame["code"],
        ];
        let shown: Vec<_> = shown.into_iter().filter(|part| !part.is_null()).collect();
        self.story.push(format!("{shown:?}"));
        let from = self.story.len().saturating_sub(45);
        let told = format!(
            "seed {seed}, client {}: {:#?}",
            self.id,
            &self.story[from..]
        );
        let room = || RoomId::new(frame["room"].as_i64().expect("a room"));
        let kind = frame["type"].as_str().expect("a type");
        assert_eq!(kind == "hello", !self.greeted, "{told}");
        match kind {
            "hello" => self.greet(frame),
            "presence" | "typing" | "read" => {}
            "recovered" => {
                let seq = frame["seq"].as_i64();
                assert_eq!(self.cursors.get(&room()).copied(), seq, "{told}");
            }
            "resync" => {
                self.resyncs += 1;
                self.cursors
                    .insert(room(), frame["seq"].as_i64().expect("a seq"));
            }
            "error" => {
                assert_eq!(frame["code"], "not_found", "{told}");
                assert_eq!(self.id, FLIPPER, "{told}");
                self.cursors.remove(&room());
            }
            // News of a room that this client is not in.
            _ if frame.get("seq").is_none() => {}
            _ => {
                let seq = frame["seq"].as_i64().expect("a seq");
                // Leaving is the last word, whatever was missed until then; joining begins anew.
                let is_own = frame["member"]["id"] == self.id;
                let known = self.cursors.get(&room());
                if self.id == FLIPPER && known.is_some_and(|known| seq <= *known) {
                    // The other node lags behind: it tells an earlier visit to the room once more.
                    return;
                }
                if let Some(before) = self.cursors.insert(room(), seq) {
                    assert!(seq == before + 1 || (is_own && seq > before), "{told}");
                }
            }
        }
    }

    /// Rooms that this client knows nothing of begin where the socket begins.
    fn greet(&mut self, hello: &Value) {
        self.greeted = true;
        let heard = hello["cursors"].as_object().expect("cursors");
        // A room that is not heard any more is forgotten, most of the time before the resume.
        if self.id != FLIPPER || self.story.len().is_multiple_of(2) {
            self.cursors
                .retain(|room, _| heard.contains_key(&room.to_string()));
        }
        for (room, seq) in heard {
            let room = room.parse().expect("an id");
            let seq = seq.as_i64().expect("a seq");
            self.cursors.entry(room).or_insert(seq);
        }
        if let Some(served) = &self.served {
            let cursors: BTreeMap<_, _> = self
                .cursors
                .iter()
                .map(|(room, seq)| (room.to_string(), seq))
                .collect();
            let frame = json!({"type": "resume", "epoch": "e1", "cursors": cursors});
            self.story.push(frame.to_string());
            served.client.json(&frame);
        }
    }
}

struct Run {
    nodes: [World; 2],
    dice: Dice,
    rooms: Vec<RoomId>,
    clients: Vec<Client>,
    /// Somebody in every room who always has a socket on both nodes: they know all rooms, so that
    /// even what is lost heals exactly.
    watchers: Vec<Socket>,
    config: Config,
}

/// Rings that hold nearly everything, or little, or hardly anything at all.
fn config(seed: u64) -> Config {
    let mut config = Config::default();
    let usual = RingLimits::default();
    config.hub.ring = match seed % 4 {
        0 => usual,
        1 => RingLimits { events: 4, ..usual },
        2 => RingLimits {
            events: 4,
            deep_bytes: 4_000,
            ..usual
        },
        _ => RingLimits {
            events: 4,
            bytes: 1_500,
            deep_bytes: 2_500,
            total: 4_000,
        },
    };
    config
}

impl Run {
    async fn new(seed: u64, faults: Faults) -> Self {
        let config = config(seed);
        let here = World::with(seed, faults, config);
        let there = World {
            log: Arc::clone(&here.log),
            bus: Arc::clone(&here.bus),
            realtime: Realtime::start(here.log.clone(), here.bus.clone(), config),
        };
        let mut rooms = Vec::new();
        for _ in 0..3 {
            let room = here.room(1).await;
            for id in 2..CLIENTS {
                here.tell_surely(here.log.join(room, user(id))).await;
            }
            here.tell_surely(here.log.join(room, user(WATCHER))).await;
            rooms.push(room);
        }
        settle().await;
        let mut watchers = Vec::new();
        for node in [&here, &there] {
            watchers.push(node.socket(WATCHER).await);
        }
        Self {
            nodes: [here, there],
            dice: Dice::new(seed ^ 0xbeef),
            rooms,
            watchers,
            config,
            clients: (1..=CLIENTS)
                .map(|id| Client {
                    id,
                    ..Client::default()
                })
                .collect(),
        }
    }

    async fn step(&mut self, seed: u64) {
        let room = self.rooms[self.dice.below(3) as usize];
        let index = self.dice.below(CLIENTS as u64) as usize;
        let node = self.dice.below(2) as usize;
        let world = &self.nodes[node];
        match self.dice.below(100) {
            0 => self.restart(node).await,
            1..8 => {
                let client = &mut self.clients[index];
                // What is on the wire when it breaks may or may not arrive.
                if self.dice.percent(50) {
                    client.take(seed);
                }
                client.served = None;
            }
            8..25 => {
                let client = &mut self.clients[index];
                if client.served.is_none() {
                    client.greeted = false;
                    client.node = node;
                    client.served = Some(world.serve_v2(client.id).await);
                }
            }
            25..40 => {
                let pause = self.dice.below(8);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                self.clients[index].take(seed);
            }
            40..48 => world.tell(world.log.join(room, user(FLIPPER))).await,
            48..52 => {
                let left = world.log.leave(room, user(FLIPPER), LeaveReason::Left);
                world.tell(left).await;
            }
            52..56 => world.tell(world.log.rename(room)).await,
            56..64 => self.change(world).await,
            _ => {
                let author = self.dice.below(3) as i64 + 1;
                for _ in 0..=self.dice.below(3) {
                    world.send(room, author, "hello").await;
                }
            }
        }
    }

    /// A message is edited, deleted or reacted to.
    async fn change(&self, world: &World) {
        let what = match self.dice.below(4) {
            0 => ChangeKind::Edit("better".to_owned()),
            1 => ChangeKind::Delete,
            other => ChangeKind::React {
                emoji: "👍".to_owned(),
                on: other == 2,
            },
        };
        let change = NewChange {
            id: MessageId::new(self.dice.below(200) as i64 + 1),
            what,
            nonce: None,
        };
        if let Some((_, events)) = world.log.change(&change, user(1)) {
            world.tell(events).await;
        }
    }

    /// A node ends and begins anew: it remembers nothing.
    async fn restart(&mut self, node: usize) {
        let connected = self.clients.iter_mut();
        for client in connected.filter(|client| client.node == node) {
            client.served = None;
        }
        let world = &mut self.nodes[node];
        let (log, bus) = (world.log.clone(), world.bus.clone());
        world.realtime = Realtime::start(log, bus, self.config);
        self.watchers[node] = world.socket(WATCHER).await;
    }

    async fn finish(&mut self, seed: u64) {
        for client in &mut self.clients {
            client.take(seed);
            if client.served.is_none() {
                client.greeted = false;
                client.served = Some(self.nodes[0].serve_v2(client.id).await);
            }
        }
        // Long enough for comparisons with the store.
        for _ in 0..60 {
            settle().await;
            for client in &mut self.clients {
                client.take(seed);
            }
        }
        let newest = self.nodes[0].log.seqs();
        for client in &self.clients {
            let heard = self.nodes[0].log.heard_by(user(client.id));
            for room in &heard {
                let from = client.story.len().saturating_sub(45);
                let told = format!(
                    "seed {seed}, client {}, room {room}: {:#?}",
                    client.id,
                    &client.story[from..]
                );
                assert_eq!(client.cursors.get(room), newest.get(room), "{told}");
            }
            if client.id != FLIPPER {
                assert_eq!(client.resyncs, 0, "seed {seed}, client {}", client.id);
            }
        }
    }
}

async fn run(seed: u64, faults: Faults) {
    let mut run = Run::new(seed, faults).await;
    for _ in 0..STEPS {
        run.step(seed).await;
    }
    run.finish(seed).await;
}

fn runs() -> u64 {
    let runs = std::env::var("MODEL_RUNS").ok();
    runs.and_then(|runs| runs.parse().ok()).unwrap_or(40)
}

#[tokio::test(start_paused = true)]
async fn a_good_bus() {
    for seed in 0..runs() {
        run(seed, Faults::default()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_loses_repeats_and_reorders() {
    let faults = Faults {
        drop: 20,
        repeat: 10,
        delay: Duration::from_millis(10),
    };
    for seed in 0..runs() {
        run(seed, faults).await;
    }
}
