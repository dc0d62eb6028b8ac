//! The web UI: its built files are part of the binary.
//!
//! Every path that is no file is a page of the UI's own router, so it gets `index.html`. Without built files (Rust
//! builds without Node) there is one plain page that says how to get them.

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::{ApiError, ErrorCode};

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Assets;

const INDEX: &str = "index.html";

/// File names under this folder hold a hash of the content, so they never change.
const HASHED: &str = "assets/";

/// Scripts and styles come from this server only; the UI sets inline styles for sizes it computes. Images may be data
/// URLs, as logged content holds them.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Kestrel</title>\
    <body style=\"font: 16px/1.5 system-ui; max-width: 40em; margin: 4em auto; padding: 0 1em\">\
    <h1>Kestrel is running</h1>\
    <p>This binary was built without the web pages. Run <code>make build</code> to build them in.</p>\
    <p>The <a href=\"/docs\">HTTP API</a> is served all the same.</p>";

/// Answers everything that no other route does.
pub(crate) async fn serve(request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    if is_api(path) {
        let message = format!("there is no route {:?}; see /docs", request.uri().path());
        return ApiError::new(ErrorCode::UnknownRoute, message).into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let message = "pages are read with GET; see /docs for the API";
        return ApiError::new(ErrorCode::MethodNotAllowed, message).into_response();
    }
    match Assets::get(path) {
        Some(file) => asset(path, file),
        // A file of an older build that a page still open asks for: an HTML page instead would only confuse.
        None if path.starts_with(HASHED) => ApiError::new(
            ErrorCode::UnknownRoute,
            "there is no such file; reload the page",
        )
        .into_response(),
        None => index(),
    }
}

fn is_api(path: &str) -> bool {
    path.starts_with("api/") || path.starts_with("v1/")
}

fn index() -> Response {
    match Assets::get(INDEX) {
        Some(file) => asset(INDEX, file),
        None => page(StatusCode::OK, NOT_BUILT.into()),
    }
}

fn asset(path: &str, file: EmbeddedFile) -> Response {
    let caching = if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let mut response = Bytes::from(file.data.into_owned()).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(content_type(path)),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    protect(&mut response);
    response
}

/// An HTML page of the server's own.
pub(crate) fn page(status: StatusCode, html: String) -> Response {
    let content_type = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    let mut response = (status, content_type, html).into_response();
    protect(&mut response);
    response
}

fn protect(response: &mut Response) {
    let headers = response.headers_mut();
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    async fn get(path: &str) -> Response {
        serve(Request::get(path).body(Body::empty()).unwrap()).await
    }

    #[tokio::test]
    async fn pages_of_the_ui_are_answered_with_html_and_a_policy() {
        for path in [
            "/",
            "/traces",
            "/traces/0af7651916cd43dd8448eb211c80319c?item=1",
        ] {
            let response = get(path).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(
                response.headers()[header::CONTENT_TYPE],
                "text/html; charset=utf-8"
            );
            assert!(
                response
                    .headers()
                    .contains_key(header::CONTENT_SECURITY_POLICY)
            );
        }
    }

    #[tokio::test]
    async fn unknown_routes_of_the_api_and_missing_files_are_no_pages() {
        for path in ["/api/v1/nothing", "/v1/nothing", "/assets/old-123.js"] {
            assert_eq!(get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
