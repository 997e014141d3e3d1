//! Random lives of clients that are cut and come back, to either of two nodes, over buses that lose,
//! repeat and reorder: nobody ever misses, repeats or reorders an event without being told.

use crate::{
    bus::{Dice, Faults},
    sockets::Served,
    world::{World, settle, user},
};
use parlour_core::{RoomId, event::LeaveReason};
use parlour_realtime::{Config, Realtime};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

const CLIENTS: i64 = 4;
/// Joins and leaves all the time.
const FLIPPER: i64 = 4;
const STEPS: usize = 250;

/// A client that keeps its cursors over its connections.
#[derive(Default)]
struct Client {
    id: i64,
    served: Option<Served>,
    cursors: BTreeMap<RoomId, i64>,
    /// Resyncs so far.
    resyncs: usize,
    greeted: bool,
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
        let told = format!("seed {seed}, client {}, {frame}", self.id);
        let room = || RoomId::new(frame["room"].as_i64().expect("a room"));
        let kind = frame["type"].as_str().expect("a type");
        assert_eq!(kind == "hello", !self.greeted, "{told}");
        match kind {
            "hello" => self.greet(frame),
            "presence" | "typing" | "read" => {}
            "recovered" => assert_eq!(self.cursors[&room()], frame["seq"], "{told}"),
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
                if kind == "member.left" && frame["member"]["id"] == self.id {
                    // The last word; what it missed until then is not theirs to read any more.
                    assert!(
                        self.cursors
                            .remove(&room())
                            .is_none_or(|before| seq > before),
                        "{told}"
                    );
                } else if let Some(before) = self.cursors.insert(room(), seq) {
                    // One's own joining begins anew.
                    let is_anew = kind == "member.joined" && frame["member"]["id"] == self.id;
                    assert!(seq == before + 1 || (is_anew && seq > before), "{told}");
                }
            }
        }
    }

    /// Rooms that this client knows nothing of begin where the socket begins.
    fn greet(&mut self, hello: &Value) {
        self.greeted = true;
        for (room, seq) in hello["cursors"].as_object().expect("cursors") {
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
            served.client.json(&frame);
        }
    }
}

struct Run {
    nodes: [World; 2],
    dice: Dice,
    rooms: Vec<RoomId>,
    clients: Vec<Client>,
}

impl Run {
    async fn new(seed: u64, faults: Faults) -> Self {
        let here = World::with(seed, faults, Config::default());
        let there = World {
            log: Arc::clone(&here.log),
            bus: Arc::clone(&here.bus),
            realtime: Realtime::start(here.log.clone(), here.bus.clone(), Config::default()),
        };
        let mut rooms = Vec::new();
        for _ in 0..3 {
            let room = here.room(1).await;
            for id in 2..CLIENTS {
                here.tell_surely(here.log.join(room, user(id))).await;
            }
            rooms.push(room);
        }
        settle().await;
        Self {
            nodes: [here, there],
            dice: Dice::new(seed ^ 0xbeef),
            rooms,
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
        let world = &self.nodes[self.dice.below(2) as usize];
        match self.dice.below(100) {
            0..8 => {
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
            _ => {
                let author = self.dice.below(3) as i64 + 1;
                for _ in 0..=self.dice.below(3) {
                    world.send(room, author, "hello").await;
                }
            }
        }
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
                let told = format!("seed {seed}, client {}, room {room}", client.id);
                let gone = client.served.as_ref().is_some_and(|served| served.task.is_finished());
                assert_eq!(client.cursors.get(room), newest.get(room), "{told} {gone}");
            }
            assert_eq!(
                client.cursors.len(),
                heard.len(),
                "seed {seed}, client {}",
                client.id
            );
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
