//! The fields of a body, whatever form it came in, as [`Given`] values for the actions.

use super::{
    form,
    read::{BodyError, whole},
    uploads::{Keeper, Uploads},
};
use crate::{Web, api::problem::Problem as Answer};
use axum::{
    body::{Body, HttpBody as _},
    extract::{FromRequest, Request},
    http::{HeaderMap, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use parlour_core::{
    Actor, FileId, Time,
    error::{NO_FIELD, Problem},
    files::Attachment,
    given::Given,
};
use serde_json::Value;
use std::{collections::HashMap, str::FromStr};

/// Largest body that holds no file. A message of 10,000 characters needs at most 120 KB however it
/// is escaped; the limit grows with `MAX_TEXT_CHARS`.
const MIN_TEXT_BODY: usize = 256 * 1024;

/// How much of a bad value an answer repeats, in characters.
const SHOWN: usize = 100;

/// A field of a body.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Field {
    /// A value of a JSON object.
    Json(Value),
    /// A text of a form.
    Text(String),
    /// A file of a multipart form.
    File {
        /// The client's name of it.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// Its beginning: all of a small file.
        start: Bytes,
    },
}

/// The fields of a body. Unknown ones are ignored; of a repeated one the last counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(HashMap<String, Field>, Uploads);

impl Fields {
    pub(super) fn insert(&mut self, name: String, field: Field) {
        self.0.insert(name, field);
    }

    pub(super) const fn uploads(&self) -> &Uploads {
        &self.1
    }

    /// A text. Numbers become texts; booleans, lists and objects do not.
    pub(crate) fn text(&mut self, name: &str) -> Given<String> {
        match self.0.remove(name) {
            None => Given::Missing,
            Some(Field::Text(text) | Field::Json(Value::String(text))) => Given::Value(text),
            Some(Field::Json(Value::Null)) => Given::Null,
            Some(Field::Json(Value::Number(number))) => Given::Value(number.to_string()),
            Some(_) => Given::Wrong(Problem::NotText),
        }
    }

    /// A text as it came, left where it is; nothing when the field is missing or no text.
    pub(crate) fn peek(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Field::Text(text) | Field::Json(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// A text as it came.
    pub(crate) fn take_text(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name)? {
            Field::Text(text) | Field::Json(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// A small file; an input in which none was chosen sends an empty one without a name. Of a large
    /// one only the beginning is there.
    pub(crate) fn small_file(&mut self, name: &str) -> Given<Vec<u8>> {
        match self.0.remove(name) {
            Some(Field::File { name, start, .. }) if !(name.is_empty() && start.is_empty()) => {
                Given::Value(start.to_vec())
            }
            _ => Given::Missing,
        }
    }

    /// One of a set of words.
    pub(crate) fn choice(&mut self, name: &str) -> Given<String> {
        let shown = match self.0.get(name) {
            Some(Field::Json(value)) => value.to_string(),
            _ => String::new(),
        };
        let not_a_choice = |given: &str| {
            Given::Wrong(Problem::NotAChoice {
                given: given.chars().take(SHOWN).collect(),
            })
        };
        match self.text(name) {
            Given::Wrong(_) => not_a_choice(&shown),
            // No choice is that long, and the answer repeats it.
            Given::Value(text) if text.chars().nth(SHOWN).is_some() => not_a_choice(&text),
            given => given,
        }
    }

    /// Yes or no: `true`, `1`, `"true"`, `"on"`, `"yes"`, and what says the opposite.
    pub(crate) fn flag(&mut self, name: &str) -> Given<bool> {
        let word = match self.0.remove(name) {
            None => return Given::Missing,
            Some(Field::Json(Value::Null)) => return Given::Null,
            Some(Field::Json(Value::Bool(flag))) => return Given::Value(flag),
            Some(Field::Json(Value::Number(number))) => number.to_string(),
            Some(Field::Text(text) | Field::Json(Value::String(text))) => text,
            Some(_) => String::new(),
        };
        match word.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "on" | "yes" => Given::Value(true),
            "false" | "0" | "off" | "no" => Given::Value(false),
            _ => Given::Wrong(Problem::NotBoolean),
        }
    }

    /// A whole number: `7`, `"7"`, `3.0`.
    pub(crate) fn integer(&mut self, name: &str) -> Given<i64> {
        let wrong = Given::Wrong(Problem::NotInteger);
        match self.0.remove(name) {
            None => Given::Missing,
            Some(Field::Json(Value::Null)) => Given::Null,
            Some(Field::Json(Value::Number(number))) => {
                integer(&number).map_or(wrong, Given::Value)
            }
            Some(Field::Text(text) | Field::Json(Value::String(text))) => {
                let text = text.trim();
                let whole = text.split_once('.').map_or(text, |(whole, fraction)| {
                    if fraction.bytes().all(|b| b == b'0') {
                        whole
                    } else {
                        text
                    }
                });
                digits(whole).map_or(wrong, Given::Value)
            }
            Some(_) => wrong,
        }
    }

    /// The id of another row.
    pub(crate) fn key<T: FromStr>(&mut self, name: &str) -> Given<T> {
        let kind = |given| Given::Wrong(Problem::NotAKey { given });
        let find = |text: String| match text.parse() {
            Ok(id) => Given::Value(id),
            Err(_) => Given::Wrong(Problem::NoSuchKey {
                pk: text.chars().take(SHOWN).collect(),
            }),
        };
        match self.0.remove(name) {
            None => Given::Missing,
            Some(Field::Json(Value::Null)) => Given::Null,
            Some(Field::Json(Value::Number(number))) => match integer(&number) {
                Some(whole) if number.is_f64() => find(whole.to_string()),
                _ if number.is_f64() => kind("float"),
                _ => find(number.to_string()),
            },
            Some(Field::Text(text) | Field::Json(Value::String(text))) => {
                let text = text.trim();
                let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
                if text.is_empty() {
                    Given::Null
                } else if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
                    kind("str")
                } else {
                    find(text.strip_prefix('+').unwrap_or(text).to_owned())
                }
            }
            Some(Field::Json(Value::Bool(_))) => kind("bool"),
            Some(Field::Json(Value::Array(_))) => kind("list"),
            Some(Field::Json(Value::Object(_))) => kind("dict"),
            Some(Field::File { .. }) => kind("file"),
        }
    }

    /// A moment in time; an empty text is null.
    pub(crate) fn time(&mut self, name: &str) -> Given<Time> {
        match self.text(name) {
            Given::Missing => Given::Missing,
            Given::Null => Given::Null,
            Given::Value(text) if text.trim().is_empty() => Given::Null,
            Given::Value(text) => text
                .trim()
                .parse()
                .map_or(Given::Wrong(Problem::NotTime), Given::Value),
            Given::Wrong(_) => Given::Wrong(Problem::NotTime),
        }
    }

    /// The files for a message: those that came, and in JSON and forms the ids of those that were
    /// uploaded before. `file` comes before `files`; the nth `alt` describes the nth file.
    pub(crate) fn attachments(&mut self) -> Vec<Attachment> {
        let mut all: Vec<Attachment> = match self.0.remove("file") {
            None | Some(Field::Json(Value::Null)) => Vec::new(),
            Some(Field::Text(text)) if text.is_empty() => Vec::new(),
            // Read without a place to keep it: the input in which nothing was chosen.
            Some(Field::File { name, size: 0, .. }) if name.is_empty() => Vec::new(),
            Some(_) => vec![Attachment::Wrong(Problem::NotAFile)],
        };
        let uploaded = match self.0.remove("files") {
            Some(Field::Json(Value::Array(ids))) => ids.iter().map(uploaded).collect(),
            None | Some(Field::Json(Value::Null)) => Vec::new(),
            Some(Field::Text(text)) if text.is_empty() => Vec::new(),
            Some(Field::Text(text) | Field::Json(Value::String(text))) => {
                text.split(',').map(|id| of_id(id.trim().parse())).collect()
            }
            Some(_) => vec![Attachment::Wrong(Problem::NotAFile)],
        };
        all.extend(self.1.take());
        all.extend(uploaded);
        all
    }
}

fn uploaded(id: &Value) -> Attachment {
    match id {
        Value::Number(number) => of_id(number.to_string().parse()),
        Value::String(text) => of_id(text.trim().parse()),
        _ => Attachment::Wrong(Problem::NotAFile),
    }
}

fn of_id<E>(id: Result<FileId, E>) -> Attachment {
    id.map_or(Attachment::Wrong(Problem::NotAFile), Attachment::Uploaded)
}

/// The whole number that this is; a number beyond 64 bits becomes the nearest one that fits, so that
/// the field's own limit answers it.
fn integer(number: &serde_json::Number) -> Option<i64> {
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    if number.is_u64() {
        return Some(i64::MAX);
    }
    let float = number.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, which is what is wanted"
    )]
    (float.fract() == 0.0).then_some(float as i64)
}

fn digits(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.is_empty()
        || unsigned.len() > 1_000
        || !unsigned.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let limit = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    Some(text.parse().unwrap_or(limit))
}

impl FromRequest<Web> for Fields {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        read_body(&parts.headers, body, web, None)
            .await
            .map_err(NotFields::answer)
    }
}

