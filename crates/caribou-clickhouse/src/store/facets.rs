//! Values to filter by, with counts.

use caribou_model::api::{Facet, FacetValue};
use clickhouse::Row;
use serde::Deserialize;

use super::filter::{Field, STATE, TraceFilter};
use super::statement::Statement;
use super::{Result, Store};

/// The most frequent values of a field that are listed.
const VALUES_PER_FIELD: usize = 100;

/// A field, its name in the API, and the expression whose values are counted.
struct Counted {
    field: Field,
    name: &'static str,
    expression: &'static str,
    /// A trace may have several values of it.
    many: bool,
    /// A further value, and which traces have it besides: counting two columns takes half as long as joining them.
    further: Option<(&'static str, &'static str)>,
}

const FIELDS: [Counted; 9] = [
    one(
        Field::Status,
        "status",
        "if(status_text = '', status, status_text)",
    ),
    one(Field::State, "state", STATE),
    Counted {
        further: Some(("model_name", "NOT has(models, model_name)")),
        ..many(Field::Model, "model", "arrayJoin(models)")
    },
    many(Field::Tags, "tags", "arrayJoin(tags)"),
    one(Field::Phase, "phase", "phase"),
    one(Field::Project, "project", "project"),
    one(Field::RunId, "run_id", "run_id"),
    one(Field::EnvName, "env_name", "env_name"),
    one(Field::GraderName, "grader_name", "grader_name"),
];

const fn one(field: Field, name: &'static str, expression: &'static str) -> Counted {
    Counted {
        field,
        name,
        expression,
        many: false,
        further: None,
    }
}

const fn many(field: Field, name: &'static str, expression: &'static str) -> Counted {
    Counted {
        field,
        name,
        expression,
        many: true,
        further: None,
    }
}

#[derive(Row, Deserialize)]
struct CountRow {
    field: u8,
    value: String,
    traces: u64,
}

impl Store {
    /// The values of every field that can be filtered by, the most frequent first, each counted within what the filter
    /// says about the other fields.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn list_facets(&self, filter: &TraceFilter) -> Result<Vec<Facet>> {
        let mut facets: Vec<Facet> = FIELDS
            .iter()
            .map(|counted| Facet {
                field: counted.name.to_owned(),
                values: Vec::new(),
            })
            .collect();
        for (pass_filter, positions) in passes(filter) {
            let sql = counts_of(&pass_filter, &positions);
            let counts: Vec<CountRow> = sql.query(&self.client).fetch_all().await?;
            for CountRow {
                field,
                value,
                traces: count,
            } in counts
            {
                facets[usize::from(field)]
                    .values
                    .push(FacetValue { value, count });
            }
        }
        Ok(facets)
    }
}

/// Fields that can be counted in one pass over the same traces: all that the filter says nothing about and that have
/// one value a trace. The others take a pass each.
fn passes(filter: &TraceFilter) -> Vec<(TraceFilter, Vec<usize>)> {
    let mut shared = Vec::new();
    let mut passes = Vec::new();
    for (position, counted) in FIELDS.iter().enumerate() {
        let own = filter.without(counted.field);
        if !counted.many && own == *filter {
            shared.push(position);
        } else {
            passes.push((own, vec![position]));
        }
    }
    passes.push((filter.clone(), shared));
    passes
}

fn counts_of(filter: &TraceFilter, positions: &[usize]) -> Statement {
    let list = |item: &dyn Fn(usize) -> String| {
        let items: Vec<String> = positions.iter().map(|&position| item(position)).collect();
        items.join(", ")
    };
    let values = list(&|position| format!("{} AS value_{position}", FIELDS[position].expression));
    let sets = list(&|position| format!("(value_{position})"));
    // In a row of one grouping set the columns of the others have no value.
    let field = list(&|position| format!("grouping(value_{position}) = 0, {position}"));
    let value =
        list(&|position| format!("grouping(value_{position}) = 0, toString(value_{position})"));
    let mut sql = Statement::new(format!(
        "SELECT toUInt8(multiIf({field}, 255)) AS field, multiIf({value}, '') AS value, count() AS traces \
         FROM (SELECT {values} FROM traces FINAL WHERE "
    ));
    sql.push_statement(&filter.condition());
    for &position in positions {
        if let Some((further, besides)) = FIELDS[position].further {
            sql.push(&format!(
                " UNION ALL SELECT {further} AS value_{position} FROM traces FINAL WHERE {besides} AND "
            ))
            .push_statement(&filter.condition());
        }
    }
    sql.push(&format!(
        ") GROUP BY GROUPING SETS ({sets}) HAVING value != '' \
         ORDER BY field, traces DESC, value LIMIT {VALUES_PER_FIELD} BY field"
    ));
    sql
}
