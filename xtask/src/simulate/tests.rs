//! The simulator against counting one by one, and against what can be known without it.

use super::play::{Load, play};
use super::*;

fn shape() -> Shape {
    Shape {
        connections: 300,
        nodes: 4,
        rooms_each: 2.0,
        largest: 40,
        messages_per_hour: 120.0,
        bus_shards: 2,
        database_shards: 3,
        seconds: 20,
        seed: 5,
    }
}

fn played(shape: Shape) -> (World, usize, Load) {
    let mut world = World::new(shape).expect("a world");
    let messages = world.messages();
    let load = play(&world, &messages, &Constants::read().expect("constants"));
    (world, messages.len(), load)
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()).max(1.0)
}

#[test]
fn every_sum_is_what_counting_one_by_one_gives() {
    let mut world = World::new(shape()).expect("a world");
    let messages = world.messages();
    assert!(messages.len() > 100, "{} messages", messages.len());
    let constants = Constants::read().expect("constants");
    let load = play(&world, &messages, &constants);
    let seconds = f64::from(world.shape.seconds);
    for (number, node) in load.nodes.iter().enumerate() {
        let (mut deliveries, mut frames, mut sends, mut work) = (0, 0, 0, 0.0);
        for message in &messages {
            // Each seat by itself, in the order of the nodes.
            let listeners = &world.rooms[message.room].listeners;
            let seats: Vec<u16> = listeners
                .iter()
                .flat_map(|(node, count)| vec![*node; *count as usize])
                .collect();
            let here = seats.iter().filter(|node| usize::from(**node) == number);
            let here = here.count();
            let sent = usize::from(message.node) == number;
            deliveries += here;
            work += here as f64 * (constants.delivery_write_us + constants.delivery_frame_us);
            if sent {
                sends += 1;
                work += constants.send_us;
            } else if here > 0 {
                frames += 1;
                work += constants.bus_frame_us;
            }
        }
        assert!(close(
            node.deliveries * seconds,
            f64::from(deliveries as u32)
        ));
        assert!(close(node.frames * seconds, f64::from(frames)));
        assert!(close(node.sends * seconds, f64::from(sends)));
        let idle =
            node.connections * constants.idle_connection_us + node.rooms * constants.idle_room_us;
        assert!(close(node.cores * 1e6, work / seconds + idle));
    }
}

#[test]
fn the_bus_carries_a_message_to_the_nodes_with_listeners_and_to_no_other() {
    let (world, count, load) = played(shape());
    let seconds = f64::from(world.shape.seconds);
    let total = |figure: fn(&play::BusLoad) -> f64| load.buses.iter().map(figure).sum::<f64>();
    let published = total(|bus| bus.publishes) * seconds;
    assert!(close(published, count as f64));
    let stored: f64 = load.databases.iter().map(|base| base.messages).sum();
    assert!(close(stored * seconds, count as f64));
    // What reaches other nodes, and what each message's own node hears.
    let others: f64 = load.nodes.iter().map(|node| node.frames).sum();
    assert!(close(
        total(|bus| bus.frames) * seconds,
        others * seconds + count as f64
    ));
}

#[test]
fn messages_share_a_commit_when_one_node_is_sent_many() {
    let commits = |nodes, messages_per_hour| {
        let (_, count, load) = played(Shape {
            nodes,
            messages_per_hour,
            database_shards: 1,
            ..shape()
        });
        let seconds = f64::from(shape().seconds);
        (load.databases[0].commits, count as f64 / seconds)
    };
    let (calm, said) = commits(4, 120.0);
    assert!(
        close(calm, said),
        "each message has its own: {calm}, {said}"
    );
    let (busy, said) = commits(1, 360_000.0);
    let every = Constants::read().expect("constants").database_commit_s;
    assert!(
        said > 10_000.0 && close(busy, 1.0 / every),
        "{busy} of {said}"
    );
}

#[test]
fn people_are_where_they_were_put() {
    let (world, _, load) = played(shape());
    let there: u32 = world.connections.iter().sum();
    assert_eq!(there, 300);
    for room in &world.rooms {
        let seats: u32 = room.listeners.iter().map(|(_, count)| count).sum();
        assert_eq!(seats, room.members);
        assert!(room.listeners.is_sorted_by(|one, other| one.0 < other.0));
    }
    let subscriptions: f64 = load.nodes.iter().map(|node| node.rooms).sum();
    let listening: usize = world.rooms.iter().map(|room| room.listeners.len()).sum();
    assert!(close(subscriptions, f64::from(listening as u32)));
    // Each subscription is compared once in a while.
    let compared: f64 = load.databases.iter().map(|base| base.positions).sum();
    let every = Constants::read().expect("constants").compare_every_s;
    assert!(close(compared * every, subscriptions));
}

#[test]
fn a_seed_is_a_story_and_another_one_another() {
    let story = |seed| played(Shape { seed, ..shape() }).2;
    assert_eq!(story(5), story(5));
    assert_ne!(story(5), story(6));
}

#[test]
fn a_room_costs_the_bus_its_members_at_most_however_many_nodes_there_are() {
    let frames = |nodes| {
        let (_, count, load) = played(Shape {
            nodes,
            largest: 3,
            ..shape()
        });
        let out: f64 = load.buses.iter().map(|bus| bus.frames).sum();
        out * f64::from(shape().seconds) / count as f64
    };
    assert!(close(frames(1), 1.0));
    assert!(frames(200) <= 3.0 && frames(200) > frames(2));
}

#[test]
fn the_answer_names_what_is_full() {
    let mut options = Options {
        constants: false,
        connections: 2_000,
        nodes: 2,
        rooms_each: 3.0,
        largest: 500,
        messages_per_hour: 60.0,
        bus_shards: 1,
        database_shards: 1,
        cores: 4.0,
        seconds: 5,
        seed: 1,
    };
    let text = told(&options).expect("told");
    assert!(text.starts_with("2000 connections on 2 nodes"), "{text}");
    assert_eq!(text.matches(", fits").count(), 3, "{text}");
    options.cores = 0.001;
    let text = told(&options).expect("told");
    assert!(text.contains("a node's cores: "), "{text}");
    assert!(text.contains("impossible"), "{text}");
    options.nodes = 0;
    assert!(told(&options).is_err());
}
