//! Grades as Langfuse's scores.

use caribou_model::{SpanId, SpanRecord};
use serde_json::{Map, Value, json};

use super::trace_wide::TraceWide;
use crate::clock::rfc3339_from_unix_nanos;

/// One score: the body of a request. The same grade gives the same id every time, so sending it again changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Score {
    pub(super) body: Value,
}

/// The score of a grade, then those of its criteria. What has no finite number has no score.
pub(super) fn scores_from_grade(
    grade: &SpanRecord<'_>,
    root: SpanId,
    trace_wide: &TraceWide,
) -> Vec<Score> {
    let name = if grade.grader_name.is_empty() {
        "grade"
    } else {
        &grade.grader_name
    };
    let score = |suffix: &str, name: &str, value: f64, comment: &str, metadata: Value| Score {
        body: json!({
            "id": format!("{}-{}{suffix}", grade.trace_id, grade.span_id),
            "timestamp": rfc3339_from_unix_nanos(grade.logged_at),
            "traceId": grade.trace_id.to_string(),
            "observationId": root.to_string(),
            "name": name,
            "value": value,
            "dataType": "NUMERIC",
            "comment": (!comment.is_empty()).then_some(comment),
            "environment": (!trace_wide.environment.is_empty()).then_some(&trace_wide.environment),
            "metadata": metadata,
        }),
    };
    let mut scores = Vec::new();
    if let Some(value) = grade.score.filter(|value| value.is_finite()) {
        let counts = json!({
            "passed_count": grade.passed_count,
            "total_count": grade.total_count,
            "grader_version": (!grade.grader_version.is_empty()).then_some(&grade.grader_version),
        });
        scores.push(score("", name, value, &grade.reasoning, counts));
    }
    let criteria: Vec<Map<String, Value>> =
        serde_json::from_str(&grade.criteria).unwrap_or_default();
    for (index, criterion) in criteria.iter().enumerate() {
        let text = |key: &str| criterion.get(key).and_then(Value::as_str);
        let passed = criterion.get("passed").and_then(Value::as_bool);
        let value = criterion
            .get("score")
            .and_then(Value::as_f64)
            .or_else(|| passed.map(|passed| f64::from(u8::from(passed))));
        if let Some(value) = value.filter(|value| value.is_finite()) {
            let criterion_name = format!("{name}/{}", text("type").unwrap_or("criterion"));
            let comment = text("reasoning")
                .or_else(|| text("reason"))
                .unwrap_or_default();
            let metadata = Value::Object(criterion.clone());
            scores.push(score(
                &format!("-{index}"),
                &criterion_name,
                value,
                comment,
                metadata,
            ));
        }
    }
    scores
}
