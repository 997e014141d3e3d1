//! The real server, met the way a client meets it: over HTTP and sockets, on both databases.
//!
//! Each story starts the binary on a free port with a database of its own. Every assertion is a line
//! of the contract; when one fails, the server is wrong until the contract is changed.
//!
//! PostgreSQL comes from `PARLOUR_TEST_POSTGRES` (the URL of a superuser). Without it the stories on
//! PostgreSQL fail, unless `PARLOUR_TEST_WITHOUT` names `postgres`: leaving a database out is a
//! decision, not an accident.

mod support;

mod access;
mod access_table;
mod accounts;
mod accounts_end;
mod accounts_names;
mod canary;
mod conventions;
mod conventions_fields;
mod cross_origin;
mod documents;
mod draining;
mod durability;
mod files;
mod files_access;
mod files_attacks;
mod files_hostile;
mod files_s3;
mod files_scanned;
mod files_tus;
mod files_tus_document;
mod hostile;
mod hostile_wire;
mod limits;
mod messages;
mod messages_history;
mod messages_nonce;
mod metrics;
mod moving;
mod one_stream;
mod ops;
mod pages;
mod pages_accounts;
mod pages_own;
mod pages_rooms;
mod pages_safety;
mod pages_theme;
mod preferences;
mod races;
mod reactions;
mod reading;
mod redis_cluster;
mod replies;
mod rooms;
mod rooms_end;
mod rooms_private;
mod socket_room;
mod socket_v2;
mod socketio;
mod socketio_eio3;
mod socketio_polling;
mod sockets;
mod sockets_end;
mod sockets_errors;
mod tls;
