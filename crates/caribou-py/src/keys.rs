//! The keys of `trace_run`.

use caribou::{Meta, Phase};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{Field, text};
use crate::runtime::report_value;

const KNOWN: [&str; 15] = [
    "datapoint_id",
    "phase",
    "run_id",
    "step_number",
    "env_name",
    "model_name",
    "grader_name",
    "trace_id",
    "sample_index",
    "policy_version",
    "user_id",
    "session_id",
    "parent_trace_id",
    "name",
    "started_at",
];

/// Reads the keys; an unknown key, an unknown phase and the absence of `datapoint_id` are a `ValueError`.
pub(crate) fn meta_from(keys: &Bound<'_, PyDict>) -> PyResult<Meta> {
    let mut meta = Meta::default();
    let mut datapoint_given = false;
    for (key, value) in keys.iter() {
        let key = text(&key)?;
        let Some(&name) = KNOWN.iter().find(|known| **known == key) else {
            return Err(unknown(&key));
        };
        datapoint_given |= name == "datapoint_id";
        set(&mut meta, name, &value)?;
    }
    if !datapoint_given {
        return Err(PyValueError::new_err(
            "trace_run needs a datapoint_id: the input that the rollout answers, such as a request id or a task's name",
        ));
    }
    Ok(meta)
}

fn set(meta: &mut Meta, name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    if value.is_none() {
        if name == "phase" {
            report_value(
                "trace_run was given the phase None; the configured one is used".to_owned(),
            )?;
        }
        return Ok(());
    }
    let field = Field {
        class: "trace_run",
        name,
        value,
    };
    match name {
        "datapoint_id" => meta.datapoint_id = field.text()?,
        "phase" => meta.phase = phase(&field.text()?)?,
        "step_number" => meta.step_number = field.whole()?,
        "sample_index" => meta.sample_index = field.whole()?,
        "started_at" => meta.started_at_unix_nanos = field.moment()?,
        "run_id" => meta.run_id = Some(field.text()?),
        "env_name" => meta.env_name = Some(field.text()?),
        "model_name" => meta.model_name = Some(field.text()?),
        "grader_name" => meta.grader_name = Some(field.text()?),
        "trace_id" => meta.trace_id = Some(field.text()?),
        "policy_version" => meta.policy_version = Some(field.text()?),
        "user_id" => meta.user_id = Some(field.text()?),
        "session_id" => meta.session_id = Some(field.text()?),
        "parent_trace_id" => meta.parent_trace_id = Some(field.text()?),
        _ => meta.name = Some(field.text()?),
    }
    Ok(())
}

fn phase(text: &str) -> PyResult<Option<Phase>> {
    if text.is_empty() {
        report_value("trace_run was given an empty phase; the configured one is used".to_owned())?;
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|error: caribou_model::UnknownPhase| PyValueError::new_err(error.to_string()))
}

fn unknown(key: &str) -> PyErr {
    let nearest = KNOWN
        .iter()
        // A name cut short is the likeliest mistake, however long the rest.
        .min_by_key(|known| {
            if known.starts_with(key) {
                1
            } else {
                distance(key, known)
            }
        })
        .copied()
        .unwrap_or_default();
    PyValueError::new_err(format!(
        "trace_run does not know the key {key:?}: did you mean {nearest:?}? Known are {}. \
         Anything else belongs into add_meta()",
        KNOWN.join(", ")
    ))
}

/// How many insertions, deletions and replacements lie between two texts.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, from_char) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, to_char) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from_char != *to_char);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
