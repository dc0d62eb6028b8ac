//! The OpenAPI document describes the server.

use std::collections::BTreeSet;

use crate::support::server;

#[test]
fn every_route_of_the_document_is_served_and_every_served_route_is_in_it() {
    let server = server();
    let document = server.get_json("/openapi.json");
    let described: BTreeSet<&str> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let expected = BTreeSet::from([
        "/api/public/otel/v1/traces",
        "/api/v1/facets",
        "/api/v1/images",
        "/api/v1/images/{hash}",
        "/api/v1/live",
        "/api/v1/projects",
        "/api/v1/traces",
        "/api/v1/traces/{trace_id}",
        "/api/v1/traces/{trace_id}/outline",
        "/api/v1/traces/{trace_id}/search",
        "/api/v1/traces/{trace_id}/spans",
        "/docs",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/readyz",
        "/v1/traces",
    ]);
    assert_eq!(described, expected);
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            assert!(operation["summary"].is_string(), "{operation}");
            assert!(operation["tags"][0].is_string(), "{operation}");
        }
    }
}

#[test]
fn the_readable_page_names_every_route_and_needs_nothing_from_elsewhere() {
    let page = server().get("/docs").text();
    for path in [
        "/v1/traces",
        "/api/v1/traces/{trace_id}/spans",
        "min_score",
        "TraceSummary",
    ] {
        assert!(page.contains(path), "{path}");
    }
    assert!(!page.contains("<script") && !page.contains("https://"));
}
