//! The message object, as documentation.

use serde::Serialize;
use utoipa::ToSchema;

/// A message, as documentation: what is sent is [`parlour_realtime::view::MessageView`], the same
/// object on every door. A test holds the two together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Message")]
pub(crate) struct MessageDoc {
    #[schema(example = 16)]
    pub(crate) id: i64,
    #[schema(example = 1)]
    pub(crate) room: i64,
    /// The author.
    #[schema(example = 1)]
    pub(crate) owner: i64,
    /// Position of its creation in the room's stream.
    #[schema(example = 4)]
    pub(crate) seq: i64,
    #[schema(example = "hi")]
    pub(crate) text: String,
    /// Where the first file is, if there is one; the address loads as it stands for ten minutes at
    /// most.
    pub(crate) file: Option<String>,
    /// Its MIME type, found from its content.
    pub(crate) file_type: Option<String>,
    /// The client's own id of the message; only there when one was given.
    #[schema(required = false, example = "01J9-42")]
    pub(crate) nonce: Option<String>,
    #[schema(format = DateTime, example = "2026-11-20T23:40:14.876871Z")]
    pub(crate) created_at: String,
    #[schema(format = DateTime, example = "2026-11-20T23:40:14.876871Z")]
    pub(crate) updated_at: String,
    /// The message that this one answers; it may be deleted by now.
    #[schema(example = 15)]
    pub(crate) reply_to: Option<i64>,
    /// The people it addresses with `@nickname`.
    #[schema(example = json!([2]))]
    pub(crate) mentions: Vec<i64>,
    /// In the order of first use.
    pub(crate) reactions: Vec<ReactionDoc>,
    /// All files, in the order given; only there when there are some.
    #[schema(required = false)]
    pub(crate) files: Vec<FileDoc>,
    /// The author's nickname.
    #[schema(example = "Ada")]
    pub(crate) sender: String,
    /// The author's colour.
    #[schema(minimum = 0, maximum = 11, example = 3)]
    pub(crate) hue: u8,
}

/// Who reacted to a message with an emoji.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Reaction")]
pub(crate) struct ReactionDoc {
    #[schema(example = "👍")]
    pub(crate) emoji: String,
    /// In the order of reacting.
    #[schema(example = json!([2, 3]))]
    pub(crate) users: Vec<i64>,
}

/// A file that hangs on a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "File")]
pub(crate) struct FileDoc {
    #[schema(example = 3)]
    pub(crate) id: i64,
    /// Where it is.
    pub(crate) url: String,
    /// Its MIME type, found from its content.
    #[schema(example = "image/png")]
    #[serde(rename = "type")]
    pub(crate) mime: String,
    /// How it is shown: `image`, `audio`, `video`, `text` or `other`.
    #[schema(example = "image")]
    pub(crate) kind: String,
    /// The sender's name of it.
    #[schema(example = "cat.png")]
    pub(crate) name: String,
    /// Bytes.
    #[schema(example = 48213)]
    pub(crate) size: i64,
    /// Pixels, of pictures and films.
    #[schema(required = false, example = 640)]
    pub(crate) width: Option<i64>,
    #[schema(required = false, example = 480)]
    pub(crate) height: Option<i64>,
    /// Milliseconds, of sound and films.
    #[schema(required = false)]
    pub(crate) duration: Option<i64>,
    /// Colours that stand where the picture will be.
    #[schema(required = false)]
    pub(crate) placeholder: Option<String>,
    /// What the picture shows, in the sender's words.
    pub(crate) alt: String,
    /// Smaller versions, the smallest first.
    pub(crate) thumbs: Vec<ThumbDoc>,
}

/// A smaller version of a picture.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Thumbnail")]
pub(crate) struct ThumbDoc {
    /// Where it is.
    pub(crate) url: String,
    #[schema(example = 360)]
    pub(crate) width: i64,
    #[schema(example = 270)]
    pub(crate) height: i64,
}

#[cfg(test)]
mod tests {
    use crate::api::openapi;
    use parlour_core::{
        FileId, MessageId, RoomId, Time, UserId,
        model::{File, FileKind, Html, Mention, Message, Reaction, Sender, Thumb},
        ports::BlobKey,
    };
    use parlour_realtime::view::MessageView;
    use serde_json::Value;
    use std::{collections::BTreeSet, sync::Arc};

    fn keys(object: &Value) -> BTreeSet<&str> {
        let object = object.as_object().expect("an object");
        object.keys().map(String::as_str).collect()
    }

    fn is_a(value: &Value, schema: &Value) -> bool {
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        match &schema["type"] {
            Value::Array(types) => types.iter().any(|one| one == name),
            one => one == name,
        }
    }

    fn file() -> Arc<File> {
        let key = BlobKey::new("video/mp4", [1; 16], ".mp4");
        Arc::new(File {
            id: FileId::new(3),
            name: "a.mp4".to_owned(),
            mime: "video/mp4".to_owned(),
            kind: FileKind::Video,
            size: 5,
            pixels: Some((640, 480)),
            duration: Some(7),
            placeholder: Some("A".to_owned()),
            alt: String::new(),
            thumbs: vec![Thumb {
                key: key.thumb(360, "jpg"),
                width: 360,
                height: 270,
            }],
            key,
        })
    }

    #[test]
    fn the_document_tells_the_message_as_it_is_sent() {
        let time = Time::from_micros(0);
        let message = Message {
            id: MessageId::new(16),
            room: RoomId::new(1),
            owner: UserId::new(2),
            sender: Arc::new(Sender {
                nickname: "Ada".to_owned(),
                hue: 7,
            }),
            seq: 3,
            text: "hi @bob".to_owned(),
            nonce: Some("n".to_owned()),
            reply_to: Some(MessageId::new(15)),
            mentions: vec![Mention {
                user: UserId::new(4),
                name: "bob".to_owned(),
            }],
            reactions: vec![Reaction {
                emoji: "👍".to_owned(),
                users: vec![UserId::new(4)],
            }],
            created_at: time,
            updated_at: time,
            files: vec![file()],
            html: Html::default(),
        };
        let sent = serde_json::to_value(MessageView::from(&message)).expect("serialises");
        let document = serde_json::to_value(openapi::document()).expect("serialises");
        let schemas = &document["components"]["schemas"];
        let told = &schemas["MessageDoc"]["properties"];
        assert_eq!(keys(&sent), keys(told));
        for (key, value) in sent.as_object().expect("an object") {
            assert!(is_a(value, &told[key]), "{key}: {value} and {}", told[key]);
        }
        let of_reaction = &schemas["ReactionDoc"]["properties"];
        assert_eq!(keys(&sent["reactions"][0]), keys(of_reaction));
        let (of_file, of_thumb) = (&schemas["FileDoc"], &schemas["ThumbDoc"]);
        let file = &sent["files"][0];
        assert_eq!(keys(file), keys(&of_file["properties"]));
        for (key, value) in file.as_object().expect("an object") {
            assert!(is_a(value, &of_file["properties"][key]), "{key}: {value}");
        }
        assert_eq!(keys(&file["thumbs"][0]), keys(&of_thumb["properties"]));
    }
}
