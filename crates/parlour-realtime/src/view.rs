//! The message object of contract section 5: one serialisation for REST and every socket.

use crate::file_view::{FileUrl, FileViews, Signer};
use parlour_core::{
    MessageId, RoomId, Time, UserId,
    model::{Mention, Message, Reaction},
};
use serde::{Serialize, Serializer};

/// A message as clients see it (contract section 5; what follows `owner` are Parlour's additions).
///
/// The order of the fields is the order of the keys on the wire.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MessageView<'a> {
    /// The message's id.
    pub id: MessageId,
    /// The text.
    pub text: &'a str,
    /// Where the first file is, or null.
    pub file: Option<FileUrl<'a>>,
    /// MIME type of the first file, or null.
    pub file_type: Option<&'a str>,
    /// When it was stored.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
    /// The room.
    pub room: RoomId,
    /// The author.
    pub owner: UserId,
    /// Position of its creation in the room's stream.
    pub seq: i64,
    /// The author's own id of the message; the key is left out when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
    /// The message of the same room that it answers, or null.
    pub reply_to: Option<MessageId>,
    /// The people it addresses.
    #[serde(serialize_with = "ids")]
    pub mentions: &'a [Mention],
    /// Reactions, in the order of their first use.
    #[serde(serialize_with = "reactions")]
    pub reactions: &'a [Reaction],
    /// All files, in the order given; the key is left out when there are none.
    #[serde(skip_serializing_if = "FileViews::is_empty")]
    pub files: FileViews<'a>,
    /// The author's nickname.
    pub sender: &'a str,
    /// The author's colour, 0 to 11.
    pub hue: u8,
    /// The text as safe HTML; the key is left out where it is not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub html: Option<&'a str>,
}

impl<'a> MessageView<'a> {
    /// As somebody sees it who is given addresses that load as they stand.
    #[must_use]
    pub fn signed(message: &'a Message, signer: &'a Signer) -> Self {
        let view = Self::from(message);
        Self {
            file: view.file.map(|url| url.signed(signer)),
            files: view.files.signed(signer),
            ..view
        }
    }

    /// The same with the text as HTML, which the message makes once.
    #[must_use]
    pub fn with_html(message: &'a Message) -> Self {
        Self {
            html: Some(message.html()),
            ..Self::from(message)
        }
    }
}

fn ids<S: Serializer>(mentions: &[Mention], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(mentions.iter().map(|mention| mention.user))
}

/// A reaction on the wire.
#[derive(Serialize)]
struct ReactionView<'a> {
    emoji: &'a str,
    users: &'a [UserId],
}

fn reactions<S: Serializer>(reactions: &[Reaction], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(reactions.iter().map(|reaction| ReactionView {
        emoji: &reaction.emoji,
        users: &reaction.users,
    }))
}

impl<'a> From<&'a Message> for MessageView<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            id: message.id,
            text: &message.text,
            file: message.files.first().map(|file| FileUrl::of(&file.key)),
            file_type: message.files.first().map(|file| file.mime.as_str()),
            created_at: message.created_at,
            updated_at: message.updated_at,
            room: message.room,
            owner: message.owner,
            seq: message.seq,
            nonce: message.nonce.as_deref(),
            reply_to: message.reply_to,
            mentions: &message.mentions,
            reactions: &message.reactions,
            files: FileViews::of(&message.files),
            sender: &message.sender.nickname,
            hue: message.sender.hue,
            html: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlour_core::model::{Html, Sender};
    use std::sync::Arc;

    #[test]
    fn keys_in_the_order_of_the_contract() {
        let mut message = Message {
            id: MessageId::new(16),
            room: RoomId::new(1),
            owner: UserId::new(2),
            sender: Arc::new(Sender {
                nickname: "Ada".to_owned(),
                hue: 7,
            }),
            seq: 3,
            text: "안녕 \"you\"".to_owned(),
            nonce: None,
            reply_to: None,
            mentions: Vec::new(),
            reactions: Vec::new(),
            files: Vec::new(),
            html: Html::default(),
            created_at: Time::from_micros(1_795_304_414_876_871),
            updated_at: Time::from_micros(1_795_304_414_000_000),
        };
        let json = |message: &Message| {
            serde_json::to_string(&MessageView::from(message)).expect("serialises")
        };
        let plain = concat!(
            r#"{"id":16,"text":"안녕 \"you\"","file":null,"file_type":null,"#,
            r#""created_at":"2026-11-21T23:40:14.876871Z","updated_at":"2026-11-21T23:40:14Z","#,
            r#""room":1,"owner":2,"seq":3"#
        );
        let bare = concat!(
            r#","reply_to":null,"mentions":[],"reactions":[],"#,
            r#""sender":"Ada","hue":7}"#
        );
        assert_eq!(json(&message), format!("{plain}{bare}"));
        message.nonce = Some("n-1".to_owned());
        assert_eq!(json(&message), format!(r#"{plain},"nonce":"n-1"{bare}"#));
        message.reply_to = Some(MessageId::new(15));
        message.mentions.push(Mention {
            user: UserId::new(4),
            name: "you".to_owned(),
        });
        message.reactions.push(Reaction {
            emoji: "👍".to_owned(),
            users: vec![UserId::new(4), UserId::new(2)],
        });
        let full = concat!(
            r#","nonce":"n-1","reply_to":15,"mentions":[4],"#,
            r#""reactions":[{"emoji":"👍","users":[4,2]}],"sender":"Ada","hue":7}"#
        );
        assert_eq!(json(&message), format!("{plain}{full}"));
        let html = serde_json::to_value(MessageView::with_html(&message)).expect("serialises");
        assert_eq!(html["html"], message.html());
    }
}
