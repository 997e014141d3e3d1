//! Plays what people say, and adds up what it costs whom.

use super::constants::Constants;
use super::world::{Message, World};

/// What one node has to do in a second, on average over the simulated time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct NodeLoad {
    pub(super) connections: f64,
    /// Rooms that it listens in: its subscriptions.
    pub(super) rooms: f64,
    /// Messages that its people send.
    pub(super) sends: f64,
    pub(super) deliveries: f64,
    /// Frames of other nodes that reach it by the bus.
    pub(super) frames: f64,
    pub(super) cores: f64,
    pub(super) memory_bytes: f64,
}

/// What one Redis has to do in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct BusLoad {
    /// Frames that come in: one for each message.
    pub(super) publishes: f64,
    /// Frames that go out: one for each node with listeners.
    pub(super) frames: f64,
    pub(super) bytes: f64,
    pub(super) cores: f64,
}

/// What one database primary has to do in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct DatabaseLoad {
    pub(super) messages: f64,
    /// Each node commits by itself: what it is sent within the time of a commit shares the next one.
    pub(super) commits: f64,
    /// Positions of rooms that nodes compare.
    pub(super) positions: f64,
    pub(super) bytes: f64,
    pub(super) cores: f64,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Load {
    pub(super) nodes: Vec<NodeLoad>,
    pub(super) buses: Vec<BusLoad>,
    pub(super) databases: Vec<DatabaseLoad>,
    /// Deliveries of each simulated second, of all nodes.
    pub(super) deliveries_by_second: Vec<u64>,
}

/// Plays these messages in this world.
pub(super) fn play(world: &World, messages: &[Message], constants: &Constants) -> Load {
    let shape = &world.shape;
    let mut load = Load {
        nodes: vec![NodeLoad::default(); shape.nodes],
        buses: vec![BusLoad::default(); shape.bus_shards],
        databases: vec![DatabaseLoad::default(); shape.database_shards],
        deliveries_by_second: vec![0; shape.seconds as usize],
    };
    let mut writes = vec![0_u32; shape.nodes * shape.database_shards];
    for message in messages {
        say(world, message, &mut load);
        let database = usize::from(world.rooms[message.room].database);
        writes[usize::from(message.node) * shape.database_shards + database] += 1;
    }
    stay(world, constants, &mut load);
    let seconds = f64::from(shape.seconds);
    for (at, count) in writes.iter().enumerate() {
        let database = &mut load.databases[at % shape.database_shards];
        database.commits += commits(f64::from(*count) / seconds, constants);
    }
    load.nodes
        .iter_mut()
        .for_each(|node| node.price(seconds, constants));
    load.buses
        .iter_mut()
        .for_each(|bus| bus.price(seconds, constants));
    load.databases
        .iter_mut()
        .for_each(|database| database.price(seconds, constants));
    load
}

/// Commits a second of one node in one database: never more than follow one upon the other.
fn commits(messages: f64, constants: &Constants) -> f64 {
    messages / (messages * constants.database_commit_s).max(1.0)
}

/// One message: counted at its sender, its bus, its database, and every node with listeners.
fn say(world: &World, message: &Message, load: &mut Load) {
    let room = &world.rooms[message.room];
    load.nodes[usize::from(message.node)].sends += 1.0;
    load.databases[usize::from(room.database)].messages += 1.0;
    let bus = &mut load.buses[usize::from(room.bus)];
    bus.publishes += 1.0;
    bus.frames += room.listeners.len() as f64;
    let second = (message.at as usize).min(load.deliveries_by_second.len() - 1);
    for (node, count) in &room.listeners {
        let there = &mut load.nodes[usize::from(*node)];
        there.deliveries += f64::from(*count);
        // It hears itself without Redis.
        there.frames += f64::from(u8::from(*node != message.node));
        load.deliveries_by_second[second] += u64::from(*count);
    }
}

/// What it takes that people are there at all, in each second.
fn stay(world: &World, constants: &Constants, load: &mut Load) {
    for (node, count) in load.nodes.iter_mut().zip(&world.connections) {
        node.connections = f64::from(*count);
    }
    let every = constants.compare_every_s;
    for room in &world.rooms {
        for (node, _) in &room.listeners {
            load.nodes[usize::from(*node)].rooms += 1.0;
        }
        let nodes = room.listeners.len() as f64;
        load.databases[usize::from(room.database)].positions += nodes / every;
    }
}

impl NodeLoad {
    fn price(&mut self, seconds: f64, c: &Constants) {
        self.sends /= seconds;
        self.deliveries /= seconds;
        self.frames /= seconds;
        let work = self.sends * c.send_us
            + self.deliveries * c.delivery_us()
            + self.frames * c.bus_frame_us
            + self.connections * c.idle_connection_us
            + self.rooms * c.idle_room_us;
        self.cores = work / 1e6;
        self.memory_bytes = self.connections * (c.connection_bytes + c.connection_kernel_bytes)
            + self.rooms * c.room_bytes;
    }
}

impl BusLoad {
    fn price(&mut self, seconds: f64, c: &Constants) {
        self.publishes /= seconds;
        self.frames /= seconds;
        self.bytes = (self.publishes + self.frames) * c.bus_frame_bytes;
        self.cores = (self.publishes * c.bus_publish_us + self.frames * c.bus_subscriber_us) / 1e6;
    }
}

impl DatabaseLoad {
    fn price(&mut self, seconds: f64, c: &Constants) {
        self.messages /= seconds;
        self.bytes = self.messages * c.message_bytes;
        let work = self.messages * c.database_message_us
            + self.commits * c.database_commit_us
            + self.positions * c.database_position_us;
        self.cores = work / 1e6;
    }
}
