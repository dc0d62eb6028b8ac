//! The root of a rollout and its groups as attributes.

use std::collections::BTreeMap;
use std::sync::Arc;

use caribou_model::{Phase, attribute};
use opentelemetry::{Array, StringValue, Value};

use super::Attributes;

/// What a rollout is about; settled when it is opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct RolloutKeys {
    pub(crate) trace_id_text: Option<Arc<str>>,
    pub(crate) phase: Option<Phase>,
    pub(crate) run_id: Option<Arc<str>>,
    pub(crate) step_number: Option<i64>,
    pub(crate) datapoint_id: Option<Arc<str>>,
    pub(crate) sample_index: Option<i64>,
    pub(crate) env_name: Option<Arc<str>>,
    pub(crate) model_name: Option<Arc<str>>,
    pub(crate) grader_name: Option<Arc<str>>,
    pub(crate) policy_version: Option<Arc<str>>,
    pub(crate) user_id: Option<Arc<str>>,
    pub(crate) session_id: Option<Arc<str>>,
    pub(crate) parent_trace_id: Option<Arc<str>>,
    pub(crate) name: Option<Arc<str>>,
}

/// What happened to a rollout or group since it was opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct RolloutState {
    pub(crate) status: Option<String>,
    pub(crate) status_explicit: bool,
    pub(crate) error_type: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) traceback: Option<String>,
    pub(crate) tags: Vec<String>,
    /// Key to JSON value.
    pub(crate) metadata: BTreeMap<String, String>,
}

impl RolloutState {
    fn push_error(&self, attributes: &mut Attributes) {
        attributes.text(attribute::ERROR_TYPE, self.error_type.clone());
        attributes.text(attribute::ERROR_MESSAGE, self.error_message.clone());
        attributes.text(attribute::TRACEBACK, self.traceback.clone());
    }
}

/// Adds what the root of a segment says beyond its identity.
pub(crate) fn rollout_attributes(
    attributes: &mut Attributes,
    keys: &RolloutKeys,
    state: &RolloutState,
) {
    attributes.shared_text(attribute::TRACE_ID_TEXT, keys.trace_id_text.as_ref());
    if let Some(phase) = keys.phase {
        attributes.push(attribute::PHASE, phase.as_str());
    }
    attributes.shared_text(attribute::RUN_ID, keys.run_id.as_ref());
    for (key, number) in [
        (attribute::STEP_NUMBER, keys.step_number),
        (attribute::SAMPLE_INDEX, keys.sample_index),
    ] {
        if let Some(number) = number {
            attributes.push(key, number);
        }
    }
    for (key, text) in [
        (attribute::DATAPOINT_ID, &keys.datapoint_id),
        (attribute::ENV_NAME, &keys.env_name),
        (attribute::MODEL_NAME, &keys.model_name),
        (attribute::GRADER_NAME, &keys.grader_name),
        (attribute::POLICY_VERSION, &keys.policy_version),
        (attribute::USER_ID, &keys.user_id),
        (attribute::SESSION_ID, &keys.session_id),
        (attribute::PARENT_TRACE_ID, &keys.parent_trace_id),
        (attribute::NAME, &keys.name),
    ] {
        attributes.shared_text(key, text.as_ref());
    }
    if let Some(status) = &state.status {
        attributes.push(attribute::ROLLOUT_STATUS, status.clone());
        attributes.push(attribute::ROLLOUT_STATUS_EXPLICIT, state.status_explicit);
    }
    if !state.tags.is_empty() {
        let tags: Vec<StringValue> = state.tags.iter().cloned().map(Into::into).collect();
        attributes.push(attribute::TAGS, Value::Array(Array::String(tags)));
    }
    if !state.metadata.is_empty() {
        attributes.push(attribute::METADATA, json_object(&state.metadata));
    }
    state.push_error(attributes);
}

/// Adds what a group says beyond its identity.
pub(crate) fn group_attributes(attributes: &mut Attributes, name: &Arc<str>, state: &RolloutState) {
    attributes.push(attribute::NAME, StringValue::from(Arc::clone(name)));
    if !state.metadata.is_empty() {
        attributes.push(attribute::ATTRIBUTES, json_object(&state.metadata));
    }
    state.push_error(attributes);
}

impl RolloutState {
    /// Adds metadata that may leave: key to JSON value; a later value replaces an earlier one.
    pub(crate) fn add_metadata(&mut self, entries: Vec<(String, String)>) {
        self.metadata.extend(entries);
    }

    /// Adds tags that may leave and are not there yet.
    pub(crate) fn add_tags(&mut self, tags: Vec<String>) {
        for tag in tags {
            if !self.tags.contains(&tag) {
                self.tags.push(tag);
            }
        }
    }
}

fn json_object(entries: &BTreeMap<String, String>) -> String {
    let mut object = String::from("{");
    for (position, (key, json)) in entries.iter().enumerate() {
        if position > 0 {
            object.push(',');
        }
        object.push_str(&serde_json::Value::from(key.as_str()).to_string());
        object.push(':');
        object.push_str(json);
    }
    object.push('}');
    object
}
