//! Swagger UI, Redoc and the schema itself, all from this binary (contract 1, D-28).

use crate::{Web, openapi};
use axum::{
    Router,
    extract::{Path, RawQuery},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
        },
    },
    response::{Html, IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use std::sync::{Arc, OnceLock};
use tower_http::compression::CompressionLayer;

/// Swagger UI: own scripts and styles; it styles elements by attribute and shows data: images.
const SWAGGER_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";
/// Redoc: besides that, it searches in a worker made from a blob.
const REDOC_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src blob:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

const SWAGGER_PAGE: &str = include_str!("../assets/swagger.html");
const REDOC_PAGE: &str = include_str!("../assets/redoc.html");

pub(crate) fn router() -> Router<Web> {
    Router::new()
        .route("/api/v1/", get(swagger))
        .route("/api/v1/redoc/", get(redoc))
        .route("/api/v1/schema/", get(schema))
        .route("/api/v1/assets/{name}", get(asset))
        .method_not_allowed_fallback(crate::api::method_not_allowed)
        .layer(CompressionLayer::new())
}

fn page(html: &'static str, policy: &'static str) -> Response {
    ([(CONTENT_SECURITY_POLICY, policy)], Html(html)).into_response()
}

async fn swagger() -> Response {
    page(SWAGGER_PAGE, SWAGGER_POLICY)
}

async fn redoc() -> Response {
    page(REDOC_PAGE, REDOC_POLICY)
}

/// The document: YAML, or JSON with `?format=json` or `Accept: application/json`.
async fn schema(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    static JSON: OnceLock<Bytes> = OnceLock::new();
    static YAML: OnceLock<Bytes> = OnceLock::new();
    let query = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes())
        .find(|(key, _)| key == "format")
        .map(|(_, format)| format.into_owned());
    let accept = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .unwrap_or_default();
    let wants_json = match query.as_deref() {
        Some(format) => format == "json",
        None => accept.contains("application/json") || accept.contains("openapi+json"),
    };
    let (kind, text) = if wants_json {
        let text = JSON.get_or_init(|| openapi::json().unwrap_or_default().into());
        ("application/vnd.oai.openapi+json", text)
    } else {
        let text = YAML.get_or_init(|| openapi::document().to_yaml().unwrap_or_default().into());
        ("application/vnd.oai.openapi; charset=utf-8", text)
    };
    let kind = if wants_json && accept.contains("application/json") {
        "application/json"
    } else {
        kind
    };
    ([(CONTENT_TYPE, kind), (VARY, "accept")], text.clone()).into_response()
}

/// The scripts and styles of the two pages.
async fn asset(Path(name): Path<String>) -> Response {
    match name.as_str() {
        "swagger-start.js" => script(Bytes::from_static(include_bytes!(
            "../assets/swagger-start.js"
        ))),
        "redoc-start.js" => script(Bytes::from_static(include_bytes!(
            "../assets/redoc-start.js"
        ))),
        "redoc.js" => script(redoc_script()),
        "swagger-ui.css" | "swagger-ui-bundle.js" | "favicon-32x32.png" => vendored(&name),
        _ => crate::api::not_found().await,
    }
}

fn script(bytes: Bytes) -> Response {
    (
        [
            (CONTENT_TYPE, "text/javascript; charset=utf-8"),
            (CACHE_CONTROL, CACHED),
        ],
        bytes,
    )
        .into_response()
}

/// Assets change with the binary only; a day is short enough for an upgrade.
const CACHED: &str = "public, max-age=86400";

fn vendored(name: &str) -> Response {
    let config = Arc::new(utoipa_swagger_ui::Config::from(
        "/api/v1/schema/?format=json",
    ));
    match utoipa_swagger_ui::serve(name, config) {
        Ok(Some(file)) => {
            let mut response = file.bytes.into_owned().into_response();
            let headers = response.headers_mut();
            let kind = HeaderValue::from_str(&file.content_type);
            headers.insert(
                CONTENT_TYPE,
                kind.unwrap_or(HeaderValue::from_static("text/plain")),
            );
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(CACHED));
            if file.gzpipped {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            response
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Redoc's script out of the page that the `aide` crate makes. The one picture it would load from
/// another host is replaced by nothing.
fn redoc_script() -> Bytes {
    static SCRIPT: OnceLock<Bytes> = OnceLock::new();
    SCRIPT
        .get_or_init(|| {
            let page = aide::redoc::Redoc::new("").html();
            let inner = page.split_once("<script>").map_or("", |(_, rest)| rest);
            let end = inner.rfind("Redoc.init(").unwrap_or(0);
            inner[..end]
                .replace("https://cdn.redoc.ly/redoc/logo-mini.svg", "data:,")
                .into()
        })
        .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redoc_is_whole_and_calls_nobody() {
        let script = redoc_script();
        assert!(script.len() > 500_000, "{} bytes", script.len());
        let text = std::str::from_utf8(&script).expect("UTF-8");
        assert!(!text.contains("cdn.redoc.ly"));
    }

    #[test]
    fn swagger_ui_is_inside() {
        for name in ["swagger-ui.css", "swagger-ui-bundle.js"] {
            assert_eq!(vendored(name).status(), StatusCode::OK, "{name}");
        }
    }
}
