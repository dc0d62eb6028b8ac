//! Whether a summary passes a filter, as the store's SQL would decide it.
//!
//! What a summary does not hold (metadata, full text) is left to the store: see [`needs_store`].

use caribou_clickhouse::{TraceFilter, unix_nanos_from_rfc3339};
use caribou_model::RolloutStatus;
use caribou_model::api::TraceSummary;

/// True where a summary alone cannot tell whether it passes.
pub(super) fn needs_store(filter: &TraceFilter) -> bool {
    !filter.metadata.is_empty()
        || filter
            .q
            .as_deref()
            .is_some_and(|text| !text.trim().is_empty())
}

/// Whether a summary passes everything of a filter but metadata and full text.
pub(super) fn passes(filter: &TraceFilter, trace: &TraceSummary) -> bool {
    texts_pass(filter, trace) && states_pass(filter, trace) && ranges_pass(filter, trace)
}

fn texts_pass(filter: &TraceFilter, trace: &TraceSummary) -> bool {
    let project = Some(trace.project.clone());
    let columns = [
        (&filter.phase, &trace.phase),
        (&filter.project, &project),
        (&filter.run_id, &trace.run_id),
        (&filter.datapoint_id, &trace.datapoint_id),
        (&filter.env_name, &trace.env_name),
        (&filter.grader_name, &trace.grader_name),
        (&filter.session_id, &trace.session_id),
        (&filter.user_id, &trace.user_id),
    ];
    let named = |wanted: &[String], value: &Option<String>| {
        wanted.is_empty() || value.as_ref().is_some_and(|value| wanted.contains(value))
    };
    columns
        .into_iter()
        .all(|(wanted, value)| named(wanted, value))
        && (named(&filter.model, &trace.model_name) || any_of(&filter.model, &trace.models))
        && filter.tags.iter().all(|tag| trace.tags.contains(tag))
        && (filter.any_tags.is_empty() || any_of(&filter.any_tags, &trace.tags))
}

fn any_of(wanted: &[String], values: &[String]) -> bool {
    wanted.iter().any(|value| values.contains(value))
}

fn states_pass(filter: &TraceFilter, trace: &TraceSummary) -> bool {
    let status = trace.status_text.as_ref().unwrap_or(&trace.status);
    let status_passes = |wanted: &String| match wanted.parse::<RolloutStatus>() {
        Ok(known) => known.as_str() == status,
        Err(_) => wanted == status,
    };
    let step_passes = |step: i64| filter.step_number.contains(&step);
    (filter.status.is_empty() || filter.status.iter().any(status_passes))
        && (filter.state.is_empty()
            || filter
                .state
                .iter()
                .any(|state| state.as_str() == trace.state))
        && (filter.step_number.is_empty() || trace.step_number.is_some_and(step_passes))
}

fn ranges_pass(filter: &TraceFilter, trace: &TraceSummary) -> bool {
    let started = unix_nanos_from_rfc3339(&trace.started_at);
    let score_passes = |bound: Option<f64>, passes: fn(f64, f64) -> bool| {
        bound.is_none_or(|bound| trace.score.is_some_and(|score| passes(score, bound)))
    };
    score_passes(filter.min_score, |score, bound| score >= bound)
        && score_passes(filter.max_score, |score, bound| score <= bound)
        && filter
            .from
            .is_none_or(|from| started.is_some_and(|started| started >= from))
        && filter
            .to
            .is_none_or(|to| started.is_some_and(|started| started < to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace() -> TraceSummary {
        TraceSummary {
            project: "demo".to_owned(),
            status: "COMPLETED".to_owned(),
            state: "ended".to_owned(),
            model_name: Some("policy-7".to_owned()),
            models: vec!["gpt-4o".to_owned()],
            tags: vec!["a".to_owned(), "b".to_owned()],
            step_number: Some(3),
            score: Some(0.5),
            started_at: "2026-11-21T00:00:00.000000000Z".to_owned(),
            ..TraceSummary::default()
        }
    }

    fn filter(change: impl Fn(&mut TraceFilter)) -> bool {
        let mut filter = TraceFilter::default();
        change(&mut filter);
        passes(&filter, &trace())
    }

    #[test]
    fn every_field_that_a_summary_holds_narrows_down() {
        let texts = |text: &str| vec![text.to_owned()];
        assert!(filter(|_| {}));
        assert!(filter(|it| it.model = texts("gpt-4o")));
        assert!(filter(|it| it.model = texts("policy-7")));
        assert!(!filter(|it| it.model = texts("gpt-5")));
        assert!(filter(|it| it.status = texts("Success")));
        assert!(!filter(|it| it.status = texts("error")));
        assert!(filter(|it| it.tags = vec!["a".to_owned(), "b".to_owned()]));
        assert!(!filter(|it| it.tags = vec!["a".to_owned(), "c".to_owned()]));
        assert!(filter(
            |it| it.any_tags = vec!["c".to_owned(), "b".to_owned()]
        ));
        assert!(!filter(|it| it.phase = texts("train")));
        assert!(filter(|it| it.step_number = vec![3]));
        assert!(!filter(|it| it.min_score = Some(0.6)));
        assert!(filter(|it| it.max_score = Some(0.5)));
        assert!(!filter(|it| it.from = unix_nanos_from_rfc3339("2026-11-22")));
        assert!(filter(|it| it.to = unix_nanos_from_rfc3339("2026-11-22")));
    }
}
