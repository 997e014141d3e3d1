//! Random lives of rooms, people and sockets over buses that lose, repeat and reorder: every socket
//! gets exactly the messages of its user's membership intervals, each once, in order.

use crate::{
    bus::{Dice, Faults},
    log::Events,
    world::{Socket, World, settle, user},
};
use parlour_core::{
    RoomId,
    event::{EndReason, LeaveReason},
};
use parlour_realtime::{Config, News};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const PEOPLE: u64 = 6;
const STEPS: usize = 300;

/// What was true around the opening of a socket.
struct Opened {
    person: i64,
    socket: Socket,
    /// The rooms' seqs before the socket was registered, and after.
    before: BTreeMap<RoomId, i64>,
    after: BTreeMap<RoomId, i64>,
    /// The rooms the user heard before.
    heard: BTreeSet<RoomId>,
}

struct Run {
    world: World,
    dice: Dice,
    rooms: Vec<RoomId>,
    open: Vec<Opened>,
    closed: Vec<Opened>,
    lossy: bool,
}

impl Run {
    fn new(seed: u64, faults: Faults) -> Self {
        let mut config = Config::default();
        config.hub.outbox.frames = usize::MAX;
        config.hub.outbox.bytes = usize::MAX;
        Self {
            world: World::with(seed, faults, config),
            dice: Dice::new(seed ^ 0xdead),
            rooms: Vec::new(),
            open: Vec::new(),
            closed: Vec::new(),
            lossy: faults.drop > 0,
        }
    }

    fn person(&self) -> i64 {
        self.dice.below(PEOPLE) as i64 + 1
    }

    async fn create(&mut self) {
        let (room, events) = self.world.log.create(user(self.person()));
        self.rooms.push(room);
        if self.lossy {
            // The watcher (person 0) is in every room and always has a socket: the hub knows all
            // rooms, so that even what is lost heals exactly.
            self.world.tell_surely(events).await;
            let joined = self.world.log.join(room, user(0));
            self.world.tell_surely(joined).await;
        } else {
            self.world.tell(events).await;
        }
    }

    async fn open(&mut self, person: i64) {
        let before = self.world.log.seqs();
        let heard = self.world.log.heard_by(user(person));
        let socket = self.world.socket(person).await;
        let after = self.world.log.seqs();
        self.open.push(Opened {
            person,
            socket,
            before,
            after,
            heard,
        });
    }

    /// One random change of a room.
    fn change(&self) -> Events {
        let log = &self.world.log;
        let room = self.rooms[self.dice.below(self.rooms.len() as u64) as usize];
        let person = user(self.person());
        match self.dice.below(100) {
            0..50 => log.send(room, person, "hello"),
            50..70 => log.join(room, person),
            70..85 => log.leave(room, person, LeaveReason::Left),
            85..90 => log.leave(room, person, LeaveReason::Removed),
            90..94 => log.rename(room),
            94..99 => log.hand_over(room, person),
            _ => log.end(room, EndReason::Deleted),
        }
    }

