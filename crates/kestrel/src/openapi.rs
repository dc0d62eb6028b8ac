//! The OpenAPI document, generated from the handlers.

use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kestrel",
        description = "Records, keeps and shows rollouts of LLM agents.\n\nJSON in snake_case; times are RFC 3339 with \
            nanoseconds. Lists take `limit` and `cursor` and answer `items` and `next_cursor`. Errors are \
            `{\"error\": {\"message\", \"type\", \"code\"}}`. An unknown query parameter is an error. Until API keys \
            exist, only requests of this machine are answered.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "ingest", description = "Spans in."),
        (name = "traces", description = "Rollouts: lists, one of them, its spans in windows."),
        (name = "projects", description = "What owns runs and rollouts."),
        (name = "live", description = "What just arrived, as server-sent events."),
        (name = "operations", description = "Health, metrics and this document."),
    )
)]
struct Base;

/// The document.
pub fn document() -> Document {
    let mut document = routes::documented().into_openapi();
    document.info = Base::openapi().info;
    document.tags = Base::openapi().tags;
    document
}

/// The document as JSON, indented, keys sorted, with a newline at the end: the same bytes for the same handlers.
pub fn document_json() -> String {
    let mut json =
        serde_json::to_string_pretty(&document_value()).expect("a JSON value can be written");
    json.push('\n');
    json
}

/// The document as a JSON value.
pub(crate) fn document_value() -> Value {
    serde_json::to_value(document()).expect("the document is plain data")
}
