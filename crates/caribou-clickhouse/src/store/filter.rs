//! Which rollouts a list, a count or a facet is about.

use std::str::FromStr;

use caribou_model::{RolloutState, RolloutStatus};

use super::search::SearchText;
use super::statement::Statement;
use super::{Result, StoreError};

/// Which rollouts; what is empty does not restrict.
///
/// Values of one field are alternatives, except `tags` and `metadata`, which must all hold; fields restrict each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceFilter {
    /// `model_name`, or any of `models`.
    pub model: Vec<String>,
    /// A status in any case, or Carrot's words; any other text is compared with `status_text`.
    pub status: Vec<String>,
    /// Whether it is still going on.
    pub state: Vec<RolloutState>,
    /// Tags that must all be there.
    pub tags: Vec<String>,
    /// Tags of which one must be there.
    pub any_tags: Vec<String>,
    /// `train`, `eval` or `prod`.
    pub phase: Vec<String>,
    /// Project.
    pub project: Vec<String>,
    /// Run.
    pub run_id: Vec<String>,
    /// Step of the run.
    pub step_number: Vec<i64>,
    /// Datapoint.
    pub datapoint_id: Vec<String>,
    /// Environment.
    pub env_name: Vec<String>,
    /// Grader.
    pub grader_name: Vec<String>,
    /// Session.
    pub session_id: Vec<String>,
    /// User.
    pub user_id: Vec<String>,
    /// Lowest score.
    pub min_score: Option<f64>,
    /// Highest score.
    pub max_score: Option<f64>,
    /// Started at or after this, in nanoseconds since 1970.
    pub from: Option<i64>,
    /// Started before this, in nanoseconds since 1970.
    pub to: Option<i64>,
    /// Conditions on metadata, which must all hold.
    pub metadata: Vec<MetadataCondition>,
    /// Text to find: whole words that must all be there; what stands in double quotes as it stands.
    pub q: Option<String>,
}

/// How a metadata value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`: as text, or as a number where both are one.
    Equal,
    /// `!=`: the key is there with another value.
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Comparison {
    const fn operator(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }
}

/// A condition on one metadata key: `key=value`, `key!=value`, `key>1`, `key>=1`, `key<1`, `key<=1`.
///
/// ```
/// use caribou_clickhouse::{Comparison, MetadataCondition};
///
/// let condition: MetadataCondition = "lines>=40".parse()?;
/// assert_eq!(condition.comparison, Comparison::GreaterOrEqual);
/// assert_eq!((&*condition.key, &*condition.value), ("lines", "40"));
/// # Ok::<(), caribou_clickhouse::StoreError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataCondition {
    /// The key.
    pub key: String,
    /// How its value is compared.
    pub comparison: Comparison,
    /// With what: a number for the ordering ones.
    pub value: String,
}

impl FromStr for MetadataCondition {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |problem: &str| {
            StoreError::InvalidQuery(format!(
                "metadata must be `key=value` or `key>number`, not {text:?}: {problem}"
            ))
        };
        let at = text
            .find(['=', '>', '<', '!'])
            .ok_or_else(|| wrong("there is no comparison"))?;
        let (key, rest) = text.split_at(at);
        let (comparison, value) = [
            ("!=", Comparison::NotEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<=", Comparison::LessOrEqual),
            ("=", Comparison::Equal),
            (">", Comparison::Greater),
            ("<", Comparison::Less),
        ]
        .into_iter()
        .find_map(|(operator, comparison)| Some((comparison, rest.strip_prefix(operator)?)))
        .ok_or_else(|| wrong("there is no comparison"))?;
        if key.is_empty() {
            return Err(wrong("there is no key"));
        }
        let ordering = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if ordering && finite(value).is_none() {
            return Err(wrong("only numbers have an order"));
        }
        Ok(Self {
            key: key.to_owned(),
            comparison,
            value: value.to_owned(),
        })
    }
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

impl MetadataCondition {
    /// The condition on a row of `entity_metadata`.
    fn row_condition(&self) -> Statement {
        let mut sql = Statement::new("entity_type = 'trace' AND key = ? AND ");
        sql.bind(&*self.key).push_statement(&self.value_condition());
        sql
    }

    fn value_condition(&self) -> Statement {
        let operator = self.comparison.operator();
        let mut sql = Statement::default();
        match (finite(&self.value), self.comparison) {
            (Some(number), Comparison::Equal) => sql
                .push("(value = ? OR value_number = ?)")
                .bind(&*self.value)
                .bind(number),
            (Some(number), Comparison::NotEqual) => sql
                .push("(value != ? AND (value_number IS NULL OR value_number != ?))")
                .bind(&*self.value)
                .bind(number),
            (Some(number), _) => sql.push(&format!("value_number {operator} ?")).bind(number),
            (None, _) => sql.push(&format!("value {operator} ?")).bind(&*self.value),
        };
        sql
    }
}

/// A field of the filter that facets count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Field {
    Model,
    Status,
    State,
    Tags,
    Phase,
    Project,
    RunId,
    EnvName,
    GraderName,
}

