//! Which project a span goes to.

use caribou_model::attribute as key;
use caribou_otlp::{Defaults, decode_protobuf};

use crate::support::{request_with_resource, text_attribute, wire_span};

fn project(attribute: Option<&str>, resource: &[(&str, &str)], defaults: Defaults<'_>) -> String {
    let mut span = wire_span(1);
    span.attributes
        .extend(attribute.map(|project| text_attribute(key::PROJECT, project)));
    let body = request_with_resource(vec![span], resource);
    let decoded = decode_protobuf(&body, &defaults).unwrap();
    decoded.spans[0].project.clone().into_owned()
}

#[test]
fn the_most_explicit_name_wins() {
    let all = [
        (key::PROJECT, "resource"),
        ("openinference.project.name", "phoenix"),
        ("service.name", "service"),
    ];
    let defaults = Defaults::default();
    assert_eq!(project(Some("span"), &all, defaults), "span");
    assert_eq!(project(None, &all, defaults), "resource");
    assert_eq!(project(None, &all[1..], defaults), "phoenix");
    assert_eq!(project(None, &all[2..], defaults), "service");
    assert_eq!(project(Some(""), &all[2..], defaults), "service");
    assert_eq!(project(None, &[], defaults), "default");
}

#[test]
fn an_unknown_service_names_no_project() {
    let resource = [("service.name", "unknown_service:python")];
    assert_eq!(project(None, &resource, Defaults::default()), "default");
}

#[test]
fn the_project_of_a_key_overrides_the_payload() {
    let defaults = Defaults {
        forced_project: Some("forced"),
        ..Defaults::default()
    };
    assert_eq!(project(Some("span"), &[], defaults), "forced");
}
