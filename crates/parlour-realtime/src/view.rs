//! The message object of contract section 5: one serialisation for REST and every socket.

use parlour_core::{MessageId, RoomId, Time, UserId, model::Message};
use serde::Serialize;

/// A message as clients see it (contract section 5; `seq` and `nonce` are Parlour's additions).
///
/// The order of the fields is the order of the keys on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MessageView<'a> {
    /// The message's id.
    pub id: MessageId,
    /// The text.
    pub text: &'a str,
    /// URL of the attachment, or null.
    pub file: Option<&'a str>,
    /// MIME type of the attachment, or null.
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
}

impl<'a> From<&'a Message> for MessageView<'a> {
    fn from(message: &'a Message) -> Self {
        Self {
            id: message.id,
            text: &message.text,
            file: None,
            file_type: None,
            created_at: message.created_at,
            updated_at: message.updated_at,
            room: message.room,
            owner: message.owner,
            seq: message.seq,
            nonce: message.nonce.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_the_order_of_the_contract() {
        let mut message = Message {
            id: MessageId::new(16),
            room: RoomId::new(1),
            owner: UserId::new(2),
            seq: 3,
            text: "안녕 \"you\"".to_owned(),
            nonce: None,
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
        assert_eq!(json(&message), format!("{plain}}}"));
        message.nonce = Some("n-1".to_owned());
        assert_eq!(json(&message), format!(r#"{plain},"nonce":"n-1"}}"#));
    }
}
