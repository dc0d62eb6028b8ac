//! The routes of the HTTP API, and what surrounds all of them.

mod docs;
mod filter;
mod health;
mod images;
mod live;
mod projects;
mod traces;
mod ui;

use std::any::Any;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answers;
use crate::compression;
use crate::error::{ApiError, ErrorCode};
use crate::guard;
use crate::otlp;
use crate::state::App;

/// Largest body of a route that is not ingest.
const MAX_JSON_BODY_BYTES: usize = 1 << 20;

/// Every route that is part of the contract; the OpenAPI document is made from the same list.
pub(crate) fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(otlp::http::export_traces))
        .routes(routes!(otlp::http::export_traces_langfuse))
        .routes(routes!(projects::list_projects, projects::create_project))
        .routes(routes!(traces::list_traces))
        .routes(routes!(traces::facets))
        .routes(routes!(traces::get_trace, traces::delete_trace))
        .routes(routes!(traces::list_spans))
        .routes(routes!(traces::outline))
        .routes(routes!(traces::search))
        .routes(routes!(images::upload_image))
        .routes(routes!(images::get_image))
        .routes(routes!(live::live))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(docs::openapi_json))
        .routes(routes!(docs::docs_page))
}

/// The router of the main listener.
pub(crate) fn router(app: App) -> Router {
    let (documented, _document) = documented().split_for_parts();
    let router = documented
        .route("/v1/logs", any(otlp::http::unsupported_signal))
        .route("/v1/metrics", any(otlp::http::unsupported_signal))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(ui::serve)
        .layer(DefaultBodyLimit::max(MAX_JSON_BODY_BYTES))
        .layer(middleware::from_fn_with_state(
            answers::budget(),
            answers::count,
        ))
        .layer(compression::layer());
    surround(router, app)
}

/// The router of the listener that takes OTLP over HTTP only.
pub(crate) fn otlp_router(app: App) -> Router {
    let (documented, _document) = OpenApiRouter::new()
        .routes(routes!(otlp::http::export_traces))
        .routes(routes!(otlp::http::export_traces_langfuse))
        .routes(routes!(health::healthz))
        .split_for_parts();
    let router = documented
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(otlp::http::unsupported_signal);
    surround(router, app)
}

/// The router of the listener that takes OTLP over gRPC only.
pub(crate) fn grpc_router(app: App) -> Router {
    surround(otlp::grpc::router(), app)
}

fn surround(router: Router<App>, app: App) -> Router {
    router
        .layer(middleware::from_fn(guard::require_local))
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(middleware::from_fn_with_state(app.clone(), finish))
        .with_state(app)
}

async fn finish(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    app.metrics.responses.count(response.status().as_u16());
    let nosniff = HeaderValue::from_static("nosniff");
    response
        .headers_mut()
        .insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that the layer asks for"
)]
fn answer_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    ApiError::internal(message).into_response()
}

async fn method_not_allowed(request: Request) -> Response {
    if request.uri().path().ends_with("/v1/traces") && !request.uri().path().starts_with("/api/v1/")
    {
        return otlp::http::other_method(&request);
    }
    let message = format!(
        "{} is not answered to {}; see /docs",
        request.uri().path(),
        request.method()
    );
    ApiError::new(ErrorCode::MethodNotAllowed, message).into_response()
}
