//! Live events.
use axum::http::StatusCode;
/// Live
#[utoipa::path(get, path = "/api/v1/live", tag = "live", responses((status = 200, description = "events")))]
pub(crate) async fn live() -> StatusCode {
    StatusCode::NOT_FOUND
}
