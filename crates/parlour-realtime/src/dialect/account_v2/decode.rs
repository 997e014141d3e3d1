//! What clients say on the account socket, version 2.

use crate::{
    command::{ChangeKind, Command, NewChange, NewSend, Refusal, Resume},
    dialect::{
        Input,
        account::object,
        fields::{self, Fields, Keys},
        write,
    },
};
use parlour_core::{
    Problem, RoomId,
    error::INVALID,
    given::{Given, Problems},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The keys it knows.
const KEYS: Keys = &[
    "type", "room", "text", "nonce", "reply_to", "files", "id", "emoji", "on", "seq", "back",
    "epoch", "cursors",
];

pub(super) fn decode(input: Input<'_>) -> Result<Command, Refusal> {
    let mut frame = Reader {
        fields: object(input, KEYS)?,
        problems: Problems::default(),
    };
    let nonce = fields::text(frame.fields.take("nonce")).optional("nonce", &mut frame.problems);
    let kind = match frame.fields.take("type") {
        Some(Value::String(kind)) => kind,
        Some(_) => return Err(frame.refusal("type", Problem::NotText, nonce.as_ref())),
        None => return Err(frame.refusal("type", Problem::Required, nonce.as_ref())),
    };
    let command = match kind.as_str() {
        "send" => frame.send(nonce.clone()),
        "edit" | "delete" | "react" => frame.change(&kind, nonce.clone()),
        "read" => frame.read(),
        "typing" => frame.room().map(Command::Typing),
        "resume" => frame.resume(),
        "ping" => Some(Command::Ping {
            nonce: write::echo(nonce.as_ref()),
        }),
        _ => return Err(frame.refusal("type", Problem::NoSuchChoice, nonce.as_ref())),
    };
    let echo = write::echo(nonce.as_ref());
    match (frame.problems.check(), command) {
        (Ok(()), Some(command)) => Ok(command),
        (Err(error), _) => Err(Refusal::new(error, echo)),
        // Not reached: what is missing is a problem. Said in a way that needs no proof.
        (Ok(()), None) => Err(Refusal::new(INVALID.into(), echo)),
    }
}

/// A frame and what was found wrong in it so far. Its methods answer nothing when something is.
struct Reader {
    fields: Fields,
    problems: Problems,
}

impl Reader {
    fn refusal(mut self, field: &'static str, problem: Problem, nonce: Option<&String>) -> Refusal {
        self.problems.add(field, problem);
        let error = self.problems.check().err();
        Refusal::new(error.unwrap_or_else(|| INVALID.into()), write::echo(nonce))
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        fields::text(self.fields.take(name)).required(name, &mut self.problems)
    }

    fn room(&mut self) -> Option<RoomId> {
        fields::room(self.fields.take("room")).required("room", &mut self.problems)
    }

    fn flag(&mut self, name: &'static str) -> Given<bool> {
        fields::flag(self.fields.take(name).as_ref())
    }

    fn send(&mut self, nonce: Option<String>) -> Option<Command> {
        let said = fields::said(&mut self.fields, &mut self.problems);
        let room = self.room();
        let reply_to = match self.fields.take("reply_to") {
            // As in answers: null is none.
            None | Some(Value::Null) => None,
            given => fields::id(given).optional("reply_to", &mut self.problems),
        };
        let (text, files) = said?;
        Some(Command::Send(NewSend {
            room: room?,
            text,
            nonce,
            reply_to,
            files,
        }))
    }

    fn change(&mut self, kind: &str, nonce: Option<String>) -> Option<Command> {
        let id = fields::id(self.fields.take("id")).required("id", &mut self.problems);
        let what = match kind {
            "edit" => ChangeKind::Edit(self.text("text")?),
            "delete" => ChangeKind::Delete,
            _ => {
                let emoji = self.text("emoji");
                let on = self.flag("on").required("on", &mut self.problems);
                ChangeKind::React {
                    emoji: emoji?,
                    on: on?,
                }
            }
        };
        Some(Command::Change(NewChange {
            id: id?,
            what,
            nonce,
        }))
    }

    fn read(&mut self) -> Option<Command> {
        let room = self.room();
        let seq = fields::integer(self.fields.take("seq")).required("seq", &mut self.problems);
        let back = self.flag("back").optional("back", &mut self.problems);
        Some(Command::Read {
            room: room?,
            seq: seq?,
            back: back.unwrap_or_default(),
        })
    }

    fn resume(&mut self) -> Option<Command> {
        let epoch = self.text("epoch");
        let cursors = match self.fields.take("cursors") {
            Some(Value::Object(cursors)) => cursors
                .into_iter()
                .map(|(room, seq)| Some((room.parse().ok()?, seq.as_i64()?)))
                .collect::<Option<BTreeMap<_, _>>>(),
            Some(_) => None,
            None => {
                self.problems.add("cursors", Problem::Required);
                return None;
            }
        };
        if cursors.is_none() {
            self.problems.add("cursors", Problem::NotInteger);
        }
        Some(Command::Resume(Resume {
            epoch: epoch?,
            cursors: cursors?,
        }))
    }
}
