//! The OpenAPI document, for programs and as a page for people.

use std::fmt::Write as _;
use std::sync::OnceLock;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::openapi;
use crate::routes::ui;

/// The OpenAPI document of this API.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, description = "OpenAPI 3.1")))]
pub(crate) async fn openapi_json() -> Response {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let document = DOCUMENT.get_or_init(openapi::document_json);
    (
        [(header::CONTENT_TYPE, "application/json")],
        document.as_str(),
    )
        .into_response()
}

/// This API as a page to read.
#[utoipa::path(get, path = "/docs", tag = "operations", responses((status = 200, description = "HTML")))]
pub(crate) async fn docs_page() -> Response {
    static PAGE: OnceLock<String> = OnceLock::new();
    let html = PAGE.get_or_init(|| render(&openapi::document_value()));
    ui::page(StatusCode::OK, html.clone())
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    color-scheme:light dark}code,pre{font:13px/1.45 ui-monospace,monospace}h2{margin-top:2.5rem;border-bottom:1px solid \
    #8884}section{margin:1.5rem 0}h3 code{font-size:15px}table{border-collapse:collapse;width:100%}td,th{text-align:left;\
    vertical-align:top;padding:.2rem .8rem .2rem 0;border-top:1px solid #8883}b.m{display:inline-block;min-width:4.5rem;\
    text-transform:uppercase;font-size:13px}.t{opacity:.75}";

/// Renders the document as one page without scripts.
fn render(document: &Value) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Kestrel's HTTP API</title><style>{STYLE}</style><body><h1>Kestrel's HTTP API</h1><p>{}</p>\
         <p>For programs: <a href=\"/openapi.json\">openapi.json</a>.</p>",
        prose(&document["info"]["description"]),
    );
    for tag in items(&document["tags"]) {
        push(
            &mut page,
            format_args!(
                "<h2>{}</h2><p>{}</p>",
                text(&tag["name"]),
                prose(&tag["description"])
            ),
        );
        for (path, method, operation) in operations(document) {
            if operation["tags"][0] == tag["name"] {
                push_operation(&mut page, path, method, operation);
            }
        }
    }
    page.push_str("<h2>Shapes</h2>");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        push(
            &mut page,
            format_args!(
                "<section id=\"{0}\"><h3><code>{0}</code></h3>",
                escape(name)
            ),
        );
        push(
            &mut page,
            format_args!("<p>{}</p>", prose(&schema["description"])),
        );
        push_properties(&mut page, schema);
        page.push_str("</section>");
    }
    page
}

fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    entries(&document["paths"]).flat_map(|(path, methods)| {
        entries(methods).map(move |(method, operation)| (path, method, operation))
    })
}

fn push_operation(page: &mut String, path: &str, method: &str, operation: &Value) {
    push(
        page,
        format_args!(
            "<section><h3><b class=\"m\">{method}</b> <code>{}</code></h3>",
            escape(path)
        ),
    );
    push(page, format_args!("<p>{}</p>", text(&operation["summary"])));
    push(
        page,
        format_args!("<p>{}</p>", prose(&operation["description"])),
    );
    let parameters: Vec<_> = items(&operation["parameters"]).collect();
    if !parameters.is_empty() {
        page.push_str("<table><tr><th>Parameter<th>Type<th>Meaning");
        for parameter in parameters {
            push_row(
                page,
                &parameter["name"],
                &parameter["schema"],
                &parameter["description"],
            );
        }
        page.push_str("</table>");
    }
    page.push_str("<table><tr><th>Status<th>Body<th>Meaning");
    for (status, response) in entries(&operation["responses"]) {
        let schema = &response["content"]["application/json"]["schema"];
        push_row(
            page,
            &Value::from(status.as_str()),
            schema,
            &response["description"],
        );
    }
    page.push_str("</table></section>");
}

fn push_properties(page: &mut String, schema: &Value) {
    page.push_str("<table><tr><th>Field<th>Type<th>Meaning");
    let parts = std::iter::once(schema).chain(items(&schema["allOf"]));
    for part in parts {
        if let Some(shape) = reference(part) {
            push(
                page,
                format_args!("<tr><td colspan=\"3\">and the fields of {shape}"),
            );
        }
        for (name, property) in entries(&part["properties"]) {
            push_row(
                page,
                &Value::from(name.as_str()),
                property,
                &property["description"],
            );
        }
    }
    page.push_str("</table>");
}

fn push_row(page: &mut String, name: &Value, schema: &Value, description: &Value) {
    push(
        page,
        format_args!(
            "<tr><td><code>{}</code><td class=\"t\">{}<td>{}",
            text(name),
            type_name(schema),
            prose(description)
        ),
    );
}

fn type_name(schema: &Value) -> String {
    if let Some(shape) = reference(schema) {
        return shape;
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => {
            format!("list of {}", type_name(&schema["items"]))
        }
        Value::String(name) => escape(name),
        Value::Array(names) => names.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ if schema["oneOf"].is_array() => items(&schema["oneOf"])
            .map(type_name)
            .collect::<Vec<_>>()
            .join(" or "),
        _ if schema.is_object() => "any".to_owned(),
        _ => String::new(),
    }
}

fn reference(schema: &Value) -> Option<String> {
    let name = schema["$ref"].as_str()?.rsplit('/').next()?;
    Some(format!("<a href=\"#{0}\">{0}</a>", escape(name)))
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

/// Text in which backquotes mark code.
fn prose(value: &Value) -> String {
    let escaped = text(value);
    let pieces = escaped.split('`').enumerate();
    pieces
        .map(|(index, piece)| match index % 2 {
            0 => piece.replace("\n\n", "<br>"),
            _ => format!("<code>{piece}</code>"),
        })
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn push(page: &mut String, piece: std::fmt::Arguments<'_>) {
    page.write_fmt(piece)
        .expect("writing to a String cannot fail");
}
