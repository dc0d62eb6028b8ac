//! The OpenAPI document, generated from the handlers.

use serde_json::{Map, Value, json};
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
        (name = "images", description = "Images and other binaries, out of the rows."),
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
    let mut value = serde_json::to_value(document()).expect("the document is plain data");
    // The generator's order is not that of the keys, and the file that is kept must not depend on it.
    value.sort_all_objects();
    let schemas = value["components"]["schemas"].take();
    let named = schemas.as_object().cloned().unwrap_or_default();
    value["components"]["schemas"] = schemas;
    for (name, schema) in value["components"]["schemas"]
        .as_object_mut()
        .into_iter()
        .flatten()
    {
        tidy(schema, name, &named);
    }
    value
}

/// Makes a schema say what clients can use: a shape that has a name is referred to by it (the generator writes those
/// of generic pages out), and an absent field has no default (it is left out, not `null`).
fn tidy(schema: &mut Value, own_name: &str, named: &Map<String, Value>) {
    let same = |(name, known): &(&String, &Value)| *name != own_name && *known == schema;
    if let Some((name, _)) = named.iter().find(same) {
        *schema = json!({"$ref": format!("#/components/schemas/{name}")});
        return;
    }
    match schema {
        Value::Object(fields) => {
            fields.retain(|key, value| !(key == "default" && value.is_null()));
            fields
                .values_mut()
                .for_each(|value| tidy(value, own_name, named));
        }
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| tidy(value, own_name, named)),
        _ => {}
    }
}
