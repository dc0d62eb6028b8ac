//! Which answers are compressed, and how hard.

use axum::http::{Extensions, HeaderMap, StatusCode, Version, header};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, Predicate as _, SizeAbove};

/// Smaller answers fit into a packet or two as they are.
const SMALLEST: u64 = 1024;

/// Types that get smaller. What is compressed already, and events, which would wait in a buffer, are not among them.
const COMPRESSED: &[&str] = &[
    "application/json",
    "application/manifest+json",
    "image/svg+xml",
    "text/css",
    "text/html",
    "text/javascript",
    "text/plain",
];

type IsText = fn(StatusCode, Version, &HeaderMap, &Extensions) -> bool;

/// Compresses texts with zstd or gzip for those who ask for it.
///
/// The fastest levels: most readers sit on the same machine, where a fast answer is worth more than a smaller one.
pub(crate) fn layer() -> CompressionLayer<And<SizeAbove, IsText>> {
    let is_text: IsText = |_, _, headers, _| is_text(headers);
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(SMALLEST).and(is_text))
}

fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|given| COMPRESSED.iter().any(|text| given.starts_with(text)))
}
