//! `/api/v1/uploads/`: files that come in pieces, by the tus protocol 1.0.0 (tus.io) with the extensions
//! creation, creation-with-upload, termination, expiration and checksum. See docs/protocol/uploads.md.

mod checksum;
mod headers;

use super::{
    Id,
    problem::{Problem, detail},
    schemas::{Detail, FieldErrors},
};
use crate::{
    Web,
    auth::Auth,
    body::{BodyError, guarded},
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{ALLOW, CACHE_CONTROL, LOCATION},
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use checksum::Checksum;
use futures_util::StreamExt as _;
use parlour_core::{
    Actor, Error,
    files::upload::{self, Appending, GoOn, NewUpload, Progress},
    rates::Key,
};
use std::pin::pin;
use utoipa_axum::{router::OpenApiRouter, routes};

const PATH: &str = "/api/v1/uploads/";

pub(super) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new()
        .routes(routes!(options, create))
        .routes(routes!(options_of_one, read, go_on, end, other))
        .layer(middleware::from_fn(speak))
}

/// Why an upload did not go on.
enum Refusal {
    Error(Error),
    Body(BodyError),
    /// A header that is missing or says nothing.
    Header(&'static str),
    ContentType,
    WrongOffset(u64),
    Busy,
    UnknownChecksum,
    WrongChecksum,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let bad = |code, text: &str| detail(StatusCode::BAD_REQUEST, code, text);
        match self {
            Self::Error(error) => Problem(error).into_response(),
            Self::Body(error) => error.into_response(),
            Self::Header(name) => bad("malformed", &format!("The header {name} is not valid.")),
            Self::ContentType => detail(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported",
                "The bytes of an upload have the type application/offset+octet-stream.",
            ),
            Self::WrongOffset(at) => detail(
                StatusCode::CONFLICT,
                "wrong_offset",
                &format!("This upload goes on at byte {at}."),
            ),
            Self::Busy => detail(
                StatusCode::LOCKED,
                "upload_busy",
                "Another request writes to this upload.",
            ),
            Self::UnknownChecksum => bad("unknown_checksum", "Checksums are sha1 or sha256."),
            Self::WrongChecksum => detail(
                StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST),
                "checksum_mismatch",
                "These bytes do not have the checksum given. Send them again.",
            ),
        }
    }
}

/// Speaks version 1.0.0 with whoever does; OPTIONS tells it to everybody.
async fn speak(request: Request, next: Next) -> Response {
    let known = headers::text(request.headers(), &headers::TUS_RESUMABLE) == Some("1.0.0");
    let mut response = if known || request.method() == Method::OPTIONS {
        next.run(request).await
    } else {
        let text = "This is tus 1.0.0: say so by the header Tus-Resumable.";
        let mut answer = detail(StatusCode::PRECONDITION_FAILED, "wrong_version", text);
        let version = HeaderValue::from_static("1.0.0");
        answer.headers_mut().insert(&headers::TUS_VERSION, version);
        answer
    };
    let version = HeaderValue::from_static("1.0.0");
    let of_response = response.headers_mut();
    of_response.insert(&headers::TUS_RESUMABLE, version);
    response
}

/// What this server knows of tus.
#[utoipa::path(options, path = "/api/v1/uploads/", operation_id = "uploads_options", tag = "uploads",
    responses((status = 204, description = "Versions, extensions, checksums and the largest file, in the headers `Tus-*`")))]
pub(super) async fn options(State(web): State<Web>) -> Response {
    told(&web, "OPTIONS, POST")
}

/// What this server knows of tus.
#[utoipa::path(options, path = "/api/v1/uploads/{id}/", operation_id = "uploads_options_of_one", tag = "uploads",
    params(("id" = String, Path, description = "The upload's id")),
    responses((status = 204, description = "As for all uploads")))]
pub(super) async fn options_of_one(State(web): State<Web>) -> Response {
    told(&web, "DELETE, HEAD, OPTIONS, PATCH, POST")
}

fn told(web: &Web, methods: &'static str) -> Response {
    let largest = web.app.settings().max_upload_bytes;
    let mut response = StatusCode::NO_CONTENT.into_response();
    let of_response = response.headers_mut();
    for (name, value) in [
        (ALLOW, methods),
        (headers::TUS_VERSION.clone(), "1.0.0"),
        (headers::TUS_EXTENSION.clone(), headers::EXTENSIONS),
        (headers::TUS_CHECKSUM_ALGORITHM.clone(), checksum::KNOWN),
    ] {
        of_response.insert(name, HeaderValue::from_static(value));
    }
    of_response.insert(&headers::TUS_MAX_SIZE, HeaderValue::from(largest));
    response
}

