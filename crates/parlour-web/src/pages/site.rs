//! What the pages know of the site itself: its look, and the files that an administrator gave it.

use super::visitor::Visitor;
use crate::{Web, api};
use axum::{
    extract::State,
    http::{
        HeaderName, HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use parlour_core::{Error, model::Site, site};
use serde::Serialize;

/// The site as templates see it. Empty texts are those that the templates' own texts stand for.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SiteView {
    name: String,
    welcome: String,
    run_by: String,
    hue: u16,
    logo_url: Option<String>,
    css_url: Option<String>,
}

impl SiteView {
    /// The look in force.
    pub(crate) fn new(site: &Site) -> Self {
        let version = site.version;
        Self {
            name: site.name.clone(),
            welcome: site.welcome.clone(),
            run_by: site.run_by.clone(),
            hue: site.hue,
            logo_url: site
                .logo
                .as_ref()
                .map(|_| format!("/site/logo?v={version}")),
            css_url: (!site.css.trim().is_empty()).then(|| format!("/site/custom.css?v={version}")),
        }
    }

    /// What the visitor's pages show.
    pub(super) fn of(visitor: &Visitor) -> Self {
        Self::new(&visitor.0.site)
    }
}

/// The address changes with every change of the look.
const FOR_EVER: (HeaderName, &str) = (CACHE_CONTROL, "public, max-age=31536000, immutable");

/// `GET /site/logo`.
pub(super) async fn logo(State(web): State<Web>) -> Response {
    match site::get(&web.app).await {
        Ok(site) => match &site.logo {
            Some(logo) => {
                let kind = HeaderValue::from_str(&logo.media_type)
                    .unwrap_or(HeaderValue::from_static("application/octet-stream"));
                let mut response = ([FOR_EVER], logo.bytes.clone()).into_response();
                response.headers_mut().insert(CONTENT_TYPE, kind);
                response
            }
            None => api::not_found().await,
        },
        Err(error) => refused(error),
    }
}

/// `GET /site/custom.css`. Pages import it into the last layer: it wins over everything built in, and no
/// brace in it leads out of there.
pub(super) async fn css(State(web): State<Web>) -> Response {
    match site::get(&web.app).await {
        Ok(site) => (
            [FOR_EVER, (CONTENT_TYPE, "text/css; charset=utf-8")],
            site.css.clone(),
        )
            .into_response(),
        Err(error) => refused(error),
    }
}

fn refused(error: Error) -> Response {
    api::problem::Problem(error).into_response()
}
