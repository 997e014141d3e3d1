//! Everything a client may ask over a socket, whatever dialect it speaks.

use parlour_core::{Error, RoomId};

/// A client's wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send a message.
    Send(NewSend),
}

/// A message to be sent. Types are checked, rules (blank or long texts, membership, the nonce's
/// length, rates) are not: they are the action's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSend {
    /// Where to.
    pub room: RoomId,
    /// The text as given.
    pub text: String,
    /// The client's own id, if it gave one.
    pub nonce: Option<String>,
}

/// Why a command was not carried out.
#[derive(Debug)]
pub struct Refusal {
    /// What is wrong.
    pub error: Error,
    /// The nonce of the message concerned, so that the client knows which one.
    pub nonce: Option<String>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, nonce: None }
    }
}
