//! WebSocket upgrades: authenticate, then hand the socket to the realtime side.
use crate::Web;
use axum::{Router, extract::Request, response::Response};
pub(crate) fn router() -> Router<Web> {
    Router::new()
}
pub(crate) async fn account(_web: Web, _request: Request) -> Response {
    crate::api::not_found().await
}
