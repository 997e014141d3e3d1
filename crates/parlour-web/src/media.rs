//! `/media/…`: the files of messages, for those who may read them.

mod disposition;
mod links;
mod range;

pub(crate) use links::Links;
pub use links::file_signer;

use crate::{Web, api::problem::Problem, auth, session};
use axum::{
    body::Body,
    extract::{Path, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{
            ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
            CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, LOCATION, VARY,
        },
        request::Parts,
    },
    response::{IntoResponse as _, Response},
};
use parlour_core::{
    Error, Kind, UserId,
    error::NOT_FOUND,
    files::{self, Fetched},
    media::is_inline,
    model::FileKind,
    rates::Key,
};
use range::Wanted;
use utoipa_axum::{router::OpenApiRouter, routes};

static RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What a file may do when somebody opens it in a window of its own: be looked at.
const POLICY: &str = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; \
    style-src 'unsafe-inline'; frame-ancestors 'none'";

pub(crate) fn routes() -> OpenApiRouter<Web> {
    OpenApiRouter::new().routes(routes!(serve))
}

/// A file of a message, or a thumbnail of it: for who may read its room now, by session, by token, or by
/// the signature in the address that REST answers give.
///
/// The signature names an account and ends within ten minutes; the account's right is looked at again
/// each time. Ranges, `HEAD`, `If-None-Match` and `If-Range` work. Pictures, sound, films and plain text
/// come inline, everything else as an attachment.
#[utoipa::path(get, path = "/media/{class}/{name}", operation_id = "media_read", tag = "media",
    params(
        ("class" = String, Path, description = "The major type of the file, or `thumb`", example = "image"),
        ("name" = String, Path, description = "A UUID with the file's extension", example = "6c84fb90-12c4-41e1-840d-725aa755b85d.png"),
        ("sig" = Option<String>, Query, description = "A signature, as REST answers give it"),
        ("Range" = Option<String>, Header, description = "One range of bytes")),
    responses(
        (status = 200, description = "The file", content_type = "application/octet-stream"),
        (status = 206, description = "The range of it"),
        (status = 302, description = "Where the storage serves it for a minute"),
        (status = 304, description = "What the caller has is the file"),
        (status = 404, description = "No such file, or not for the caller"),
        (status = 416, description = "The range lies outside of the file"),
        (status = 503, description = "The storage does not answer now; see Retry-After")),
    security(("tokenAuth" = []), ()))]
pub(crate) async fn serve(
    State(web): State<Web>,
    Path((class, name)): Path<(String, String)>,
    method: Method,
    parts: Parts,
) -> Response {
    let asker = match asker(&web, &parts, &format!("{class}/{name}")).await {
        Ok(asker) => asker,
        Err(error) => return Problem(error).into_response(),
    };
    let answer = match asker.user {
        Some(user) => {
            answer(
                &web,
                (user, &asker),
                &format!("{class}/{name}"),
                &method,
                &parts,
            )
            .await
        }
        None => Err(NOT_FOUND.into()),
    };
    let mut response = answer.unwrap_or_else(|error| Problem(error).into_response());
    let headers = response.headers_mut();
    headers.append(VARY, HeaderValue::from_static("cookie, authorization"));
    let policy = if asker.by_cookie {
        "same-origin"
    } else {
        // The address or a header is the proof: another site may show what its user may see.
        "cross-origin"
    };
    headers.insert(RESOURCE_POLICY.clone(), HeaderValue::from_static(policy));
    response
}

/// Who asks, as far as anybody knows.
struct Asker {
    user: Option<UserId>,
    by_cookie: bool,
}

/// Whom a signature names, as long as the account is not suspended.
async fn signed_for(web: &Web, parts: &Parts, key: &str) -> Result<Option<UserId>, Error> {
    let Some(user) = links::signed_for(web, parts.uri.query(), key) else {
        return Ok(None);
    };
    let account = web.app.store().user(user).await?;
    Ok(account
        .filter(|account| account.is_active)
        .map(|account| account.id))
}

/// A token wins over a signature, a signature over a cookie.
async fn asker(web: &Web, parts: &Parts, key: &str) -> Result<Asker, Error> {
    let mut by_cookie = false;
    let mut user = match auth::by_header(web, &parts.headers).await {
        Ok(actor) => actor.map(|actor| actor.user),
        // Whatever else is wrong, the file does not exist.
        Err(error) if error.kind() == Kind::Unauthenticated => None,
        Err(error) => return Err(error),
    };
    if user.is_none() {
        user = signed_for(web, parts, key).await?;
    }
    if user.is_none() {
        by_cookie = true;
        let https = session::is_https(web, &parts.headers, &parts.extensions);
        let actor = session::visitor(web, &parts.headers, https).await?;
        user = actor.map(|actor| actor.user);
    }
    let limits = web.app.limits();
    match user {
        Some(user) => limits.read.take(&Key::User(user))?,
        None => {
            let address = auth::address_of(web, &parts.headers, &parts.extensions);
            limits.anonymous.take(&Key::address(address))?;
        }
    }
    Ok(Asker { user, by_cookie })
}

async fn answer(
    web: &Web,
    (user, asker): (UserId, &Asker),
    key: &str,
    method: &Method,
    parts: &Parts,
) -> Result<Response, Error> {
    let file = files::fetch(&web.app, user, key).await?;
    let tag = format!("\"{}\"", file.tag());
    let mut headers = described(&file, &tag);
    if is_known(&parts.headers, &tag) {
        headers.remove(CONTENT_TYPE);
        headers.remove(CONTENT_DISPOSITION);
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let disposition = disposition(&file);
    // The policy of our pages admits nothing from elsewhere: what they show comes from here.
    if !asker.by_cookie
        // The storage's address is signed for one method.
        && *method == Method::GET
        && web.config.blobs_direct
        && let Some(address) = files::direct(&web.app, &file, &disposition).await?
        && let Ok(address) = HeaderValue::from_str(&address)
    {
        headers.remove(CONTENT_TYPE);
        headers.remove(CONTENT_DISPOSITION);
        headers.remove(ETAG);
        headers.insert(LOCATION, address);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        return Ok((StatusCode::FOUND, headers).into_response());
    }
    let wanted = if *method == Method::GET {
        range::wanted(&parts.headers, &tag, file.size)
    } else {
        Wanted::Whole
    };
    let (status, range) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0..file.size),
        Wanted::Part(range) => {
            let text = format!("bytes {}-{}/{}", range.start, range.end - 1, file.size);
            insert(&mut headers, CONTENT_RANGE, &text);
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Wanted::Outside => {
            insert(
                &mut headers,
                CONTENT_RANGE,
                &format!("bytes */{}", file.size),
            );
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response());
        }
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    let body = if *method == Method::HEAD || range.is_empty() {
        Body::empty()
    } else {
        Body::from_stream(files::read(&web.app, &file, range).await?)
    };
    Ok((status, headers, body).into_response())
}

/// The headers of every answer that has the file.
fn described(file: &Fetched, tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    insert(&mut headers, CONTENT_TYPE, file.content_type());
    insert(&mut headers, CONTENT_DISPOSITION, &disposition(file));
    insert(&mut headers, ETAG, tag);
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Who may not read it any more must not find it in the browser either: it is asked for each time,
    // and mostly answered by 304.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers
}

fn disposition(file: &Fetched) -> String {
    if file.key.is_thumb() {
        return "inline".to_owned();
    }
    let known = &file.kept.file;
    let inline = known.kind != FileKind::Other && is_inline(&known.mime);
    disposition::disposition(inline, &known.name)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Whether the caller has these bytes already (RFC 9110, 13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}
