//! What Parlour **means**: rooms, members, messages, and every action one may take.
//!
//! This crate is the glossary. It knows no HTTP, no SQL and no socket: faces (REST, pages, sockets,
//! jobs, the command line) translate bytes into the inputs of the actions below, and keepers and
//! carriers implement the [`ports`].
//!
//! | word | meaning |
//! |---|---|
//! | account, user | a person or program with a name and a password |
//! | actor | who acts, and how they proved it ([`Actor`]) |
//! | room | a place to talk with an owner (the host), seats and an end |
//! | member | a user who joined a room; the owner is none until joining |
//! | standing | what a room knows of a user: stranger, invited, member, removed |
//! | message | text with an author, kept durably before anybody sees it |
//! | event | a fact of a room's stream; carries the next `seq` of its room |
//! | seq | position in a room's stream: 1, 2, 3, … without holes |
//! | epoch | name of this database's lineage; changes when a backup is restored |
//! | file | bytes with a name that hang on a message; staged until a message takes them, released afterwards |
//! | blob | the bytes of a file or a thumbnail, under a random key |
//! | nonce | the client's own id of a message; makes sending idempotent |
//!
//! Reading order: [`id`], [`time`], [`model`], [`event`], [`error`], [`given`], [`ports`],
//! [`settings`], [`app`], then the actions: [`accounts`], [`rooms`], [`messages`], [`files`], [`site`].

pub mod accounts;
pub mod actor;
pub mod app;
pub mod error;
pub mod event;
pub mod files;
pub mod given;
pub mod id;
pub mod markup;
pub mod media;
pub mod messages;
mod meters;
pub mod model;
pub mod passwords;
pub mod ports;
mod profiles;
pub mod rates;
pub mod rooms;
pub mod settings;
pub mod site;
pub mod text;
pub mod time;
pub mod workers;

pub use actor::{Actor, Proof};
pub use app::App;

pub use error::{Error, FieldError, Kind, Problem};
pub use event::{Event, Signal, What};
pub use id::{FileId, MessageId, RoomId, TokenId, UserId};
pub use meters::describe_metrics;
pub use settings::Settings;
pub use time::Time;
