//! Send a message.

use crate::{
    Actor, App, Error, FileId, MessageId, RoomId,
    error::{INVALID_TOKEN, NONCE_REUSED, Problem},
    files::{self, Attachment},
    given::{Given, Problems},
    markup,
    model::{Mention, Message, Room, RoomKind},
    ports::{Append, NewMessage, Pending},
    rates::Key,
    rooms::{self, Right},
    text::{self, TextRule},
};
use std::sync::Arc;

/// What a message is made from.
#[derive(Debug, Default)]
pub struct SendMessage {
    /// The room; the actor must be in it or own it.
    pub room: Given<RoomId>,
    /// The text; trimmed, inner line breaks kept.
    pub text: Given<String>,
    /// The client's own id: the same nonce with the same body answers the first message.
    pub nonce: Given<String>,
    /// The message of the same room that this one answers.
    pub reply_to: Given<MessageId>,
    /// What hangs on it, in this order. With a file the text may be empty.
    pub files: Vec<Attachment>,
}

/// A message that was queued, in the order of the calls, and is on its way to the disk.
#[derive(Debug)]
pub struct Sending {
    app: App,
    actor: Actor,
    pending: Pending,
    room: RoomId,
    kind: RoomKind,
    reply_to: Option<MessageId>,
    files: Vec<FileId>,
    /// Those of them that came with it.
    fresh: Vec<FileId>,
}

/// A message that is stored durably.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The message as it is now.
    pub message: Arc<Message>,
    /// Whether an earlier call with the same nonce stored it.
    pub repeated: bool,
}

/// Sends a message and waits until it is stored durably.
///
/// # Errors
/// Those of [`submit`] and [`Sending::stored`].
pub async fn send(app: &App, actor: &Actor, input: SendMessage) -> Result<Sent, Error> {
    submit(app, actor, input).await?.stored().await
}

/// Checks a message and queues it. Messages of one actor to one room are stored in the order in
/// which these calls return.
///
/// # Errors
/// All bad fields at once (a room that the actor may not know answers as one that does not exist);
/// [`crate::error::RATE_LIMITED`]; [`crate::error::BUSY`] when the queue is full.
pub async fn submit(app: &App, actor: &Actor, input: SendMessage) -> Result<Sending, Error> {
    app.limits().send.take(&Key::User(actor.user))?;
    let mut problems = Problems::default();
    let room = input.room.required("room", &mut problems);
    files::check(app, &input.files, &mut problems);
    let text = body(app, input.text, !input.files.is_empty(), &mut problems);
    let nonce = text::nonce(input.nonce, &mut problems);
    let reply_to = reply_field(input.reply_to, &mut problems);
    let mut of = None;
    if let Some(room) = room {
        match writable(app, actor, room).await? {
            Ok(room) => of = Some(room),
            Err(problem) => problems.add("room", problem),
        }
    }
    problems.check()?;
    let (Some(of), Some(text)) = (of, text) else {
        return Err(Error::internal("a checked field is missing"));
    };
    let reply_is_there = match reply_to {
        Some(message) => is_message_of(app, &of, message).await?,
        None => true,
    };
    let mentions = mentioned(app, &of, &text).await?;
    let sender = app.senders(&[actor.user]).await?.pop();
    let (_, sender) = sender.ok_or(INVALID_TOKEN)?;
    // Only now: what is refused for another reason costs no work on its files.
    let kept = files::keep_all(app, actor, input.files).await?;
    let files: Vec<_> = kept.files.iter().map(|kept| kept.file.id).collect();
    let new = NewMessage {
        room: of.id,
        author: actor.user,
        sender,
        text,
        reply_to,
        reply_is_there,
        mentions,
        files: kept.files,
        nonce,
        at: app.now(),
    };
    let pending = match app.store().append(new) {
        Ok(pending) => pending,
        Err(error) => {
            // Nothing was queued: nobody will ever see these.
            files::drop_unused(app, actor, &kept.fresh).await;
            return Err(error);
        }
    };
    Ok(Sending {
        app: app.clone(),
        actor: *actor,
        pending,
        room: of.id,
        kind: of.kind,
        reply_to,
        files,
        fresh: kept.fresh,
    })
}

