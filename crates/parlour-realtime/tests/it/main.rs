//! The crate from outside: dialects as tables, the hub over a faithful log and over buses that lose,
//! repeat and reorder, and whole sockets over a transport in memory.

mod bus;
mod decoder;
mod dialect;
mod docs;
mod hub;
mod log;
mod model;
mod shutdown;
mod slow;
mod sockets;
mod wire;
mod world;
