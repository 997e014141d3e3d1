//! A client's frames, taken from the bytes of its connection (RFC 6455, section 5).
//!
//! One read may bring many frames; they are taken one after the other without another read. Between
//! frames nothing is held: an idle connection has no buffer.

use bytes::{Buf as _, Bytes, BytesMut};
use parlour_realtime::TransportError;

/// Room for so many bytes before each read.
const READ: usize = 16 << 10;
/// A buffer that holds less than this share of its size is exchanged for one that fits, before the
/// connection is waited for.
const SLACK: usize = 4;
/// Longest payload of a control frame.
const MAX_CONTROL: usize = 125;

/// In the first byte: this fragment is the last one.
const FINAL: u8 = 0x80;
/// In the first byte: bits of extensions, of which there are none here.
const RESERVED: u8 = 0x70;
/// In the second byte: the payload is masked.
const MASKED: u8 = 0x80;

/// What a client said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// A whole message, UTF-8.
    Text(Bytes),
    /// A whole message.
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    /// Good bye; the code to be answered, if one was given.
    Close(Option<u16>),
}

/// What is left of the bytes that were read, and the message that is not whole yet.
#[derive(Debug)]
pub(super) struct Frames {
    buffer: BytesMut,
    begun: Option<Box<Begun>>,
    /// Bytes of a refused frame that are still to come and are thrown away, so that the client's
    /// good bye behind it is found.
    skip: u64,
    /// Longest message, in bytes.
    largest: usize,
}

