//! What clients ask for by events.

use super::packet::Space;
use crate::{
    command::{ChangeKind, Command, NewChange, NewSend, Refusal, Resume},
    dialect::{
        fields::{self, Fields, Keys, Top},
        write,
    },
};
use parlour_core::{
    Error, Problem, RoomId,
    error::INVALID,
    given::{Given, Problems},
    ports::Span,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The keys of all arguments.
const KEYS: Keys = &[
    "room", "text", "nonce", "reply_to", "id", "emoji", "on", "seq", "back", "after", "before",
    "files", "limit", "epoch",
];
/// The keys of `auth`.
const AUTH: Keys = &["token", "after", "epoch"];
/// How many events a piece of history has unless the client says.
const LIMIT: i64 = 50;

/// What an event asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// As over any other socket.
    Command(Command),
    /// Become a member; with a seq: and hear what came after it.
    Join {
        room: RoomId,
        after: Option<i64>,
        /// Of which lineage `after` is.
        epoch: Option<String>,
    },
    /// End the membership.
    Leave(RoomId),
    /// Read a piece of a room's messages.
    History {
        room: RoomId,
        span: Span,
        limit: i64,
    },
}

/// What a client says when it connects a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Auth {
    pub(crate) token: Option<String>,
    /// What it has seen, per room. The epoch is empty when the client did not say it.
    pub(crate) after: Option<Resume>,
}

/// Why an event cannot be carried out.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It is no event at all.
    Broken,
    /// It is one, with something wrong in it.
    Refused(Refusal),
}

/// Reads the data of an event. `asked`: whether an acknowledgement is wanted.
pub(crate) fn read(data: &str, space: Space, asked: bool) -> Result<Wish, Fault> {
    let event = fields::read_event(data.as_bytes(), KEYS).map_err(|_| Fault::Broken)?;
    let Some((name, argument)) = event else {
        return Err(Fault::Broken);
    };
    let fields = match argument {
        Some(Top::Object(fields)) => fields,
        Some(Top::Other(_)) | None => Fields::default(),
    };
    let mut reader = Reader {
        fields,
        problems: Problems::default(),
        space,
    };
    reader.wish(&name, asked).map_err(Fault::Refused)
}

/// Reads what comes with CONNECT.
///
/// # Errors
/// `None` when it is no object; else what is wrong in it.
pub(crate) fn read_auth(data: &str) -> Result<Auth, Option<Error>> {
    if data.is_empty() {
        return Ok(Auth::default());
    }
    let Ok(Top::Object(mut fields)) = fields::read(data.as_bytes(), AUTH) else {
        return Err(None);
    };
    let mut problems = Problems::default();
    let token = fields::text(fields.take("token")).optional("token", &mut problems);
    let epoch = fields::text(fields.take("epoch")).optional("epoch", &mut problems);
    let cursors = match fields.take("after") {
        None | Some(Value::Null) => None,
        Some(after) => cursors(after, &mut problems),
    };
    problems.check().map_err(Some)?;
    Ok(Auth {
        token,
        after: cursors.map(|cursors| Resume {
            epoch: epoch.unwrap_or_default(),
            cursors,
        }),
    })
}

fn cursors(after: Value, problems: &mut Problems) -> Option<BTreeMap<RoomId, i64>> {
    let cursors = match after {
        Value::Object(cursors) => cursors
            .into_iter()
            .map(|(room, seq)| Some((room.parse().ok()?, seq.as_i64()?)))
            .collect::<Option<BTreeMap<_, _>>>(),
        _ => None,
    };
    if cursors.is_none() {
        problems.add("after", Problem::NotInteger);
    }
    cursors
}

/// An argument and what was found wrong in it so far. Its methods answer nothing when something is.
struct Reader {
    fields: Fields,
    problems: Problems,
    space: Space,
}