/// Begin an upload that may stop and go on: of a file for a message.
///
/// The body may have the first bytes. When it cannot be read to its end, nothing is begun.
#[utoipa::path(post, path = "/api/v1/uploads/", operation_id = "uploads_create", tag = "uploads",
    params(
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Length" = i64, Header, description = "The file's size in bytes"),
        ("Upload-Metadata" = Option<String>, Header, description = "Pairs of a key and a value in base64, with commas in between: `filename`, `filetype` (given back, not believed), `alt`"),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256`, a space, and the checksum of the body in base64")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream", description = "The first bytes, or nothing"),
    responses(
        (status = 201, description = "Begun; `Location` says where it goes on, `Upload-Expires` until when"),
        (status = 400, description = "A bad header, an empty file, a name that is too long", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 412, description = "Another version of tus", body = Detail),
        (status = 413, description = "The file is larger than one may be, or than the account has room for", body = Detail),
        (status = 429, description = "Too fast, or too many uploads are not finished; see Retry-After", body = Detail),
        (status = 460, description = "The checksum is another one", body = Detail),
        (status = 507, description = "The server has no more space for files", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn create(
    State(web): State<Web>,
    Auth(actor): Auth,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    match begin(web, actor, &parts.headers, body).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn begin(web: Web, actor: Actor, given: &HeaderMap, body: Body) -> Result<Response, Refusal> {
    let size = headers::number(given, &headers::UPLOAD_LENGTH);
    let size = size.ok_or(Refusal::Header("Upload-Length"))?;
    let metadata = headers::metadata(given).ok_or(Refusal::Header("Upload-Metadata"))?;
    let has_bytes = headers::has_bytes(given);
    let checksum = if has_bytes { checksum(given)? } else { None };
    let new = NewUpload {
        size,
        name: metadata.name,
        alt: metadata.alt,
        metadata: metadata.given,
    };
    let mut progress = upload::begin(&web.app, &actor, new).await?;
    let id = progress.upload.id.clone();
    if has_bytes {
        let web = web.clone();
        let first = tokio::spawn(async move {
            let came = receive(&web, &actor, (&id, 0), (body, checksum)).await;
            if came.is_err() {
                // Its maker never hears of it. What is left is swept.
                let _ = upload::forget_begun(&web.app, &id).await;
            }
            came
        });
        progress = first.await.map_err(Error::internal)??;
    }
    let mut response = answer(StatusCode::CREATED, &progress);
    let place = format!("{PATH}{}/", progress.upload.id);
    let place = HeaderValue::try_from(place).map_err(Error::internal)?;
    response.headers_mut().insert(LOCATION, place);
    Ok(response)
}

/// How far an upload came.
#[utoipa::path(head, path = "/api/v1/uploads/{id}/", operation_id = "uploads_read", tag = "uploads",
    params(
        ("id" = String, Path, description = "The upload's id"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`")),
    responses(
        (status = 200, description = "`Upload-Offset`, `Upload-Length`, `Upload-Metadata`, `Upload-Expires`; `X-Parlour-File` once it is finished"),
        (status = 401, description = "No token, or a bad one"),
        (status = 404, description = "No such upload of one's own"),
        (status = 412, description = "Another version of tus")),
    security(("tokenAuth" = [])))]
pub(super) async fn read(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<String>,
) -> Result<Response, Problem> {
    let progress = upload::progress(&web.app, &actor, &id).await?;
    let mut response = answer(StatusCode::OK, &progress);
    let of_response = response.headers_mut();
    let size = HeaderValue::from(progress.upload.size);
    of_response.insert(&headers::UPLOAD_LENGTH, size);
    of_response.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(metadata) = HeaderValue::try_from(&progress.upload.metadata)
        && !metadata.is_empty()
    {
        of_response.insert(&headers::UPLOAD_METADATA, metadata);
    }
    Ok(response)
}