impl TraceFilter {
    /// This filter without what it says about one field.
    pub(super) fn without(&self, field: Field) -> Self {
        let mut filter = self.clone();
        match field {
            Field::Model => filter.model.clear(),
            Field::Status => filter.status.clear(),
            Field::State => filter.state.clear(),
            Field::Tags => {
                // Tags must all be there: further ones are counted within those already chosen.
                filter.any_tags.clear();
            }
            Field::Phase => filter.phase.clear(),
            Field::Project => filter.project.clear(),
            Field::RunId => filter.run_id.clear(),
            Field::EnvName => filter.env_name.clear(),
            Field::GraderName => filter.grader_name.clear(),
        }
        filter
    }

    /// The condition on a row of `traces`, lookups in other tables included; true where nothing restricts.
    pub(super) fn condition(&self) -> Statement {
        let mut sql = self.column_condition();
        for lookup in self.lookups() {
            sql.push(" AND (project, trace_id) IN (")
                .push_statement(&lookup.ids(self))
                .push(")");
        }
        sql
    }

    /// The part of the condition that the columns of `traces` answer.
    pub(super) fn column_condition(&self) -> Statement {
        let mut sql = self.bounds();
        self.push_texts(&mut sql);
        self.push_states(&mut sql);
        self.push_scores(&mut sql);
        sql
    }

    /// Whether it may let a good part of all rollouts through: it names no run, datapoint, session or user, and does not
    /// ask for the few that are going on.
    pub(super) fn is_broad(&self) -> bool {
        let named = [
            &self.run_id,
            &self.datapoint_id,
            &self.session_id,
            &self.user_id,
        ];
        let anywhere = named.iter().all(|values| values.is_empty()) && self.step_number.is_empty();
        anywhere && (self.state.is_empty() || self.state.contains(&RolloutState::Ended))
    }

    /// Whether it says when they started.
    pub(super) const fn is_timed(&self) -> bool {
        self.from.is_some() || self.to.is_some()
    }

    /// The part of the condition that keys and the index on starts answer at once: projects and times.
    pub(super) fn bounds(&self) -> Statement {
        let mut sql = Statement::new("true");
        if !self.project.is_empty() {
            sql.push(" AND project IN ?").bind(self.project.clone());
        }
        if let Some(from) = self.from {
            sql.push(" AND started_at >= fromUnixTimestamp64Nano(toInt64(?), 'UTC')")
                .bind(from);
        }
        if let Some(to) = self.to {
            sql.push(" AND started_at < fromUnixTimestamp64Nano(toInt64(?), 'UTC')")
                .bind(to);
        }
        sql
    }

    /// Whether all that other tables answer is about metadata.
    pub(super) fn asks_metadata_alone(&self) -> bool {
        let mut lookups = self.lookups().into_iter();
        lookups.all(|lookup| matches!(lookup, Lookup::Metadata(_)))
    }

    /// The part of the condition that other tables answer.
    pub(super) fn lookups(&self) -> Vec<Lookup<'_>> {
        let text = self.q.as_deref().filter(|text| !text.trim().is_empty());
        self.metadata
            .iter()
            .map(Lookup::Metadata)
            .chain(text.map(Lookup::Text))
            .collect()
    }

    fn push_texts(&self, sql: &mut Statement) {
        let columns = [
            (&self.phase, " AND phase IN ?"),
            (&self.run_id, " AND run_id IN ?"),
            (&self.datapoint_id, " AND datapoint_id IN ?"),
            (&self.env_name, " AND env_name IN ?"),
            (&self.grader_name, " AND grader_name IN ?"),
            (&self.session_id, " AND session_id IN ?"),
            (&self.user_id, " AND user_id IN ?"),
        ];
        for (values, condition) in columns {
            if !values.is_empty() {
                sql.push(condition).bind(values.clone());
            }
        }
        for tag in &self.tags {
            sql.push(" AND has(tags, ?)").bind(&**tag);
        }
        if !self.any_tags.is_empty() {
            sql.push(" AND ")
                .push_statement(&holds_any("tags", &self.any_tags));
        }
        if !self.model.is_empty() {
            sql.push(" AND (")
                .push_statement(&holds_any("models", &self.model))
                .push(" OR model_name IN ?)")
                .bind(self.model.clone());
        }
        if !self.step_number.is_empty() {
            sql.push(" AND step_number IN ?")
                .bind(self.step_number.clone());
        }
    }

    fn push_states(&self, sql: &mut Statement) {
        if !self.status.is_empty() {
            sql.push(" AND ").push_statement(&self.status_condition());
        }
        if !self.state.is_empty() {
            let wanted: Vec<String> = self
                .state
                .iter()
                .map(|state| state.as_str().to_owned())
                .collect();
            sql.push(" AND ").push(STATE).push(" IN ?").bind(wanted);
        }
    }

    /// On the bare columns: an expression over both of every row takes twice as long.
    fn status_condition(&self) -> Statement {
        let (mut known, mut others) = (Vec::new(), Vec::new());
        for text in &self.status {
            match text.parse::<RolloutStatus>() {
                Ok(status) => known.push(status.as_str().to_owned()),
                Err(_) if text.is_empty() => {}
                Err(_) => others.push(text.clone()),
            }
        }
        let mut sql = Statement::default();
        let is_known = "(status IN ? AND status_text = '')";
        match (known.is_empty(), others.is_empty()) {
            (false, true) => sql.push(is_known).bind(known),
            (true, false) => sql.push("status_text IN ?").bind(others),
            (false, false) => sql
                .push(&format!("({is_known} OR status_text IN ?)"))
                .bind(known)
                .bind(others),
            (true, true) => sql.push("false"),
        };
        sql
    }

    fn push_scores(&self, sql: &mut Statement) {
        if let Some(score) = self.min_score {
            sql.push(" AND score >= ?").bind(score);
        }
        if let Some(score) = self.max_score {
            sql.push(" AND score <= ?").bind(score);
        }
    }
}

