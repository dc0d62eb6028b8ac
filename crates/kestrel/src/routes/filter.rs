//! The parameters that narrow lists, facets and live events down, and those that page through a list.

use caribou_clickhouse::{Paging, TraceFilter, TraceSort, unix_nanos_from_rfc3339};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorCode};

/// Most rows of one page.
const MAX_LIMIT: u32 = 1_000;

/// Rows of a page where nobody says.
const DEFAULT_LIMIT: u32 = 50;

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
    /// Session.
    session_id: Vec<String>,
    /// User.
    user_id: Vec<String>,
    /// `key=value`, or a comparison with a number such as `key>3`; all must hold.
    metadata: Vec<String>,
    /// Lowest score.
    min_score: Option<f64>,
    /// Highest score.
    max_score: Option<f64>,
    /// Started at this time or after it: RFC 3339, or a date.
    from: Option<String>,
    /// Started before this time: RFC 3339, or a date.
    to: Option<String>,
    /// Text to find: words that must all be there, and what stands in double quotes as it is.
    q: Option<String>,
}

impl FilterQuery {
    /// The filter as the store takes it.
    ///
    /// # Errors
    /// When a value cannot be read; the message names its parameter.
    pub(crate) fn into_filter(self) -> Result<TraceFilter, ApiError> {
        let states = self.state.iter().map(|text| text.parse().map_err(invalid));
        let metadata = self.metadata.iter().map(|text| text.parse());
        Ok(TraceFilter {
            state: states.collect::<Result<_, _>>()?,
            metadata: metadata.collect::<Result<_, _>>()?,
            from: time("from", self.from.as_deref())?,
            to: time("to", self.to.as_deref())?,
            model: self.model,
            status: self.status,
            tags: self.tags,
            any_tags: self.any_tags,
            phase: self.phase,
            project: self.project,
            run_id: self.run_id,
            step_number: self.step_number,
            datapoint_id: self.datapoint_id,
            env_name: self.env_name,
            grader_name: self.grader_name,
            session_id: self.session_id,
            user_id: self.user_id,
            min_score: self.min_score,
            max_score: self.max_score,
            q: self.q,
        })
    }
}

fn time(parameter: &str, text: Option<&str>) -> Result<Option<i64>, ApiError> {
    let Some(text) = text else {
        return Ok(None);
    };
    // A plus sign that was not escaped arrives as a space.
    let read =
        unix_nanos_from_rfc3339(text).or_else(|| unix_nanos_from_rfc3339(&text.replace(' ', "+")));
    read.map(Some).ok_or_else(|| {
        invalid(format!(
            "{parameter} must be a time such as 2026-11-21T08:30:00Z or a date such as 2026-11-21, not {text:?}"
        ))
    })
}

fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorCode::InvalidParameter, message)
}

/// Which page of a list, in which order.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(crate) struct PageQuery {
    /// How many, 1 to 1000.
    #[param(default = 50, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// What to sort by, with `-` in front for largest first; `-started_at` where not given.
    sort: Option<String>,
    /// Whether to count the whole list.
    count: Option<bool>,
}

impl PageQuery {
    /// The page as the store takes it.
    ///
    /// # Errors
    /// When the sort is unknown.
    pub(crate) fn into_paging(self) -> Result<Paging, ApiError> {
        let sort = self.sort.as_deref().map(str::parse::<TraceSort>);
        Ok(Paging {
            limit: self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT),
            cursor: self.cursor,
            sort: sort.transpose()?.unwrap_or_default(),
            with_total: self.count.unwrap_or(false),
        })
    }
}
