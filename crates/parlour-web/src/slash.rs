//! Every path ends with `/` (contract 1, D-25): a GET without it is sent there, other methods are
//! served as if it were there, so that no body is lost.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, Uri, header::LOCATION},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;

/// The paths that exist, all with their slash.
#[derive(Debug, Default)]
pub(crate) struct KnownPaths(matchit::Router<()>);

impl KnownPaths {
    /// The set of these path templates, written as axum writes them.
    ///
    /// # Errors
    /// When two templates contradict.
    pub(crate) fn new(
        templates: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Self, matchit::InsertError> {
        let mut router = matchit::Router::new();
        for template in templates {
            router.insert(template, ())?;
        }
        Ok(Self(router))
    }

    fn has(&self, path: &str) -> bool {
        self.0.at(path).is_ok()
    }
}

/// Mends a path that lacks its slash.
pub(crate) async fn mend(
    State(known): State<Arc<KnownPaths>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if path.ends_with('/') {
        return next.run(request).await;
    }
    let slashed = format!("{path}/");
    if !known.has(&slashed) {
        return next.run(request).await;
    }
    let target = request
        .uri()
        .query()
        .map_or_else(|| slashed.clone(), |query| format!("{slashed}?{query}"));
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return HeaderValue::from_str(&target).map_or_else(
            |_| StatusCode::NOT_FOUND.into_response(),
            |location| (StatusCode::MOVED_PERMANENTLY, [(LOCATION, location)]).into_response(),
        );
    }
    if let Ok(uri) = target.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_exist_are_mended() {
        let known = KnownPaths::new(["/api/v1/users/", "/api/v1/users/{id}/"]).expect("templates");
        assert!(known.has("/api/v1/users/"));
        assert!(known.has("/api/v1/users/7/"));
        assert!(!known.has("/api/v1/nothing/"));
    }
}