impl Reader {
    fn wish(&mut self, name: &str, asked: bool) -> Result<Wish, Refusal> {
        let nonce = fields::text(self.fields.take("nonce")).optional("nonce", &mut self.problems);
        let wish = match name {
            "message" => self.message(nonce.clone()),
            "edit" | "delete" | "react" => self.change(name, nonce.clone(), asked),
            "typing" => self.room().map(Command::Typing).map(Wish::Command),
            "read" => self.read(),
            "join" => self.join(),
            "leave" => self.room().map(Wish::Leave),
            "history" => self.history(),
            _ => {
                let error = write::invalid(format!("There is no event \"{}\".", shown(name)));
                return Err(Refusal::new(error, write::echo(nonce.as_ref())));
            }
        };
        let echo = write::echo(nonce.as_ref());
        match (std::mem::take(&mut self.problems).check(), wish) {
            (Ok(()), Some(wish)) => Ok(wish),
            (Err(error), _) => Err(Refusal::new(error, echo)),
            // Not reached: what is missing is a problem. Said in a way that needs no proof.
            (Ok(()), None) => Err(Refusal::new(INVALID.into(), echo)),
        }
    }

    /// The room that is named; in a room's namespace that room, named or not.
    fn room(&mut self) -> Option<RoomId> {
        let given = fields::room(self.fields.take("room"));
        let Space::Room(own) = self.space else {
            return given.required("room", &mut self.problems);
        };
        let named = given.optional("room", &mut self.problems);
        if let Some(other) = named.filter(|named| *named != own) {
            let pk = other.to_string();
            self.problems.add("room", Problem::NoSuchKey { pk });
            return None;
        }
        Some(own)
    }

    fn text(&mut self) -> Option<String> {
        fields::text(self.fields.take("text")).required("text", &mut self.problems)
    }

    fn integer(&mut self, name: &'static str) -> Option<i64> {
        fields::integer(self.fields.take(name)).optional(name, &mut self.problems)
    }

    fn message(&mut self, nonce: Option<String>) -> Option<Wish> {
        let said = fields::said(&mut self.fields, &mut self.problems);
        let room = self.room();
        let reply_to = match self.fields.take("reply_to") {
            // As in answers: null is none.
            None | Some(Value::Null) => None,
            given => fields::id(given).optional("reply_to", &mut self.problems),
        };
        let (text, files) = said?;
        Some(Wish::Command(Command::Send(NewSend {
            room: room?,
            text,
            nonce,
            reply_to,
            files,
        })))
    }

    fn change(&mut self, name: &str, nonce: Option<String>, asked: bool) -> Option<Wish> {
        let id = fields::id(self.fields.take("id")).required("id", &mut self.problems);
        let what = match name {
            "edit" => ChangeKind::Edit(self.text()?),
            "delete" => ChangeKind::Delete,
            _ => {
                let emoji = fields::text(self.fields.take("emoji"));
                let emoji = emoji.required("emoji", &mut self.problems);
                let on = match fields::flag(self.fields.take("on").as_ref()) {
                    Given::Missing => Some(true),
                    given => given.required("on", &mut self.problems),
                };
                ChangeKind::React {
                    emoji: emoji?,
                    on: on?,
                }
            }
        };
        Some(Wish::Command(Command::Change(NewChange {
            id: id?,
            what,
            // With one, the event's seq is looked up for the acknowledgement.
            nonce: nonce.or_else(|| asked.then(String::new)),
        })))
    }

    fn read(&mut self) -> Option<Wish> {
        let room = self.room();
        let seq = fields::integer(self.fields.take("seq")).required("seq", &mut self.problems);
        let back = fields::flag(self.fields.take("back").as_ref());
        let back = back.optional("back", &mut self.problems);
        Some(Wish::Command(Command::Read {
            room: room?,
            seq: seq?,
            back: back.unwrap_or_default(),
        }))
    }

    fn join(&mut self) -> Option<Wish> {
        let (room, after) = (self.room(), self.integer("after"));
        let epoch = fields::text(self.fields.take("epoch"));
        Some(Wish::Join {
            room: room?,
            after,
            epoch: epoch.optional("epoch", &mut self.problems),
        })
    }

    fn history(&mut self) -> Option<Wish> {
        let room = self.room();
        let (after, before) = (self.integer("after"), self.integer("before"));
        let limit = self.integer("limit").unwrap_or(LIMIT);
        let span = match (after, before) {
            (Some(after), _) => Span::After(after),
            (None, Some(before)) => Span::Before(before),
            (None, None) => Span::Newest,
        };
        Some(Wish::History {
            room: room?,
            span,
            limit,
        })
    }
}

/// Enough of a name to recognise it.
fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}
