//! How sockets speak: bytes in, commands out; events in, bytes out. One file per dialect.

mod account;
pub(crate) mod account_v2;
mod fields;
mod room;
pub(crate) mod socketio;
mod write;

pub use account::Account;
pub use account_v2::AccountV2;
pub use room::Room;

use crate::{
    command::{Command, Refusal},
    file_view::Signer,
    view::MessageView,
};
use bytes::Bytes;
use parlour_core::{Event, MessageId, RoomId, Time, What};

/// A data frame from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A text frame.
    Text(&'a [u8]),
    /// A binary frame.
    Binary(&'a [u8]),
}

/// One way of speaking. All frames it makes are text frames (UTF-8); only packets of msgpack are not.
pub trait Dialect: Send + Sync {
    /// What a frame asks for.
    ///
    /// # Errors
    /// What is wrong with the frame, to be answered by [`refuse`](Self::refuse).
    fn decode(&self, input: Input<'_>) -> Result<Command, Refusal>;

    /// An event as this dialect tells it; `None` when it does not.
    fn encode(&self, event: &Event) -> Option<Bytes>;

    /// The error frame for a command that was not carried out.
    fn refuse(&self, refusal: &Refusal) -> Bytes;

    /// The word that something is stored, for dialects that give it. Only after the durable commit.
    fn acknowledge(&self, ack: &Ack<'_>) -> Option<Bytes>;

    /// The answer to a ping, for dialects that have pings.
    fn pong(&self, _nonce: Option<&str>) -> Option<Bytes> {
        None
    }
}

/// Something is stored durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The client's own id of its wish.
    pub nonce: Option<&'a str>,
    /// The message.
    pub id: MessageId,
    /// Position of the event; `None` when nothing had to change.
    pub seq: Option<i64>,
    /// When.
    pub at: Time,
}

/// The dialects there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialectKind {
    /// The account socket, version 1: [`Account`].
    Account,
    /// The account socket, version 2: [`AccountV2`].
    AccountV2,
    /// The socket of one room: [`Room`].
    Room,
    /// The namespace `/` of Socket.IO, account-wide.
    SocketIo,
    /// A namespace of Socket.IO that is one room.
    SocketIoRoom,
    /// [`SocketIo`](Self::SocketIo) in packets of msgpack.
    SocketIoPack,
    /// [`SocketIoRoom`](Self::SocketIoRoom) in packets of msgpack.
    SocketIoRoomPack,
}

/// How many dialects there are.
pub(crate) const DIALECTS: usize = 7;

impl DialectKind {
    /// The dialect itself; `None` for Socket.IO, whose packets are more than frames:
    /// [`Conversation`](crate::Conversation).
    #[must_use]
    pub fn dialect(self) -> Option<&'static dyn Dialect> {
        match self {
            Self::Account => Some(&Account),
            Self::AccountV2 => Some(&AccountV2),
            Self::Room => Some(&Room),
            Self::SocketIo | Self::SocketIoRoom | Self::SocketIoPack | Self::SocketIoRoomPack => {
                None
            }
        }
    }

    /// An event as this dialect tells it; `None` when it does not.
    #[must_use]
    pub fn encode(self, event: &Event) -> Option<Bytes> {
        match self {
            Self::Account => Account.encode(event),
            Self::AccountV2 => AccountV2.encode(event),
            Self::Room => Room.encode(event),
            Self::SocketIo | Self::SocketIoPack => {
                socketio::encode(event, None).map(|packet| self.packet(packet))
            }
            Self::SocketIoRoom | Self::SocketIoRoomPack => {
                socketio::encode(event, Some(event.room)).map(|packet| self.packet(packet))
            }
        }
    }

    /// An event as this dialect tells it to one account, with addresses of files that load as they stand
    /// where it tells such.
    #[must_use]
    pub fn encode_signed(self, event: &Event, signer: &Signer) -> Option<Bytes> {
        match (self, &event.what) {
            (Self::Account, What::MessageCreated(message) | What::MessageUpdated(message)) => Some(
                account::message(message, &MessageView::signed(message, signer)),
            ),
            (Self::Room, What::MessageCreated(message) | What::MessageUpdated(message)) => {
                Some(room::message(message, Some(signer)))
            }
            _ => self.encode(event),
        }
    }

    /// Whether its clients are told addresses of files that load as they stand: those of the seeds bring
    /// nothing of their own to a file. The others come with their token.
    pub(crate) const fn is_signed(self) -> bool {
        matches!(self, Self::Account | Self::Room)
    }

    /// A packet of Socket.IO, made as text, as this dialect writes it.
    pub(crate) fn packet(self, packet: Bytes) -> Bytes {
        match self {
            Self::SocketIoPack | Self::SocketIoRoomPack => socketio::pack::of(&packet),
            _ => packet,
        }
    }

    /// Whether it tells everything that version 2 tells.
    pub(crate) const fn is_full(self) -> bool {
        match self {
            Self::AccountV2
            | Self::SocketIo
            | Self::SocketIoRoom
            | Self::SocketIoPack
            | Self::SocketIoRoomPack => true,
            Self::Account | Self::Room => false,
        }
    }

    /// A frame of version 2 as this dialect says it; `space` is the room of its namespace, if that
    /// is one. Only for dialects that are [full](Self::is_full).
    pub(crate) fn of_v2(self, space: Option<RoomId>, frame: &Bytes) -> Bytes {
        match self {
            Self::Account | Self::AccountV2 | Self::Room => frame.clone(),
            Self::SocketIo | Self::SocketIoPack => self.packet(socketio::of_v2(frame, None)),
            Self::SocketIoRoom | Self::SocketIoRoomPack => {
                self.packet(socketio::of_v2(frame, space))
            }
        }
    }

    /// The name used in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::AccountV2 => "account_v2",
            Self::Room => "room",
            Self::SocketIo | Self::SocketIoRoom | Self::SocketIoPack | Self::SocketIoRoomPack => {
                "socketio"
            }
        }
    }
}

/// An event and its frames: encoded when a dialect first asks, shared by all its sockets.
pub(crate) struct Encoded<'a> {
    event: &'a Event,
    frames: [Option<Option<Bytes>>; DIALECTS],
}

impl<'a> Encoded<'a> {
    pub(crate) const fn new(event: &'a Event) -> Self {
        Self {
            event,
            frames: [const { None }; DIALECTS],
        }
    }

    /// The event as this dialect tells it.
    pub(crate) fn frame(&mut self, kind: DialectKind) -> Option<Bytes> {
        self.frames[kind as usize]
            .get_or_insert_with(|| kind.encode(self.event))
            .clone()
    }
}