impl Sending {
    /// Waits for the durable commit.
    ///
    /// # Errors
    /// [`NONCE_REUSED`]; the room's problem when the actor left or the room ended meanwhile; when the
    /// store does not answer, in which case a retry with the same nonce is safe.
    pub async fn stored(self) -> Result<Sent, Error> {
        let refused = |problem| Err(Error::field("room", problem));
        let answer = self.pending.wait().await?;
        if let Append::Stored(message) = answer {
            return Ok(Sent {
                message,
                repeated: false,
            });
        }
        // Nothing took these files. What was uploaded before may go with a better message, unless it came
        // a second time. What is not dropped now goes with the sweeper.
        let repeated = matches!(answer, Append::Repeated(_));
        let unused = if repeated { &self.files } else { &self.fresh };
        files::drop_unused(&self.app, &self.actor, unused).await;
        match answer {
            Append::Stored(_) => Err(Error::internal("handled above")),
            Append::Repeated(message) => Ok(Sent {
                message,
                repeated: true,
            }),
            Append::NonceReused => Err(NONCE_REUSED.into()),
            Append::NoFile => Err(Error::field("file", Problem::FileGone)),
            Append::NoReply => {
                let pk = self.reply_to.map_or_else(String::new, |id| id.to_string());
                Err(Error::field("reply_to", Problem::NoSuchKey { pk }))
            }
            Append::NotIn if self.kind == RoomKind::Group => refused(Problem::NotInRoom),
            Append::NotIn | Append::Gone => refused(no_such_room(self.room)),
        }
    }
}

/// The kind of a room that the actor may write to, or what to say of it.
async fn writable(
    app: &App,
    actor: &Actor,
    room: RoomId,
) -> Result<Result<Arc<Room>, Problem>, Error> {
    let Some(view) = rooms::find_known(app, actor, room).await? else {
        return Ok(Err(no_such_room(room)));
    };
    Ok(match rooms::can(&view, Right::Talk) {
        Ok(()) => Ok(view.room),
        Err(_) => Err(Problem::NotInRoom),
    })
}

/// "No reply" may be said by null or by nothing.
fn reply_field(given: Given<MessageId>, problems: &mut Problems) -> Option<MessageId> {
    match given {
        Given::Null => None,
        given => given.optional("reply_to", problems),
    }
}

/// Whether a message is one of this room.
async fn is_message_of(app: &App, room: &Room, id: MessageId) -> Result<bool, Error> {
    let found = app.store().message(id).await?;
    Ok(found.is_some_and(|message| message.room == room.id))
}

/// The people of the room whom the text addresses.
pub(super) async fn mentioned(app: &App, room: &Room, text: &str) -> Result<Vec<Mention>, Error> {
    if !text.contains('@') {
        return Ok(Vec::new());
    }
    let mut ids = room.users.clone();
    if !ids.contains(&room.owner) {
        ids.push(room.owner);
    }
    let people: Vec<_> = app
        .senders(&ids)
        .await?
        .into_iter()
        .map(|(id, sender)| (id, sender.nickname.clone()))
        .collect();
    Ok(markup::mentions(text, &people))
}

fn no_such_room(room: RoomId) -> Problem {
    Problem::NoSuchKey {
        pk: room.to_string(),
    }
}

/// The rule of a message's text, for sending and editing alike: something must be said, or a file be
/// there (D-15).
pub(super) fn body(
    app: &App,
    given: Given<String>,
    has_files: bool,
    problems: &mut Problems,
) -> Option<String> {
    let given = if given.is_missing() {
        Given::Value(String::new())
    } else {
        given
    };
    let text = TextRule::free(app.settings().max_text_chars).optional("text", given, problems)?;
    if text.is_empty() && !has_files {
        problems.add("text", Problem::EmptyMessage);
        return None;
    }
    Some(text)
}