    async fn step(&mut self) {
        match self.dice.below(100) {
            0..4 => self.create().await,
            4..10 => {
                let person = self.person();
                self.open(person).await;
            }
            10..14 if self.open.len() > 1 => {
                let index = 1 + self.dice.below(self.open.len() as u64 - 1) as usize;
                let mut gone = self.open.swap_remove(index);
                gone.socket.read();
                self.closed.push(gone);
            }
            14..20 => {
                let pause = self.dice.below(12);
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            20..22 if self.lossy => {
                let down = self.dice.percent(50);
                self.world
                    .log
                    .set_down(down && !self.world.log.seqs().is_empty());
                tokio::time::sleep(Duration::from_millis(30)).await;
                self.world.log.set_down(false);
            }
            _ if !self.rooms.is_empty() => {
                let events = self.change();
                self.world.tell(events).await;
            }
            _ => {}
        }
    }

    fn check(&mut self, seed: u64) {
        let log = &self.world.log;
        let still = self.open.len();
        let all = self.open.iter_mut().chain(&mut self.closed);
        for (index, opened) in all.enumerate() {
            let is_open = index < still;
            let id = user(opened.person);
            let got = opened.socket.seqs();
            for room in &self.rooms {
                let told = format!("seed {seed}, person {id}, room {room}, socket {index}");
                let heard = log.messages_for(*room, id);
                let got = got.get(room).cloned().unwrap_or_default();
                assert!(got.is_sorted_by(|a, b| a < b), "{told}: order {got:?}");
                let outside: Vec<_> = got.iter().filter(|seq| !heard.contains(seq)).collect();
                assert!(outside.is_empty(), "{told}: not to be heard: {outside:?}");
                if opened.heard.contains(room) {
                    let before = opened.before[room];
                    assert!(got.iter().all(|seq| *seq > before), "{told}: too early");
                }
                let after = opened.after.get(room).copied().unwrap_or(0);
                // What was under way when a socket or a room ended may be missing, but only at the
                // end.
                let is_whole = is_open && (log.is_living(*room) || !self.lossy);
                let last = if is_whole {
                    i64::MAX
                } else {
                    got.last().copied().unwrap_or(0)
                };
                let missing: Vec<_> = heard
                    .iter()
                    .filter(|seq| **seq > after && **seq <= last && !got.contains(seq))
                    .collect();
                assert!(
                    missing.is_empty(),
                    "{told}: missing {missing:?}, got {got:?}, opened at {after}, {}",
                    log.story(*room)
                );
                let ends = opened.socket.ends_of(*room);
                assert!(ends <= 1, "{told}: ended twice");
                // A loss may hide both that somebody joined and that the room ended since.
                let tells = is_open && !self.lossy && !opened_after_end(opened, *room, log);
                if tells && log.ended_for(*room, id) {
                    assert_eq!(ends, 1, "{told}: end not told");
                }
            }
        }
    }
}

/// Whether the room had ended before the socket was there.
fn opened_after_end(opened: &Opened, room: RoomId, log: &crate::log::Log) -> bool {
    opened.after.get(&room) == log.seqs().get(&room)
}

async fn run(seed: u64, faults: Faults) {
    let mut run = Run::new(seed, faults);
    run.open(0).await;
    for _ in 0..3 {
        run.create().await;
    }
    for _ in 0..STEPS {
        run.step().await;
    }
    settle().await;
    // Long enough for two comparisons with the store.
    tokio::time::sleep(Duration::from_secs(12)).await;
    for opened in &mut run.open {
        opened.socket.read();
    }
    run.check(seed);
}

fn runs() -> u64 {
    std::env::var("MODEL_RUNS")
        .ok()
        .and_then(|runs| runs.parse().ok())
        .unwrap_or(60)
}

#[tokio::test(start_paused = true)]
async fn a_good_bus() {
    for seed in 0..runs() {
        run(seed, Faults::default()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_repeats_and_reorders() {
    let faults = Faults {
        repeat: 20,
        delay: Duration::from_millis(4),
        ..Faults::default()
    };
    for seed in 0..runs() {
        run(seed, faults).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_loses_repeats_and_reorders() {
    let faults = Faults {
        drop: 25,
        repeat: 10,
        delay: Duration::from_millis(40),
    };
    for seed in 0..runs() {
        run(seed, faults).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_loses_nearly_everything() {
    let faults = Faults {
        drop: 90,
        ..Faults::default()
    };
    for seed in 0..runs() {
        run(seed, faults).await;
    }
}

/// X8: ten tabs of one user, closed in random order while joining and leaving from any.
#[tokio::test(start_paused = true)]
async fn ten_sockets_of_one_user() {
    for seed in 0..20 {
        let mut run = Run::new(seed, Faults::default());
        run.open(0).await;
        for _ in 0..5 {
            run.create().await;
        }
        for _ in 0..10 {
            run.open(1).await;
        }
        while run.open.len() > 2 {
            for _ in 0..10 {
                let room = run.rooms[run.dice.below(5) as usize];
                let log = &run.world.log;
                let events = match run.dice.below(3) {
                    0 => log.join(room, user(1)),
                    1 => log.leave(room, user(1), LeaveReason::Left),
                    _ => log.send(room, user(run.person()), "tab"),
                };
                run.world.tell(events).await;
            }
            let index = 1 + run.dice.below(run.open.len() as u64 - 1) as usize;
            let mut gone = run.open.swap_remove(index);
            settle().await;
            gone.socket.read();
            run.closed.push(gone);
        }
        run.world.bus.publish_surely(News::Gap).await;
        settle().await;
        run.check(seed);
    }
}
