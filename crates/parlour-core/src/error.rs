//! Errors: a kind (what a translator needs), a code (what a program needs), a text (what a person
//! needs). Each face has exactly one translator.

mod problem;

pub use problem::Problem;

use crate::RoomId;
use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

/// What sort of error it is; translators choose a status or close code by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The input breaks a rule; `fields` says which. 400.
    Invalid,
    /// Nobody, or a credential that is not valid (any more). 401.
    Unauthenticated,
    /// Known, but not allowed. 403.
    Forbidden,
    /// Does not exist, or must look as if it did not. 404.
    NotFound,
    /// Contradicts what is stored. 409.
    Conflict,
    /// Was there once. 410 on pages, 404 elsewhere.
    Gone,
    /// Larger than a limit. 413.
    TooLarge,
    /// Too often; `retry_after` says when. 429.
    TooMany,
    /// Something that Parlour needs does not answer now; `retry_after` says when. 503.
    Unavailable,
    /// The server keeps no more files until somebody makes room. 507.
    StorageFull,
    /// Our fault. The source is logged once, the user learns only the request's id. 500.
    Internal,
}

/// One line of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// What programs compare.
    pub code: &'static str,
    /// What translators compare.
    pub kind: Kind,
    /// What people read.
    pub text: &'static str,
}

