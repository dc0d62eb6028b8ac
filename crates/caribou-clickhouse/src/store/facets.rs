//! Values to filter by, with counts.

use caribou_model::api::{Facet, FacetValue};
use clickhouse::Row;
use serde::Deserialize;

use super::filter::{Field, STATE, TraceFilter};
use super::statement::Statement;
use super::{Result, Store};

/// The most frequent values of a field that are listed.
const VALUES_PER_FIELD: usize = 100;

/// The fields, their names in the API, and the expression whose values are counted.
const FIELDS: [(Field, &str, &str); 9] = [
    (
        Field::Status,
        "status",
        "if(status_text = '', status, status_text)",
    ),
    (Field::State, "state", STATE),
    (
        Field::Model,
        "model",
        "arrayJoin(arrayDistinct(arrayPushBack(models, model_name)))",
    ),
    (Field::Tags, "tags", "arrayJoin(tags)"),
    (Field::Phase, "phase", "phase"),
    (Field::Project, "project", "project"),
    (Field::RunId, "run_id", "run_id"),
    (Field::EnvName, "env_name", "env_name"),
    (Field::GraderName, "grader_name", "grader_name"),
];

#[derive(Row, Deserialize)]
struct Count {
    field: u8,
    value: String,
    count: u64,
}

impl Store {
    /// The values of every field that can be filtered by, the most frequent first, each counted within what the filter
    /// says about the other fields.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn list_facets(&self, filter: &TraceFilter) -> Result<Vec<Facet>> {
        let mut sql = Statement::default();
        for (position, (field, _, expression)) in FIELDS.iter().enumerate() {
            if !sql.is_empty() {
                sql.push(" UNION ALL ");
            }
            sql.push(&format!(
                "SELECT toUInt8({position}) AS field, toString(value) AS value, count() AS count FROM \
                 (SELECT {expression} AS value FROM traces FINAL WHERE "
            ))
            .push_statement(&filter.without(*field).condition())
            .push(&format!(
                ") WHERE value != '' GROUP BY value ORDER BY count DESC, value LIMIT {VALUES_PER_FIELD}"
            ));
        }
        let counts: Vec<Count> = sql.query(&self.client).fetch_all().await?;
        let mut facets: Vec<Facet> = FIELDS
            .iter()
            .map(|(_, name, _)| Facet {
                field: (*name).to_owned(),
                values: Vec::new(),
            })
            .collect();
        for Count {
            field,
            value,
            count,
        } in counts
        {
            facets[usize::from(field)]
                .values
                .push(FacetValue { value, count });
        }
        for facet in &mut facets {
            // The parts of a union come in any order.
            facet.values.sort_by(|left, right| {
                right
                    .count
                    .cmp(&left.count)
                    .then_with(|| left.value.cmp(&right.value))
            });
        }
        Ok(facets)
    }
}
