//! What several conventions say alike: input and output of whatever ran, session, user, tags.

use caribou_model::{ItemType, Payload};

use crate::dialect::Dialect;
use crate::dialect::draft::{Draft, payload_of_json_text};

pub(super) const DIALECT: Dialect = Dialect {
    recognises: |_| true,
    apply,
};

fn apply(draft: &mut Draft<'_, '_>) {
    if draft.item_type == Some(ItemType::ModelCall) {
        draft.fill_input_messages("input.value");
        draft.fill_output_messages("output.value");
    }
    draft.fill_input(&["input.value"]);
    draft.fill_output(&["output.value"]);
    fill_entity(draft);
    draft.fill_input(&["input"]);
    draft.fill_output(&["output"]);
    apply_mime_types(draft);
    draft.fill_text(|record| &mut record.session_id, &["session.id"]);
    draft.fill_text(|record| &mut record.user_id, &["user.id", "enduser.id"]);
    draft.add_tags(&["tag.tags"]);
}

/// What Traceloop's decorators write is always JSON.
fn fill_entity(draft: &mut Draft<'_, '_>) {
    if !draft.has_input()
        && let Some(value) = draft.attributes.take("traceloop.entity.input")
    {
        draft.record.input = payload_of_json_text(value);
    }
    if !draft.has_output()
        && let Some(value) = draft.attributes.take("traceloop.entity.output")
    {
        draft.record.output = payload_of_json_text(value);
    }
}

/// Text that was said to be plain is not JSON, even where it looks so; a type that the form tells anyway is dropped.
fn apply_mime_types(draft: &mut Draft<'_, '_>) {
    for (key, of_input) in [("input.mime_type", true), ("output.mime_type", false)] {
        let Some(mime_type) = draft.attributes.get_str(key) else {
            continue;
        };
        let is_plain = mime_type == "text/plain";
        let is_usual = is_plain || mime_type == "application/json";
        let payload = if of_input {
            &mut draft.record.input
        } else {
            &mut draft.record.output
        };
        if is_plain && let Payload::Json(text) = payload {
            *payload = Payload::Text(std::mem::take(text));
        }
        if is_usual {
            draft.attributes.take(key);
        }
    }
}
