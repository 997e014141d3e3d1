//! What the actions need from outside, as small interfaces. Comments state guarantees; the
//! conformance suite of `parlour-store` checks them on every engine.
//!
//! Store methods are *intentions that are atomic by themselves*. What can race is decided inside the
//! method and answered as a domain outcome; a lookup that finds nothing answers `None`, and somebody
//! above decides whether that is an error. Every method fails with
//! [`Unavailable`](crate::Kind::Unavailable) within about two seconds when the database does not
//! answer, and never hangs.
//!
//! **Commit, then announce.** Every method that changes a room gives the change the next `seq` of the
//! room inside its transaction, and after the durable commit hands the events to the [`Announce`] the
//! store was opened with, in commit order per room, also when the caller has gone away meanwhile.
//! "Committed" is durable: it survives a power cut (realtime.md).

mod accounts;
mod blobs;
mod files;
mod messages;
mod reading;
mod rooms;
mod scanner;
mod sessions;
mod site;
mod uploads;

pub use accounts::{
    AccountKeys, Accounts, DeleteUser, FirstAdmin, NewUser, SaveUser, TakenField, UserChange,
};
pub use blobs::{BlobEntry, BlobKey, BlobStream, Blobs, Lanes, Staged, Turn};
pub use files::{Files, GalleryPage, NewFile, StageFile, Stored};
pub use messages::{
    Append, EditMessage, MessageChange, Messages, NewMessage, NewReaction, Pending, React,
};
pub use reading::Reading;
pub use rooms::{Change, Hearing, History, Join, NewRoom, RoomChange, Rooms, SaveRoom, Span};
pub use scanner::{Scanner, Verdict};
pub use sessions::{EndWhich, NewToken, Revocation, Sessions};
pub use site::{LogoChange, SiteChange, Sites};
pub use uploads::{BeginUpload, Upload, UploadLimits, UploadState, Uploads};

use crate::{Error, Event, Signal, Time, UserId};
use async_trait::async_trait;
use std::sync::Arc;

/// Everything that is kept.
pub trait Store:
    Accounts + Sessions + Rooms + Messages + Files + Uploads + Reading + Sites + Upkeep
{
}

impl<T: Accounts + Sessions + Rooms + Messages + Files + Uploads + Reading + Sites + Upkeep> Store
    for T
{
}

/// The store's own health.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Writes and commits something small: proves that sends can be stored now.
    async fn probe(&self) -> Result<(), Error>;
    /// Name of the database's lineage; changes when a backup is restored.
    fn epoch(&self) -> &str;
    /// The mark of the process that does the recurring work, if any process ever did.
    async fn duty(&self) -> Result<Option<String>, Error>;
    /// Puts another mark in the place of the one that was `seen` there; answers whether it was still there.
    /// Of several who saw the same mark just one is answered `true`.
    async fn mark_duty(&self, seen: Option<&str>, mark: &str) -> Result<bool, Error>;
    /// Finishes the commits under way, answers their callers, and closes. Later calls fail with
    /// [`crate::error::STORE_UNAVAILABLE`].
    async fn close(&self);
}

/// Tells whoever listens, in this process and others.
#[async_trait]
pub trait Announce: Send + Sync {
    /// Events that were just committed, in commit order per room. May wait when listeners are
    /// behind; never fails: what is lost on the way is healed from the store.
    async fn events(&self, events: Vec<Arc<Event>>);
    /// News of a user.
    async fn signal(&self, signal: Signal);
}

/// Who is here, as far as the sockets know.
#[async_trait]
pub trait Presence: Send + Sync {
    /// Those of these users who have a socket open, or closed the last one seconds ago.
    async fn here(&self, users: &[UserId]) -> Vec<UserId>;
}

/// Nobody is ever here: for commands that open no sockets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

#[async_trait]
impl Presence for Nobody {
    async fn here(&self, _: &[UserId]) -> Vec<UserId> {
        Vec::new()
    }
}

/// The time. Passed in, so that tests can move it.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Time;
}

/// Randomness fit for secrets. Passed in, so that tests can repeat it.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        Time::now()
    }
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        rand::fill(bytes);
    }
}
