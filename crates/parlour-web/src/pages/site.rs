//! The site itself: what templates know of it, and the files that its administrators made.

use crate::Web;
use axum::{
    extract::{Path, State},
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use parlour_core::{Error, model::Site, site};
use serde::Serialize;

/// The site as templates see it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SiteView {
    name: String,
    welcome: String,
    run_by: String,
    hue: u16,
    logo_url: Option<String>,
    css_url: Option<String>,
}

impl From<&Site> for SiteView {
    fn from(site: &Site) -> Self {
        let url = |what: &str| format!("/site/{}/{what}", site.version);
        Self {
            name: site.name.clone(),
            welcome: site.welcome.clone(),
            run_by: site.run_by.clone(),
            hue: site.hue,
            logo_url: site.logo.is_some().then(|| url("logo")),
            css_url: (!site.css.trim().is_empty()).then(|| url("style.css")),
        }
    }
}

/// `/site/{version}/logo` and `/site/{version}/style.css`.
pub(super) async fn file(
    State(web): State<Web>,
    Path((version, name)): Path<(String, String)>,
) -> Response {
    match find(&web, &name).await {
        Ok(Some((site, media_type, bytes))) => {
            // The address changes with the look, so what it answers does not.
            let caching = if version == site.to_string() {
                "public, max-age=31536000, immutable"
            } else {
                "public, no-cache"
            };
            let media_type = HeaderValue::from_str(&media_type)
                .unwrap_or(HeaderValue::from_static("application/octet-stream"));
            let mut response = bytes.into_response();
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, media_type);
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
            response
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::warn!(?error, "the look cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn find(web: &Web, name: &str) -> Result<Option<(i64, String, Bytes)>, Error> {
    let site = site::get(&web.app).await?;
    let found = match name {
        "style.css" => Some((
            "text/css; charset=utf-8".to_owned(),
            Bytes::from(site.css.clone()),
        )),
        "logo" => site
            .logo
            .as_ref()
            .map(|logo| (logo.media_type.clone(), Bytes::from(logo.bytes.clone()))),
        _ => None,
    };
    Ok(found.map(|(media_type, bytes)| (site.version, media_type, bytes)))
}
