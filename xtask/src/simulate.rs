//! `simulate`: a million connections on N nodes, on paper: who says what to whom is played, what it costs
//! is taken from the measured constants.

mod constants;
mod play;
mod random;
mod report;
mod world;

use anyhow::Result;
use clap::Args;

use self::constants::Constants;
use self::world::{Shape, World};

/// What to simulate.
#[derive(Args)]
pub(crate) struct Options {
    /// Print the constants with their sources, and simulate nothing
    #[arg(long)]
    constants: bool,
    /// Connections; everybody has one
    #[arg(long, default_value_t = 1_000_000)]
    connections: usize,
    /// Nodes
    #[arg(long, default_value_t = 50)]
    nodes: usize,
    /// Rooms of each person on average
    #[arg(long, default_value_t = 3.0)]
    rooms_each: f64,
    /// Members of the largest room
    #[arg(long, default_value_t = 10_000)]
    largest: usize,
    /// Messages of each person in an hour
    #[arg(long, default_value_t = 6.0)]
    messages_per_hour: f64,
    /// Redis servers, by room
    #[arg(long, default_value_t = 1)]
    bus_shards: usize,
    /// Database primaries, by room
    #[arg(long, default_value_t = 1)]
    database_shards: usize,
    /// Cores of a node, and of a database
    #[arg(long, default_value_t = 4.0)]
    cores: f64,
    /// Simulated time in seconds
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// Where randomness begins: the same seed gives the same figures
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Plays it and tells what every part has to do.
///
/// # Errors
/// When something asked for makes no sense.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.constants {
        println!("{}", constants::table()?);
    } else {
        println!("{}", told(options)?);
    }
    Ok(())
}

fn told(options: &Options) -> Result<String> {
    let constants = Constants::read()?;
    let mut world = World::new(Shape {
        connections: options.connections,
        nodes: options.nodes,
        rooms_each: options.rooms_each,
        largest: options.largest,
        messages_per_hour: options.messages_per_hour,
        bus_shards: options.bus_shards,
        database_shards: options.database_shards,
        seconds: options.seconds,
        seed: options.seed,
    })?;
    let messages = world.messages();
    let load = play::play(&world, &messages, &constants);
    Ok(report::render(&world, &load, options.cores))
}

#[cfg(test)]
mod tests;
