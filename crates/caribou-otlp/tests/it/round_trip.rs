//! What the SDK encodes is what the server decodes, and what the official crates read.

use caribou_model::attribute;
use caribou_model::{Cost, ItemType, Payload, UsageScope};
use caribou_otlp::encode::{Envelope, encode_span};
use caribou_otlp::{Defaults, decode_protobuf};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;

use crate::support::span_data;

fn request(attributes: Vec<KeyValue>) -> Vec<u8> {
    let mut span = Vec::new();
    encode_span(&span_data(attributes), &mut span);
    let resource = Resource::builder_empty()
        .with_attribute(KeyValue::new("service.name", "demo"))
        .build();
    let scope = InstrumentationScope::builder("caribou")
        .with_version("0.1.0")
        .build();
    Envelope::new(&resource, &scope).request(&[span])
}

#[test]
fn a_message_of_the_sdk_becomes_the_fields_it_was_logged_with() {
    let tags = Value::Array(Array::String(vec![StringValue::from("a"), "b".into()]));
    let body = request(vec![
        KeyValue::new(attribute::PROJECT, "p"),
        KeyValue::new(attribute::ITEM_TYPE, "message"),
        KeyValue::new(attribute::SPAN_KIND, "message"),
        KeyValue::new(attribute::REVISION, 42),
        KeyValue::new(attribute::ROLE, "assistant"),
        KeyValue::new(attribute::CONTENT, "grüß dich"),
        KeyValue::new(attribute::INPUT_TOKENS, 12),
        KeyValue::new(attribute::COST_PICO_USD, 2_000_000),
        KeyValue::new(attribute::TAGS, tags),
    ]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    let span = &decoded.spans[0];
    assert_eq!(span.project, "p");
    assert_eq!(span.item_type, ItemType::Message);
    assert_eq!(span.revision, 42);
    assert_eq!(span.role, "assistant");
    assert_eq!(span.content, Payload::Text("grüß dich".into()));
    assert_eq!(span.input_tokens, Some(12));
    assert_eq!(span.cost, Some(Cost::from_pico_usd(2_000_000)));
    assert_eq!(span.usage_scope, UsageScope::Agent);
    assert_eq!(span.tags, ["a", "b"]);
    assert_eq!(span.resource, r#"{"service.name":"demo"}"#);
    assert_eq!(span.scope_name, "caribou");
    assert_eq!(span.duration_ns, None);
    assert_eq!(span.attributes, "");
}
