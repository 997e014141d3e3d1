//! The actions over a real SQLite store in a temporary folder and an `Announce` that records.

mod accounts;
mod files;
mod messages;
mod rooms;
mod uploads;
mod world;
