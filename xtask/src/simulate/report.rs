//! The figures as text.

use super::play::{Load, NodeLoad};
use super::world::World;

/// How much of a core is planned to be used: the rest is for peaks, and for a node that is away.
const PLANNED: f64 = 0.6;
/// Redis handles all commands in one thread.
const BUS_CORES: f64 = 1.0;
const DAY: f64 = 86_400.0;

/// A row of nodes, or of others: a name, and the figure of each.
struct Row<'a>(&'a str, &'a str, Vec<f64>);

/// The whole answer.
pub(super) fn render(world: &World, load: &Load, cores: f64) -> String {
    let shape = &world.shape;
    let seats: f64 = world.rooms.iter().map(|room| f64::from(room.members)).sum();
    let mut text = format!(
        "{} connections on {} nodes, {} rooms of {:.1} on average and at most {}, {} seconds, seed {}\n\n",
        shape.connections,
        shape.nodes,
        world.rooms.len(),
        seats / world.rooms.len() as f64,
        shape.largest,
        shape.seconds,
        shape.seed
    );
    text.push_str(&table("each node", &nodes(&load.nodes)));
    text.push_str(&table("each Redis", &buses(load)));
    text.push_str(&table("each database", &databases(load)));
    text.push_str(&spread(load));
    for line in limits(load, cores) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn of<T>(all: &[T], figure: impl Fn(&T) -> f64) -> Vec<f64> {
    all.iter().map(figure).collect()
}

fn nodes(all: &[NodeLoad]) -> Vec<Row<'static>> {
    vec![
        Row("connections", "", of(all, |node| node.connections)),
        Row("rooms with listeners", "", of(all, |node| node.rooms)),
        Row("messages sent", "/s", of(all, |node| node.sends)),
        Row("deliveries", "/s", of(all, |node| node.deliveries)),
        Row("frames from other nodes", "/s", of(all, |node| node.frames)),
        Row("processor", " cores", of(all, |node| node.cores)),
        Row(
            "memory",
            " MiB",
            of(all, |node| node.memory_bytes / f64::from(1 << 20)),
        ),
    ]
}

fn buses(load: &Load) -> Vec<Row<'static>> {
    let all = &load.buses;
    vec![
        Row("frames in", "/s", of(all, |bus| bus.publishes)),
        Row("frames out", "/s", of(all, |bus| bus.frames)),
        Row("traffic", " MB/s", of(all, |bus| bus.bytes / 1e6)),
        Row("processor", " cores", of(all, |bus| bus.cores)),
    ]
}

fn databases(load: &Load) -> Vec<Row<'static>> {
    let all = &load.databases;
    vec![
        Row("messages stored", "/s", of(all, |base| base.messages)),
        Row("commits", "/s", of(all, |base| base.commits)),
        Row("positions compared", "/s", of(all, |base| base.positions)),
        Row(
            "grows in a day by",
            " GB",
            of(all, |base| base.bytes * DAY / 1e9),
        ),
        Row("processor", " cores", of(all, |base| base.cores)),
    ]
}

fn table(title: &str, rows: &[Row<'_>]) -> String {
    let mut text = format!("{title:28} {:>14} {:>14} {:>14}\n", "least", "mean", "most");
    for Row(name, unit, values) in rows {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let figure = |value: f64| format!("{}{unit}", number(value));
        text.push_str(&format!(
            "  {name:26} {:>14} {:>14} {:>14}\n",
            figure(least),
            figure(mean),
            figure(most)
        ));
    }
    text.push('\n');
    text
}

fn number(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

/// How messages spread over nodes, and how deliveries vary from second to second.
fn spread(load: &Load) -> String {
    let published: f64 = load.buses.iter().map(|bus| bus.publishes).sum();
    let out: f64 = load.buses.iter().map(|bus| bus.frames).sum();
    let delivered: f64 = load.nodes.iter().map(|node| node.deliveries).sum();
    let most = load.deliveries_by_second.iter().copied().max();
    format!(
        "a message goes to {:.1} of {} nodes and to {:.0} people; the busiest second has {:.1} times the mean\n",
        out / published.max(1e-9),
        load.nodes.len(),
        delivered / published.max(1e-9),
        most.unwrap_or_default() as f64 / delivered.max(1e-9)
    )
}

/// What of its planned share each part uses, the fullest first.
fn limits(load: &Load, cores: f64) -> Vec<String> {
    let most = |values: Vec<f64>| values.into_iter().fold(0.0, f64::max);
    let mut shares = [
        (
            "a node's cores",
            most(of(&load.nodes, |node| node.cores)) / cores,
        ),
        ("Redis", most(of(&load.buses, |bus| bus.cores)) / BUS_CORES),
        (
            "a database's cores",
            most(of(&load.databases, |base| base.cores)) / cores,
        ),
    ];
    shares.sort_by(|one, other| other.1.total_cmp(&one.1));
    let line = |(name, share): &(&str, f64)| {
        let verdict = if *share > 1.0 {
            "impossible: more than there is"
        } else if *share > PLANNED {
            "full: nothing is left for peaks and for a node that is away"
        } else {
            "fits"
        };
        format!("{name}: {:.0} % of what there is, {verdict}", share * 100.0)
    };
    shares.iter().map(line).collect()
}
