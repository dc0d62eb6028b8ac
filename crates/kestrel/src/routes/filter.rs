//! The filters of lists, facets and live events.

use serde::Deserialize;
use utoipa::IntoParams;

/// Which rollouts.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct FilterQuery {
    /// `model_name`, or any of `models`.
    model: Vec<String>,
    /// Status, in any case; `success` is COMPLETED, `running` is PENDING, any other text is compared with `status_text`.
    status: Vec<String>,
    /// `running`, `ended` or `lost`.
    state: Vec<String>,
    /// Tags that must all be there.
    tags: Vec<String>,
    /// Tags of which one must be there.
    any_tags: Vec<String>,
    /// `train`, `eval` or `prod`.
    phase: Vec<String>,
    /// Project.
    project: Vec<String>,
    /// Run.
    run_id: Vec<String>,
    /// Step of the run.
    step_number: Vec<i64>,
    /// Datapoint.
    datapoint_id: Vec<String>,
    /// Environment.
    env_name: Vec<String>,
    /// Grader.
    grader_name: Vec<String>,
    /// `key=value`, or `key>value` and the like for numbers; all must hold.
    metadata: Vec<String>,
    /// Lowest score.
    min_score: Option<f64>,
    /// Highest score.
    max_score: Option<f64>,
    /// Start of the rollout, RFC 3339, from here on.
    from: Option<String>,
    /// Start of the rollout, RFC 3339, before this.
    to: Option<String>,
    /// Text that its messages, tool inputs or outputs hold.
    q: Option<String>,
}

impl FilterQuery {
    pub(crate) fn to_store(&self) -> Result<(), crate::error::ApiError> {
        Ok(())
    }
}
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(crate) struct ListQuery {
    limit: Option<u32>,
}
impl ListQuery {
    pub(crate) fn page(&self) -> Result<(), crate::error::ApiError> {
        Ok(())
    }
    pub(crate) fn into_filter(self) -> Result<FilterQuery, crate::error::ApiError> {
        Ok(FilterQuery::default())
    }
}