macro_rules! catalogue {
    ($($(#[$doc:meta])* $name:ident = $kind:ident, $code:literal, $text:literal;)*) => {
        $($(#[$doc])* pub const $name: Code = Code { code: $code, kind: Kind::$kind, text: $text };)*

        /// Every code there is; `docs/errors.md` is generated from it.
        pub const CATALOGUE: &[Code] = &[$($name),*];
    };
}

catalogue! {
    /// The input breaks a rule; see the fields.
    INVALID = Invalid, "invalid", "Invalid input.";
    /// Wrong password, unknown user and inactive user alike.
    LOGIN_FAILED = Invalid, "login_failed", "Unable to log in with provided credentials.";
    /// The room has no free seat.
    ROOM_FULL = Invalid, "room_full", "Max users limit for group reached.";
    /// No credentials.
    UNAUTHENTICATED = Unauthenticated, "unauthenticated", "Authentication credentials were not provided.";
    /// A token that is unknown, revoked, ended, or of an inactive account.
    INVALID_TOKEN = Unauthenticated, "invalid_token", "Invalid token.";
    /// Only the owner may.
    OWNER_ONLY = Forbidden, "owner_only", "Access Denied: Owner user only";
    /// Only administrators may.
    ADMIN_ONLY = Forbidden, "admin_only", "Only administrators of this server may do this.";
    /// The one-time code for the first administrator is not the one in force.
    WRONG_CODE = Forbidden, "wrong_code", "This code is not valid.";
    /// The first administrator was made already.
    ALREADY_SET_UP = Conflict, "already_set_up", "This server has an administrator.";
    /// The last administrator cannot go.
    LAST_ADMIN = Conflict, "last_admin", "This server needs an administrator.";
    /// A message cannot carry another reaction.
    TOO_MANY_REACTIONS = Conflict, "too_many_reactions", "This message has as many different reactions as it can.";
    /// Another account.
    NOT_YOURS = Forbidden, "not_yours", "You may only change your own account.";
    /// Not (any more) in the room.
    NOT_IN_ROOM = Forbidden, "not_in_room", "You're not authorized to perform any actions in this room";
    /// Was put out of the room and not invited again.
    REMOVED = Forbidden, "removed_from_room", "You were removed from this room and can come back only when its owner invites you.";
    /// The server takes no new accounts.
    FORBIDDEN_SIGN_UP = Forbidden, "sign_up_closed", "This server does not take new accounts.";
    /// Unknown, or must look so.
    NOT_FOUND = NotFound, "not_found", "Not found.";
    /// No such page of a list.
    INVALID_PAGE = NotFound, "invalid_page", "Invalid page.";
    /// The account still owns rooms.
    OWNS_ROOMS = Conflict, "owns_rooms", "This account owns rooms. Delete them or hand them over first.";
    /// The same nonce came with another body, or its message was deleted.
    NONCE_REUSED = Conflict, "nonce_reused", "This nonce was already used for another message.";
    /// The room ended.
    ROOM_ENDED = Gone, "room_ended", "This room has ended.";
    /// The body is larger than the limit.
    TOO_LARGE = TooLarge, "too_large", "The request is too large.";
    /// A file is larger than the limit.
    FILE_TOO_LARGE = TooLarge, "file_too_large", "This file is too large.";
    /// A scanner for harmful files knows this one.
    FILE_INFECTED = Invalid, "file_infected", "This file was refused: it contains something harmful.";
    /// The files of this account reach the limit of one account.
    QUOTA_EXCEEDED = TooLarge, "quota_exceeded", "Your files take all the space that one account may use here. Delete some first.";
    /// As many uploads are under way as one account may have.
    TOO_MANY_UPLOADS = TooMany, "too_many_uploads", "Too many of your uploads are not finished. Finish or end some of them first.";
    /// A rate limit.
    RATE_LIMITED = TooMany, "rate_limited", "Too many requests. Try again later.";
    /// The queue of a bounded worker is full.
    BUSY = Unavailable, "busy", "The server is busy. Try again shortly.";
    /// The database does not answer.
    STORE_UNAVAILABLE = Unavailable, "unavailable", "The service is temporarily unavailable. Try again shortly.";
    /// The server's storage for files is full, or nearly so.
    STORAGE_FULL = StorageFull, "storage_full", "This server has no more space for files.";
    /// Our fault.
    INTERNAL = Internal, "internal", "Something went wrong on our side.";
}

/// An error of an action.
pub struct Error(Box<Inner>);

struct Inner {
    code: Code,
    text: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    rooms: Vec<RoomId>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self(Box::new(Inner {
            code,
            text: Cow::Borrowed(code.text),
            fields: Vec::new(),
            retry_after: None,
            rooms: Vec::new(),
            source: None,
        }))
    }
}

impl Error {
    /// One bad field.
    #[must_use]
    pub fn field(field: &'static str, problem: Problem) -> Self {
        Self::fields(vec![FieldError { field, problem }])
    }

    /// All bad fields at once.
    #[must_use]
    pub fn fields(fields: Vec<FieldError>) -> Self {
        let mut error = Self::from(INVALID);
        error.0.fields = fields;
        error
    }

    /// Our fault: `source` is logged, never shown.
    #[must_use]
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut error = Self::from(INTERNAL);
        error.0.source = Some(source.into());
        error
    }

    /// A line of the catalogue, with what caused it for the log.
    #[must_use]
    pub fn caused(code: Code, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut error = Self::from(code);
        error.0.source = Some(source.into());
        error
    }

    /// A dependency does not answer; try again in a second.
    #[must_use]
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut error = Self::from(STORE_UNAVAILABLE).retry_after(Duration::from_secs(1));
        error.0.source = Some(source.into());
        error
    }

    /// The same error with a hint when to come back.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// The same error with another sentence for people.
    #[must_use]
    pub fn saying(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.0.text = text.into();
        self
    }

    /// The account cannot go while it owns these rooms.
    #[must_use]
    pub fn owns_rooms(rooms: Vec<RoomId>) -> Self {
        let mut error = Self::from(OWNS_ROOMS);
        error.0.rooms = rooms;
        error
    }

    /// This error with the bad fields of another one beside its own; an error that is not about fields
    /// wins.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        if !self.is(INVALID) {
            return self;
        }
        if !other.is(INVALID) {
            return other;
        }
        self.0.fields.extend(other.0.fields);
        self
    }

    /// What sort of error it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.code.kind
    }

    /// What programs compare.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code.code
    }

    /// What people read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The bad fields; empty unless the kind is [`Kind::Invalid`].
    #[must_use]
    pub fn field_errors(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// When to come back.
    #[must_use]
    pub fn retry_hint(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The rooms that stand in the way of deleting an account.
    #[must_use]
    pub fn rooms(&self) -> &[RoomId] {
        &self.0.rooms
    }

    /// Whether this is the given line of the catalogue.
    #[must_use]
    pub fn is(&self, code: Code) -> bool {
        self.0.code == code
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.code, self.0.text)?;
        for field in &self.0.fields {
            write!(f, " {}: {}", field.field, field.problem)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        self.0
            .source
            .as_ref()
            .map_or(Ok(()), |source| write!(f, " ({source})"))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}

/// A field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name, or [`NO_FIELD`] for what belongs to no single field.
    pub field: &'static str,
    /// What is wrong.
    pub problem: Problem,
}

/// The key of errors that belong to no single field (contract 1).
pub const NO_FIELD: &str = "error";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = CATALOGUE.iter().map(|line| line.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), CATALOGUE.len());
    }

    #[test]
    fn the_source_is_for_the_log_only() {
        let error = Error::internal("disk on fire");
        assert!(!error.to_string().contains("fire"));
        assert!(format!("{error:?}").contains("fire"));
    }
}