/// Go on with an upload.
///
/// What came before the connection broke stays, unless it came with a checksum. After the last byte the
/// file is looked at, and the answer names it: a message may carry it within an hour.
#[utoipa::path(patch, path = "/api/v1/uploads/{id}/", operation_id = "uploads_go_on", tag = "uploads",
    params(
        ("id" = String, Path, description = "The upload's id"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`"),
        ("Upload-Offset" = i64, Header, description = "How many bytes came before these"),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256`, a space, and the checksum of the body in base64")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream", description = "The next bytes"),
    responses(
        (status = 204, description = "They are on the disk: `Upload-Offset`, `Upload-Expires`; `X-Parlour-File`: the id of the finished file"),
        (status = 400, description = "A bad header, or a file that is refused", body = FieldErrors),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 404, description = "No such upload of one's own", body = Detail),
        (status = 409, description = "The upload goes on at another offset", body = Detail),
        (status = 412, description = "Another version of tus", body = Detail),
        (status = 413, description = "More bytes than the upload has, or than the account has room for", body = Detail),
        (status = 415, description = "Another content type", body = Detail),
        (status = 423, description = "Another request writes to this upload", body = Detail),
        (status = 460, description = "The checksum is another one; nothing of the body was kept", body = Detail),
        (status = 503, description = "Cannot be kept now; see Retry-After, and go on", body = Detail),
        (status = 507, description = "The server has no more space for files", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn go_on(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    match patch(web, actor, id, (&parts.headers, body)).await {
        Ok(progress) => answer(StatusCode::NO_CONTENT, &progress),
        Err(refusal) => refusal.into_response(),
    }
}

async fn patch(
    web: Web,
    actor: Actor,
    id: String,
    (given, body): (&HeaderMap, Body),
) -> Result<Progress, Refusal> {
    if !headers::has_bytes(given) {
        return Err(Refusal::ContentType);
    }
    let at = headers::number(given, &headers::UPLOAD_OFFSET);
    let at = at.ok_or(Refusal::Header("Upload-Offset"))?;
    let checksum = checksum(given)?;
    // In a task of its own: when the client goes away, what came is still put in order.
    tokio::spawn(async move { receive(&web, &actor, (&id, at), (body, checksum)).await })
        .await
        .map_err(Error::internal)?
}

/// End an upload: what came of it is removed. A finished file goes too, unless a message has it.
#[utoipa::path(delete, path = "/api/v1/uploads/{id}/", operation_id = "uploads_end", tag = "uploads",
    params(
        ("id" = String, Path, description = "The upload's id"),
        ("Tus-Resumable" = String, Header, description = "`1.0.0`")),
    responses(
        (status = 204, description = "Gone"),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 404, description = "No such upload of one's own", body = Detail),
        (status = 412, description = "Another version of tus", body = Detail),
        (status = 423, description = "Another request writes to this upload", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn end(
    State(web): State<Web>,
    Auth(actor): Auth,
    Id(id): Id<String>,
) -> Result<Response, Problem> {
    if upload::end(&web.app, &actor, &id).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Ok(Refusal::Busy.into_response())
    }
}

/// The other methods, for clients behind something that lets only POST pass.
#[utoipa::path(post, path = "/api/v1/uploads/{id}/", operation_id = "uploads_other", tag = "uploads",
    params(
        ("id" = String, Path, description = "The upload's id"),
        ("X-HTTP-Method-Override" = String, Header, description = "`PATCH`, `DELETE` or `HEAD`")),
    responses(
        (status = 200, description = "As the method says"),
        (status = 204, description = "As the method says"),
        (status = 401, description = "No token, or a bad one", body = Detail),
        (status = 405, description = "No such method here", body = Detail)),
    security(("tokenAuth" = [])))]
pub(super) async fn other(
    web: State<Web>,
    auth: Auth,
    id: Id<String>,
    request: Request,
) -> Response {
    match headers::text(request.headers(), &headers::METHOD_OVERRIDE) {
        Some("PATCH") => go_on(web, auth, id, request).await,
        Some("DELETE") => end(web, auth, id).await.into_response(),
        Some("HEAD") => {
            // Real ones are counted where all requests that only read are.
            if let Err(error) = web.app.limits().read.take(&Key::User(auth.0.user)) {
                return Problem(error).into_response();
            }
            read(web, auth, id).await.into_response()
        }
        _ => super::method_not_allowed(Method::POST).await,
    }
}

/// Takes the bytes of a body.
async fn receive(
    web: &Web,
    actor: &Actor,
    (id, at): (&str, u64),
    (body, checksum): (Body, Option<Checksum>),
) -> Result<Progress, Refusal> {
    let unsure = checksum.is_some();
    match upload::go_on(&web.app, actor, id, (at, unsure)).await? {
        GoOn::Ready(appending) => append(*appending, body, checksum).await,
        GoOn::Finished(progress) => Ok(*progress),
        GoOn::WrongOffset(at) => Err(Refusal::WrongOffset(at)),
        GoOn::Busy => Err(Refusal::Busy),
    }
}

async fn append(
    mut appending: Appending,
    body: Body,
    mut checksum: Option<Checksum>,
) -> Result<Progress, Refusal> {
    let mut pieces = pin!(guarded(body, appending.missing()));
    while let Some(piece) = pieces.next().await {
        let piece = match piece {
            Ok(piece) => piece,
            Err(error) => {
                appending.stop().await?;
                return Err(Refusal::Body(error));
            }
        };
        if let Some(checksum) = &mut checksum {
            checksum.update(&piece);
        }
        if let Err(error) = appending.push(&piece).await {
            // Nobody may go on while a piece is being written.
            let _ = appending.stop().await;
            return Err(error.into());
        }
    }
    if checksum.is_some_and(|checksum| !checksum.fits()) {
        appending.discard().await?;
        return Err(Refusal::WrongChecksum);
    }
    Ok(appending.done().await?)
}

fn checksum(given: &HeaderMap) -> Result<Option<Checksum>, Refusal> {
    let Some(value) = given.get(&headers::UPLOAD_CHECKSUM) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    Checksum::parse(text).map(Some)
}

/// An answer that says how far the upload came.
fn answer(status: StatusCode, progress: &Progress) -> Response {
    let mut response = status.into_response();
    let of_response = response.headers_mut();
    let state = &progress.upload.state;
    let offset = HeaderValue::from(progress.offset);
    of_response.insert(&headers::UPLOAD_OFFSET, offset);
    if let Some(date) = headers::date(state.expires_at) {
        of_response.insert(&headers::UPLOAD_EXPIRES, date);
    }
    if let Some(file) = state.file {
        let file = HeaderValue::from(file.get());
        of_response.insert(&headers::FILE, file);
    }
    response
}
