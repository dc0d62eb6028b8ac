//! What follows from everything that the dialects found together.

use std::borrow::Cow;

use caribou_model::{ItemType, Payload, SpanRecord, UsageScope};

use crate::dialect::chat::ChatMessage;
use crate::dialect::draft::Draft;
use crate::span_json::{events_json, json_object};
use crate::value::Value;

/// Completes a record, and gives back the grades that the span carried.
pub(super) fn finish<'a>(mut draft: Draft<'_, 'a>) -> Vec<SpanRecord<'a>> {
    settle_item_type(&mut draft);
    settle_tokens(&mut draft);
    settle_messages(&mut draft);
    draft.record.metadata = Cow::Owned(json_object(&draft.metadata));
    draft.record.attributes = Cow::Owned(draft.attributes.into_json());
    draft.record.span_events = Cow::Owned(events_json(&draft.events));
    let scores = draft.scores.into_iter().enumerate();
    scores
        .map(|(index, score)| score.into_grade(index, draft.record, draft.target))
        .collect()
}

/// A span that speaks of a model and of nothing else is a call of it. Only calls count in sums: agents, chains and
/// tools repeat what the calls within them used.
fn settle_item_type(draft: &mut Draft<'_, '_>) {
    let speaks_of_model =
        !draft.record.model.is_empty() || !draft.input.is_empty() || !draft.output.is_empty();
    let fallback = if speaks_of_model {
        ItemType::ModelCall
    } else {
        ItemType::Otel
    };
    let item_type = draft.item_type.unwrap_or(fallback);
    draft.record.item_type = item_type;
    draft.record.usage_scope = match item_type {
        ItemType::ModelCall => UsageScope::Agent,
        _ => UsageScope::None,
    };
}

/// Input tokens include cached ones. Anthropic's own number does not, and some instrumentations pass it on: that is
/// certain where more came from the cache than was read in all, or where only the sum with the cache gives the total.
fn settle_tokens(draft: &mut Draft<'_, '_>) {
    let cached = draft.record.cached_input_tokens.unwrap_or_default();
    let through_cache = cached.saturating_add(draft.cache_write_tokens.unwrap_or_default());
    let Some(input) = &mut draft.record.input_tokens else {
        return;
    };
    let output = draft.record.output_tokens.unwrap_or_default();
    let sum = input.saturating_add(output).saturating_add(through_cache);
    let is_exclusive = *input < through_cache || draft.total_tokens == Some(sum);
    if is_exclusive {
        *input = input.saturating_add(through_cache);
    }
}

fn settle_messages(draft: &mut Draft<'_, '_>) {
    let has_system = draft
        .input
        .first()
        .is_some_and(|message| message.role == "system");
    let mut input = std::mem::take(&mut draft.input);
    if !draft.system.is_empty() && !has_system {
        input.splice(..0, draft.system.drain(..));
    }
    if draft.record.finish_reason.is_empty() {
        draft.record.finish_reason = finish_reasons(&draft.output);
    }
    if !input.is_empty() {
        draft.record.input = json_of(input);
    }
    if !draft.output.is_empty() {
        draft.record.output = json_of(std::mem::take(&mut draft.output));
    }
}

fn finish_reasons<'a>(output: &[ChatMessage<'a>]) -> Cow<'a, str> {
    let mut reasons = output
        .iter()
        .filter_map(|message| message.finish_reason.as_ref());
    let Some(first) = reasons.next() else {
        return Cow::Borrowed("");
    };
    reasons.fold(first.clone(), |all, reason| {
        Cow::Owned(format!("{all},{reason}"))
    })
}

fn json_of<'a>(messages: Vec<ChatMessage<'_>>) -> Payload<'a> {
    let messages = messages.into_iter().map(ChatMessage::into_value).collect();
    Payload::Json(Cow::Owned(Value::List(messages).to_json()))
}
