//! Who is connected where, and who is in which room.

use anyhow::{Result, ensure};

use super::random::{Random, mixed};

/// The sizes of things, as they are asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shape {
    pub(super) connections: usize,
    pub(super) nodes: usize,
    /// Rooms of each person on average.
    pub(super) rooms_each: f64,
    /// The largest room.
    pub(super) largest: usize,
    /// Messages of a person in an hour, in all of their rooms.
    pub(super) messages_per_hour: f64,
    pub(super) bus_shards: usize,
    pub(super) database_shards: usize,
    pub(super) seconds: u32,
    pub(super) seed: u64,
}

/// Members of the smallest room.
const SMALLEST: f64 = 2.0;
/// How fast larger rooms get rarer: the exponent of a Pareto distribution. 1.2 makes many rooms of two and
/// three, and half of all seats are in rooms of more than some tens.
const RARENESS: f64 = 1.2;
/// How a room's messages grow with its members: people say less where very many listen.
const TALK: f64 = 0.7;

/// A room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// Nodes with listeners, and how many of these each has. By node.
    pub(super) listeners: Vec<(u16, u32)>,
    pub(super) members: u32,
    pub(super) bus: u16,
    pub(super) database: u16,
}

/// A message: in which room, and at which node its sender is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Message {
    /// Seconds since the begin.
    pub(super) at: f64,
    pub(super) room: usize,
    pub(super) node: u16,
}

/// Everybody, at one moment.
#[derive(Debug)]
pub(super) struct World {
    pub(super) shape: Shape,
    /// Connections of each node.
    pub(super) connections: Vec<u32>,
    pub(super) rooms: Vec<Room>,
    /// Sums of the rooms' weights: who speaks next.
    weights: Vec<f64>,
    random: Random,
}

impl World {
    /// Throws people onto nodes and into rooms.
    ///
    /// # Errors
    /// When something asked for is zero, or too large.
    pub(super) fn new(shape: Shape) -> Result<Self> {
        let counts = [
            shape.connections,
            shape.nodes,
            shape.bus_shards,
            shape.database_shards,
        ];
        ensure!(
            counts.iter().all(|count| *count > 0) && shape.seconds > 0,
            "every number has to be above 0"
        );
        ensure!(
            shape.nodes <= usize::from(u16::MAX) && shape.connections <= 10_000_000,
            "at most 65535 nodes and 10,000,000 connections"
        );
        ensure!(
            shape.largest >= 2 && shape.largest <= shape.connections,
            "the largest room has 2 members at least, and not more than there are people"
        );
        ensure!(
            shape.rooms_each > 0.0 && shape.messages_per_hour > 0.0,
            "people are in rooms and say something"
        );
        let mut random = Random::new(shape.seed);
        let places = places(&shape, &mut random);
        let mut connections = vec![0; shape.nodes];
        for node in &places {
            connections[usize::from(*node)] += 1;
        }
        let rooms = rooms(&shape, &places, &mut random);
        let mut sum = 0.0;
        let weights = rooms.iter().map(|room| {
            sum += f64::from(room.members).powf(TALK);
            sum
        });
        Ok(Self {
            weights: weights.collect(),
            shape,
            connections,
            rooms,
            random,
        })
    }

    /// What is said within the simulated time, in order.
    pub(super) fn messages(&mut self) -> Vec<Message> {
        let per_second = self.shape.connections as f64 * self.shape.messages_per_hour / 3_600.0;
        let end = f64::from(self.shape.seconds);
        let mut all = Vec::new();
        let mut at = self.random.pause(per_second);
        while at < end {
            all.push(self.message(at));
            at += self.random.pause(per_second);
        }
        all
    }

    fn message(&mut self, at: f64) -> Message {
        let whole = self.weights.last().copied().unwrap_or_default();
        let place = self.random.share() * whole;
        let room = self.weights.partition_point(|sum| *sum <= place);
        let room = room.min(self.rooms.len() - 1);
        let mut seat = self.random.below(self.rooms[room].members as usize) as u32;
        let mut speaker = self.rooms[room].listeners[0].0;
        for (node, count) in &self.rooms[room].listeners {
            speaker = *node;
            if seat < *count {
                break;
            }
            seat -= count;
        }
        Message {
            at,
            room,
            node: speaker,
        }
    }
}

/// The node of each connection: any node serves any socket.
fn places(shape: &Shape, random: &mut Random) -> Vec<u16> {
    (0..shape.connections)
        .map(|_| random.below(shape.nodes) as u16)
        .collect()
}

fn rooms(shape: &Shape, places: &[u16], random: &mut Random) -> Vec<Room> {
    let seats = (shape.connections as f64 * shape.rooms_each) as usize;
    let mut counts = vec![0_u32; shape.nodes];
    let (mut rooms, mut taken) = (Vec::new(), 0);
    while taken < seats.max(1) {
        let members = size(shape.largest, random);
        taken += members;
        let mut touched = Vec::new();
        for _ in 0..members {
            let node = places[random.below(places.len())];
            if counts[usize::from(node)] == 0 {
                touched.push(node);
            }
            counts[usize::from(node)] += 1;
        }
        touched.sort_unstable();
        let listeners = touched
            .into_iter()
            .map(|node| (node, std::mem::take(&mut counts[usize::from(node)])));
        // Neighbouring ids go to different shards.
        let spread = mixed(rooms.len() as u64 + 1);
        rooms.push(Room {
            listeners: listeners.collect(),
            members: members as u32,
            bus: (spread % shape.bus_shards as u64) as u16,
            database: ((spread >> 32) % shape.database_shards as u64) as u16,
        });
    }
    rooms
}

/// Members of a room: few large ones, very many small ones.
fn size(largest: usize, random: &mut Random) -> usize {
    let size = SMALLEST / (1.0 - random.share()).powf(1.0 / RARENESS);
    (size as usize).clamp(2, largest)
}