/// The condition of an array column holding one of some values; a few are found faster one by one.
fn holds_any(column: &'static str, values: &[String]) -> Statement {
    let mut sql = Statement::default();
    if values.len() > FEW_VALUES {
        sql.push(&format!("hasAny({column}, ?)"))
            .bind(values.to_vec());
        return sql;
    }
    sql.push("(");
    for (place, value) in values.iter().enumerate() {
        sql.push(if place > 0 { " OR " } else { "" })
            .push(&format!("has({column}, ?)"))
            .bind(&**value);
    }
    sql.push(")").to_owned()
}

/// A condition that another table answers with ids.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lookup<'f> {
    Metadata(&'f MetadataCondition),
    Text(&'f str),
}

impl Lookup<'_> {
    /// The ids of all traces that may hold, as (project, trace id); some by what has been replaced since.
    pub(super) fn ids(self, filter: &TraceFilter) -> Statement {
        let mut restriction = Statement::default();
        if !filter.project.is_empty() {
            restriction
                .push(" AND project IN ?")
                .bind(filter.project.clone());
        }
        let mut sql = Statement::default();
        match self {
            Self::Metadata(condition) => {
                sql.push("SELECT project, entity_id FROM entity_metadata WHERE ")
                    .push_statement(&condition.row_condition())
                    .push_statement(&restriction);
            }
            Self::Text(text) => {
                sql.push("SELECT project, trace_id FROM spans WHERE ")
                    .push_statement(&SearchText::new(text).span_condition())
                    .push_statement(&restriction)
                    .push(" UNION ALL ")
                    .push_statement(&SearchText::named(text, &restriction));
            }
        }
        sql
    }

    /// Those of the given ids that hold, by the newest rows where it can be told.
    pub(super) fn ids_among(self, ids: Vec<(String, String)>) -> Statement {
        let mut sql = Statement::default();
        match self {
            Self::Metadata(condition) => {
                sql.push("SELECT project, entity_id FROM entity_metadata FINAL WHERE ")
                    .push_statement(&condition.row_condition())
                    .push(" AND (project, entity_id) IN ?")
                    .bind(ids);
            }
            Self::Text(text) => {
                let mut restriction = Statement::new(" AND (project, trace_id) IN ?");
                restriction.bind(ids);
                sql.push("SELECT DISTINCT project, trace_id FROM spans WHERE ")
                    .push_statement(&SearchText::new(text).span_condition())
                    .push_statement(&restriction)
                    .push(" UNION ALL ")
                    .push_statement(&SearchText::named(text, &restriction));
            }
        }
        sql
    }
}

/// Up to this many values of an array are looked for one by one.
const FEW_VALUES: usize = 8;

/// The state of a row of `traces` at this moment: silence of two minutes ends what nobody ended.
pub(super) const STATE: &str = "multiIf(open_segments = 0, 'ended', \
    last_seen_at > now64(6) - INTERVAL 120 SECOND, 'running', is_rollout, 'lost', 'ended')";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_on_metadata_are_read() {
        let read = |text: &str| text.parse::<MetadataCondition>().ok();
        let parts = |text: &str| read(text).map(|it| (it.key, it.comparison, it.value));
        assert_eq!(
            parts("a=b=c"),
            Some(("a".into(), Comparison::Equal, "b=c".into()))
        );
        assert_eq!(
            parts("a!="),
            Some(("a".into(), Comparison::NotEqual, String::new()))
        );
        assert_eq!(
            parts("a<=1e3"),
            Some(("a".into(), Comparison::LessOrEqual, "1e3".into()))
        );
        assert_eq!(read("a>b"), None);
        assert_eq!(read("=b"), None);
        assert_eq!(read("a!b"), None);
        assert_eq!(read("a"), None);
    }
}
