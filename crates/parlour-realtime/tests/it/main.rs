//! The crate from outside: dialects as tables, the hub over a faithful log and over buses that lose,
//! repeat and reorder, and whole sockets over a transport in memory.

mod bus;
mod decoder;
mod dialect;
mod dialect_room;
mod dialect_v2;
mod docs;
mod fleeting;
mod hub;
mod log;
mod model;
mod msgpack;
mod open_rooms;
mod redis;
mod resume;
mod resume_model;
mod room_socket;
mod shutdown;
mod slow;
mod socketio;
mod socketio_old;
mod socketio_pack;
mod socketio_places;
mod sockets;
mod sockets_v2;
mod storm;
mod wire;
mod world;
