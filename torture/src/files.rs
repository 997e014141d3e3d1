//! Messages with files: sent by multipart, and judged byte by byte.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::http::{Answer, Http};
use crate::people::{Person, RoomId, room_path};

const MESSAGES: &str = "/api/v1/chats/messages/";
const SMALLEST: f64 = 1_024.0;
const LARGEST: f64 = 5.0 * 1_048_576.0;
const EDGE: &str = "edge-of-a-part-3fb5a1";

/// One message with one file, as its sender remembers it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The room.
    pub room: RoomId,
    /// What makes a retry the same message.
    pub nonce: String,
    /// From which the bytes come.
    pub seed: u64,
    /// How many.
    pub size: usize,
    /// The message's id, when the server said that it stored it.
    pub acknowledged: Option<i64>,
}

impl Sent {
    /// A message that was not sent yet: many small files, some of up to 5 MiB.
    pub fn new(room: RoomId, nonce: String, random: &mut StdRng) -> Self {
        let part: f64 = random.random_range(0.0..=1.0);
        let size = SMALLEST * (LARGEST / SMALLEST).powf(part);
        Self {
            room,
            nonce,
            seed: random.random(),
            size: size as usize,
            acknowledged: None,
        }
    }

    /// The file's bytes: of no known type, so that the server keeps them as they are.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.size];
        StdRng::seed_from_u64(self.seed).fill_bytes(&mut bytes);
        bytes[..4].copy_from_slice(&[0, 0xff, 0, 0xfe]);
        bytes
    }

    /// Sends it once.
    ///
    /// # Errors
    /// When no whole answer comes.
    pub async fn send(&self, http: &Http, sender: &Person) -> Result<Answer> {
        let mut body = Vec::with_capacity(self.size + 1_000);
        for (name, value) in [("room", &self.room.to_string()), ("nonce", &self.nonce)] {
            let part = format!(
                "--{EDGE}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend(part.as_bytes());
        }
        let head = format!(
            "--{EDGE}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\r\n"
        );
        body.extend(head.as_bytes());
        body.extend(self.content());
        body.extend(format!("\r\n--{EDGE}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={EDGE}");
        http.post(MESSAGES, &sender.token, (&kind, &body)).await
    }
}

/// What a room's files were found to be.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// Messages with a file.
    pub messages: usize,
    /// Those of them whose storing was acknowledged.
    pub acknowledged: usize,
    /// Bytes of their files.
    pub bytes: usize,
    /// What is wrong, one sentence each.
    pub faults: Vec<String>,
    /// The files' paths below `/media/`, by the nonce of their message.
    pub keys: HashMap<String, String>,
}

impl Judged {
    /// The figures, if nothing is wrong.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn sound(self) -> Result<Self> {
        let first: Vec<&str> = self.faults.iter().take(5).map(String::as_str).collect();
        let count = self.faults.len();
        ensure!(count == 0, "{count} faults: {}", first.join("; "));
        Ok(self)
    }
}

/// Reads all of a room's messages and every byte of their files, and compares them with what was sent:
/// what was acknowledged is there once, and no message has another file than its sender gave it.
///
/// # Errors
/// When the room cannot be read.
pub async fn judge(http: &Http, reader: &Person, room: RoomId, sent: &[Sent]) -> Result<Judged> {
    let mut judged = Judged::default();
    let mut seen: HashMap<String, i64> = HashMap::new();
    let books: HashMap<&str, &Sent> = sent.iter().map(|one| (one.nonce.as_str(), one)).collect();
    for message in messages(http, reader, room).await? {
        let id = message["id"].as_i64().context("a message has no id")?;
        let nonce = message["nonce"].as_str().unwrap_or_default();
        let Some(book) = books.get(nonce) else {
            judged.faults.push(format!("nobody sent message {id}"));
            continue;
        };
        if let Some(other) = seen.insert(nonce.to_owned(), id) {
            let text = format!("{nonce} became the messages {other} and {id}");
            judged.faults.push(text);
        }
        judged.messages += 1;
        match look(http, reader, &message, book).await {
            Ok(key) => {
                judged.keys.insert(nonce.to_owned(), key);
                judged.bytes += book.size;
            }
            Err(error) => judged
                .faults
                .push(format!("message {id} ({nonce}): {error:#}")),
        }
    }
    for book in sent.iter().filter(|book| book.room == room) {
        let Some(id) = book.acknowledged else {
            continue;
        };
        judged.acknowledged += 1;
        if seen.get(&book.nonce) != Some(&id) {
            let text = format!("message {id} ({}) was acknowledged and is gone", book.nonce);
            judged.faults.push(text);
        }
    }
    Ok(judged)
}

/// Compares a message's file with what was sent; answers its path below `/media/`.
async fn look(http: &Http, reader: &Person, message: &Value, book: &Sent) -> Result<String> {
    let files = message["files"].as_array().context("it has no files")?;
    ensure!(files.len() == 1, "it has {} files", files.len());
    ensure!(
        files[0]["size"] == book.size,
        "its size is {}",
        files[0]["size"]
    );
    let address = files[0]["url"]
        .as_str()
        .context("its file has no address")?;
    let path = address.split('?').next().unwrap_or_default();
    let from = path.find("/media/").context("a strange address")?;
    let path = &path[from..];
    let (status, bytes) = http.download(path, &reader.token).await?;
    ensure!(status == 200, "its file answers {status}");
    ensure!(
        bytes == book.content(),
        "its file has other bytes than were sent"
    );
    Ok(path["/media/".len()..].to_owned())
}

/// The messages of a room's history.
async fn messages(http: &Http, reader: &Person, room: RoomId) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    let mut after = 0;
    loop {
        let path = room_path(room, &format!("history/?after={after}&limit=200"));
        let page = http
            .insist("GET", &path, Some(&reader.token), None)
            .await?
            .ok(200)?;
        let rows = page["events"].as_array().context("no events")?;
        for row in rows {
            after = row["seq"].as_i64().context("an event without a place")?;
            if row["type"] == "message.created" {
                found.push(row["message"].clone());
            }
        }
        if page["has_more"] != true || rows.is_empty() {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_bytes_depend_on_the_seed_alone() {
        let mut random = StdRng::seed_from_u64(7);
        let mut sizes = Vec::new();
        for number in 0..200 {
            let sent = Sent::new(1, number.to_string(), &mut random);
            assert_eq!(sent.content(), sent.clone().content());
            sizes.push(sent.size);
        }
        let largest = sizes.iter().max().copied().unwrap_or_default();
        assert!(sizes.iter().all(|size| (1_024..=5 << 20).contains(size)));
        assert!(largest > 1 << 20, "{largest}");
    }
}