/// A message of which not all fragments are here.
#[derive(Debug)]
struct Begun {
    is_text: bool,
    payload: BytesMut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    More,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    const fn of(opcode: u8) -> Option<Self> {
        Some(match opcode {
            0 => Self::More,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The bytes before a payload.
struct Head {
    /// How many they are.
    len: usize,
    first: u8,
    mask: Option<[u8; 4]>,
    payload: u64,
    /// "The minimal number of bytes MUST be used to encode the length."
    is_shortest: bool,
}

impl Head {
    /// Reads them; `None` when they are not all here.
    fn of(bytes: &[u8]) -> Option<Self> {
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        let (payload, after): (u64, usize) = match second & !MASKED {
            126 => {
                let len = bytes.get(2..4)?.try_into().ok().map(u16::from_be_bytes)?;
                (u64::from(len), 4)
            }
            127 => {
                let len = bytes.get(2..10)?.try_into().ok().map(u64::from_be_bytes)?;
                (len, 10)
            }
            len => (u64::from(len), 2),
        };
        let (mask, len) = if second & MASKED == 0 {
            (None, after)
        } else {
            let mask = bytes.get(after..after + 4)?.try_into().ok()?;
            (Some(mask), after + 4)
        };
        let is_shortest = match after {
            4 => payload > MAX_CONTROL as u64,
            10 => payload > u64::from(u16::MAX),
            _ => true,
        };
        Some(Self {
            len,
            first,
            mask,
            payload,
            is_shortest,
        })
    }

    const fn is_final(&self) -> bool {
        self.first & FINAL != 0
    }
}

impl Frames {
    /// The frames of a connection of which these bytes were read already.
    pub(super) fn new(early: &[u8], largest: usize) -> Self {
        Self {
            // A copy: the original is a piece of the large buffer that the request was read into.
            buffer: BytesMut::from(early),
            begun: None,
            skip: 0,
            largest,
        }
    }

    /// Where the next bytes are to be put, after those that are there.
    pub(super) fn room(&mut self) -> &mut BytesMut {
        self.buffer.reserve(READ);
        &mut self.buffer
    }

    /// Gives memory back that is not needed while the connection is waited for.
    pub(super) fn rest(&mut self) {
        if self.buffer.len() < self.buffer.capacity() / SLACK {
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
    }

    /// The next message or control frame; `None` when more has to be read first.
    ///
    /// # Errors
    /// What the client did wrong. The frame is passed over: what comes behind it can be taken.
    pub(super) fn next(&mut self) -> Result<Option<Heard>, TransportError> {
        loop {
            if !self.pass_over() {
                return Ok(None);
            }
            let Some(head) = Head::of(&self.buffer) else {
                return Ok(None);
            };
            let (kind, mask, len) = match self.check(&head) {
                Ok(checked) => checked,
                Err(error) => {
                    self.buffer.advance(head.len);
                    self.skip = head.payload;
                    return Err(error);
                }
            };
            if self.buffer.len() - head.len < len {
                return Ok(None);
            }
            self.buffer.advance(head.len);
            let mut payload = self.buffer.split_to(len);
            unmask(&mut payload, mask);
            if let Some(heard) = self.take(kind, head.is_final(), payload)? {
                return Ok(Some(heard));
            }
        }
    }

    /// Throws away what is left of a refused frame; answers whether that was all of it.
    fn pass_over(&mut self) -> bool {
        if self.skip > 0 {
            let here = usize::try_from(self.skip).unwrap_or(usize::MAX);
            let here = here.min(self.buffer.len());
            self.buffer.advance(here);
            self.skip -= here as u64;
        }
        self.skip == 0
    }

    /// Whether a frame may be as its head says, before its payload is waited for.
    fn check(&self, head: &Head) -> Result<(Kind, [u8; 4], usize), TransportError> {
        let kind = Kind::of(head.first & 0x0f).filter(|_| head.first & RESERVED == 0);
        let (Some(kind), Some(mask)) = (kind, head.mask) else {
            return Err(TransportError::Protocol);
        };
        if !head.is_shortest || head.payload > i64::MAX.unsigned_abs() {
            // "The most significant bit MUST be 0."
            return Err(TransportError::Protocol);
        }
        let len = usize::try_from(head.payload).map_err(|_| TransportError::TooBig)?;
        let is_right = match kind {
            Kind::More => self.begun.is_some(),
            Kind::Text | Kind::Binary => self.begun.is_none(),
            Kind::Close | Kind::Ping | Kind::Pong => head.is_final() && len <= MAX_CONTROL,
        };
        if !is_right {
            return Err(TransportError::Protocol);
        }
        let begun = self.begun.as_ref().filter(|_| !kind.is_control());
        if len > self.largest - begun.map_or(0, |begun| begun.payload.len()) {
            return Err(TransportError::TooBig);
        }
        Ok((kind, mask, len))
    }

    /// One frame more.
    fn take(
        &mut self,
        kind: Kind,
        is_final: bool,
        payload: BytesMut,
    ) -> Result<Option<Heard>, TransportError> {
        match kind {
            Kind::Ping => Ok(Some(Heard::Ping(payload.freeze()))),
            Kind::Pong => Ok(Some(Heard::Pong)),
            Kind::Close => close_code(&payload).map(|code| Some(Heard::Close(code))),
            Kind::Text | Kind::Binary if is_final => whole(kind == Kind::Text, payload).map(Some),
            Kind::Text | Kind::Binary => {
                self.begun = Some(Box::new(Begun {
                    is_text: kind == Kind::Text,
                    // A copy, as the rest of what was read need not be held with it.
                    payload: BytesMut::from(&payload[..]),
                }));
                Ok(None)
            }
            Kind::More => {
                if let Some(begun) = &mut self.begun {
                    begun.payload.extend_from_slice(&payload);
                }
                match self.begun.take_if(|_| is_final) {
                    Some(begun) => whole(begun.is_text, begun.payload).map(Some),
                    None => Ok(None),
                }
            }
        }
    }
}

fn whole(is_text: bool, payload: BytesMut) -> Result<Heard, TransportError> {
    if !is_text {
        return Ok(Heard::Binary(payload.freeze()));
    }
    match std::str::from_utf8(&payload) {
        Ok(_) => Ok(Heard::Text(payload.freeze())),
        Err(_) => Err(TransportError::NotUtf8),
    }
}

/// The code of a client's good bye, as it is to be answered.
fn close_code(payload: &[u8]) -> Result<Option<u16>, TransportError> {
    /// What a code is answered with that nobody may send.
    const WRONG: u16 = 1002;
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() {
            Ok(None)
        } else {
            Err(TransportError::Protocol)
        };
    };
    if std::str::from_utf8(reason).is_err() {
        return Err(TransportError::NotUtf8);
    }
    Ok(Some(match u16::from_be_bytes(*code) {
        code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => code,
        _ => WRONG,
    }))
}

/// Takes the client's mask off.
fn unmask(payload: &mut [u8], [a, b, c, d]: [u8; 4]) {
    // Eight bytes at once: several times as fast as one by one.
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip([a, b, c, d].into_iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests;