/// The fields of a body that may have files for a message of this account.
pub(crate) async fn read_with_files(
    web: &Web,
    actor: &Actor,
    request: Request,
) -> Result<Fields, Response> {
    let (parts, body) = request.into_parts();
    read_body(&parts.headers, body, web, Some(actor))
        .await
        .map_err(NotFields::answer)
}

enum NotFields {
    Body(BodyError),
    Kind(&'static str),
}

impl NotFields {
    fn answer(self) -> Response {
        match self {
            Self::Body(error) => error.into_response(),
            Self::Kind(kind) => Answer(parlour_core::Error::field(
                NO_FIELD,
                Problem::NotAnObject { given: kind },
            ))
            .into_response(),
        }
    }
}

impl From<BodyError> for NotFields {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

/// The fields of a page's form: urlencoded or multipart, nothing else. `sender`: whose files are kept
/// for a message.
///
/// # Errors
/// As every body: too large, too slow, broken, malformed, another type.
pub(crate) async fn read_form(
    web: &Web,
    headers: &HeaderMap,
    body: Body,
    sender: Option<&Actor>,
) -> Result<Fields, BodyError> {
    let full = content_type(headers);
    if essence(&full) == "application/json" {
        return Err(BodyError::Unsupported(full));
    }
    match read_body(headers, body, web, sender).await {
        Ok(fields) => Ok(fields),
        Err(NotFields::Body(error)) => Err(error),
        Err(NotFields::Kind(kind)) => Err(BodyError::Malformed(format!("{kind} is no form"))),
    }
}

fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

async fn read_body(
    headers: &HeaderMap,
    body: Body,
    web: &Web,
    sender: Option<&Actor>,
) -> Result<Fields, NotFields> {
    let text_limit = MIN_TEXT_BODY.max(web.app.settings().max_text_chars * 12 + 64 * 1024);
    if body.size_hint().exact() == Some(0) {
        return Ok(Fields::default());
    }
    let full = content_type(headers);
    match essence(&full).as_str() {
        "application/json" => json(&whole(body, text_limit as u64).await?),
        "application/x-www-form-urlencoded" => {
            Ok(form::urlencoded(&whole(body, text_limit as u64).await?)?)
        }
        "multipart/form-data" => {
            let boundary = multer::parse_boundary(&full).map_err(|_| {
                BodyError::Malformed(
                    "Multipart form parse error - Invalid boundary in multipart: None".into(),
                )
            })?;
            let keeper = Keeper::new(web, sender);
            let limit = keeper.most_bytes().saturating_add(text_limit as u64);
            let announced = body.size_hint().lower();
            keeper.expect(announced, limit, text_limit as u64).await?;
            Ok(form::multipart(body, boundary, (limit, text_limit), keeper).await?)
        }
        _ => only_empty(body, full).await,
    }
}

/// A body of a type that is not taken: fine when there is nothing in it.
async fn only_empty(body: Body, kind: String) -> Result<Fields, NotFields> {
    match whole(body, 0).await {
        Ok(_) => Ok(Fields::default()),
        Err(BodyError::TooLarge) => Err(BodyError::Unsupported(kind).into()),
        Err(other) => Err(other.into()),
    }
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    value.unwrap_or_default().chars().take(300).collect()
}

fn json(bytes: &[u8]) -> Result<Fields, NotFields> {
    if bytes.is_empty() {
        return Ok(Fields::default());
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| BodyError::Malformed(format!("JSON parse error - {error}")))?;
    match value {
        Value::Object(map) => Ok(Fields(
            map.into_iter()
                .map(|(name, value)| (name, Field::Json(value)))
                .collect(),
            Uploads::default(),
        )),
        Value::Array(_) => Err(NotFields::Kind("list")),
        Value::String(_) => Err(NotFields::Kind("str")),
        Value::Number(number) if number.is_f64() => Err(NotFields::Kind("float")),
        Value::Number(_) => Err(NotFields::Kind("int")),
        Value::Bool(_) => Err(NotFields::Kind("bool")),
        Value::Null => Err(NotFields::Kind("NoneType")),
    }
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
