//! Images and other binaries: stored once under their hash, served so that none can run in a page.

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use caribou_clickhouse::ImageRow;
use caribou_images::{CONTENT_SECURITY_POLICY, Image, serving};
use caribou_model::api::{ErrorBody, StoredImage};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::body::{self, BodyError, Compression};
use crate::error::{ApiError, ErrorCode};
use crate::images::{ProjectImage, ReadError};
use crate::query::{PathText, StrictQuery};
use crate::state::App;

/// Largest upload: the largest item that is logged.
const MAX_IMAGE_BYTES: usize = 48 << 20;

/// The project of uploads that name none, as of spans that name none.
const DEFAULT_PROJECT: &str = "default";

/// Whose image.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct ImageQuery {
    /// Project that stores or has stored it.
    project: Option<String>,
}

/// Stores an image or another binary.
///
/// The body is the binary itself; its type is decided by its bytes, and by `Content-Type` only where they do not tell.
/// Success means that it is on disk, or in the bucket. The same bytes may be sent any number of times.
#[utoipa::path(
    post,
    path = "/api/v1/images",
    tag = "images",
    params(ImageQuery),
    request_body(
        content = [u8],
        content_type = "application/octet-stream",
        description = "The binary, at most 48 MiB, under its own content type"
    ),
    responses(
        (status = 200, body = StoredImage, description = "Stored; `url` stands for it in logged values"),
        (status = 400, body = ErrorBody, description = "The body is empty"),
        (status = 413, body = ErrorBody, description = "The body is too large"),
        (status = 415, body = ErrorBody, description = "The compression of the body is not supported"),
        (status = 503, body = ErrorBody, description = "Not stored; send again after `Retry-After` seconds")
    )
)]
pub(crate) async fn upload_image(
    State(app): State<App>,
    StrictQuery(query): StrictQuery<ImageQuery>,
    request: Request,
) -> Result<Json<StoredImage>, ApiError> {
    let (parts, body) = request.into_parts();
    let mut charge = app.ingest.budget().open();
    let compression = Compression::of(&parts.headers).map_err(body_error)?;
    let sent = body::read(body, &parts.headers, MAX_IMAGE_BYTES, &mut charge)
        .await
        .map_err(body_error)?;
    let bytes = compression
        .decompress(sent, MAX_IMAGE_BYTES, &mut charge)
        .map_err(body_error)?;
    if bytes.is_empty() {
        let message = "the body is empty; send the bytes of the image";
        return Err(ApiError::new(ErrorCode::InvalidBody, message));
    }
    let claimed = parts.headers.get(header::CONTENT_TYPE);
    let claimed = claimed.and_then(|value| value.to_str().ok().map(str::to_owned));
    // Hashing the largest takes longer than other requests should wait.
    let image = tokio::task::spawn_blocking(move || Image::from_bytes(bytes, claimed.as_deref()))
        .await
        .map_err(ApiError::internal)?;
    let stored = stored_image(&image);
    let project = query.project.unwrap_or_else(|| DEFAULT_PROJECT.to_owned());
    let kept = app.images.keep(vec![ProjectImage { project, image }]).await;
    kept.map_err(|error| ApiError::new(ErrorCode::StoreUnavailable, error.to_string()))?;
    Ok(Json(stored))
}

fn stored_image(image: &Image) -> StoredImage {
    StoredImage {
        url: image.url().to_string(),
        hash: image.hash_hex(),
        mime: image.mime.clone(),
        bytes: image.bytes.len() as u64,
        width: image.width,
        height: image.height,
    }
}

fn body_error(error: BodyError) -> ApiError {
    match error {
        BodyError::TooLarge { limit } => ApiError::new(
            ErrorCode::BodyTooLarge,
            format!("an image or other binary has at most {limit} bytes"),
        ),
        BodyError::OverBudget(error) => ApiError::new(ErrorCode::Overloaded, error.to_string()),
        BodyError::UnknownEncoding(_) => {
            ApiError::new(ErrorCode::UnsupportedEncoding, error.to_string())
        }
        BodyError::Timeout => ApiError::new(ErrorCode::BodyTimeout, error.to_string()),
        other => ApiError::new(ErrorCode::InvalidBody, other.to_string()),
    }
}

/// The bytes of a stored image or other binary.
///
/// Raster images are served to be shown in place; everything else is a download, and what could hold a script is one
/// of no type.
#[utoipa::path(
    get,
    path = "/api/v1/images/{hash}",
    tag = "images",
    params(
        ("hash" = String, Path, description = "SHA-256 of the bytes, 64 lower-case hex digits"),
        ImageQuery
    ),
    responses(
        (status = 200, content_type = "application/octet-stream", body = [u8],
            description = "The bytes, under the type that they have"),
        (status = 304, description = "The client has it already"),
        (status = 404, body = ErrorBody, description = "The project has stored no such image"),
        (status = 503, body = ErrorBody, description = "The image store does not answer")
    )
)]
pub(crate) async fn get_image(
    State(app): State<App>,
    PathText(hash): PathText,
    StrictQuery(query): StrictQuery<ImageQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !is_hash(&hash) {
        return Err(not_found(&hash));
    }
    let found = app.images.find(query.project.as_deref(), &hash).await;
    let image = found.map_err(read_error)?.ok_or_else(|| not_found(&hash))?;
    if is_cached(&headers, &hash) {
        return Ok(with_headers(
            StatusCode::NOT_MODIFIED,
            &image,
            Body::empty(),
        ));
    }
    if method == Method::HEAD {
        return Ok(with_headers(StatusCode::OK, &image, Body::empty()));
    }
    let opened = app.images.open(&hash).await.map_err(read_error)?;
    let opened = opened.ok_or_else(|| {
        let message = format!("the image {hash} was stored, but is no longer in the image store");
        ApiError::new(ErrorCode::ImageNotFound, message)
    })?;
    let body = Body::from_stream(opened.into_stream());
    Ok(with_headers(StatusCode::OK, &image, body))
}

fn is_hash(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 64 && text.bytes().all(is_digit)
}

/// True where the client says that it has this very content.
fn is_cached(headers: &HeaderMap, hash: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    tags.any(|tag| {
        let tag = tag.trim();
        tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"') == hash
    })
}

fn with_headers(status: StatusCode, image: &ImageRow, body: Body) -> Response {
    let serving = serving(&image.mime);
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    let mut set = |name, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_TYPE, serving.content_type);
    set(header::CONTENT_DISPOSITION, serving.disposition());
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(
        header::CACHE_CONTROL,
        "private, max-age=31536000, immutable",
    );
    // A page of another site may not show it either.
    set(
        header::HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", image.hash)) {
        headers.insert(header::ETAG, tag);
    }
    if status == StatusCode::OK {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(image.bytes));
    }
    response
}

fn not_found(hash: &str) -> ApiError {
    let hash: String = hash.chars().take(80).collect();
    let message = format!("there is no image {hash:?} that this project has stored");
    ApiError::new(ErrorCode::ImageNotFound, message)
}

fn read_error(error: ReadError) -> ApiError {
    match error {
        ReadError::Store(error) => error.into(),
        ReadError::Blobs(error) => ApiError::new(
            ErrorCode::StoreUnavailable,
            "the image store does not answer at the moment; try again",
        )
        .with_source(error),
    }
}
