//! Lists against a plain sort and filter of the same rows, whatever values and older versions these have.

use std::cmp::Ordering;
use std::collections::HashMap;

use caribou_clickhouse::{Paging, Store, TraceFilter, TraceSort};
use clickhouse::Client;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::database::{execute, new_database};

/// A row of `traces`, by what filters and sorts look at.
#[derive(Clone, Debug)]
struct Row {
    project: &'static str,
    trace: u8,
    version: u8,
    status: &'static str,
    tags: Vec<&'static str>,
    models: Vec<&'static str>,
    score: Option<f64>,
    /// In the last places of the column.
    cost: Option<i128>,
    tokens: u64,
    duration: f64,
    /// In nanoseconds, of a few that are close together.
    started: i64,
}

const FIRST_START: i64 = 1_795_219_200_000_000_000;
const MODELS: [&str; 3] = ["m1", "m2", "m3"];

prop_compose! {
    /// Few values of each, so that many are equal; the largest and those that are one float among them.
    fn any_row()(
        (project, trace, version) in (select(vec!["p", "q"]), 0..20_u8, 1..4_u8),
        status in select(vec!["COMPLETED", "ERROR"]),
        tags in prop::sample::subsequence(vec!["a", "b", "c"], 0..=3),
        models in prop::sample::subsequence(MODELS.to_vec(), 0..=2),
        score in select(vec![None, Some(-0.0), Some(0.0), Some(-1.5), Some(0.25), Some(1.0), Some(f64::MAX)]),
        cost in select(vec![
            None, Some(0), Some(-1), Some(1), Some(-2_000_000_000_001), Some(9_007_199_254_740_993),
            Some(9_007_199_254_740_992), Some(10_i128.pow(38) - 1), Some(1 - 10_i128.pow(38)),
        ]),
        tokens in select(vec![0, 1, 70, u64::MAX, u64::MAX - 1, 1 << 63]),
        duration in select(vec![0.0, 12.5, 1e300]),
        started in 0..6_i64,
    ) -> Row {
        let started = FIRST_START + started;
        Row { project, trace, version, status, tags, models, score, cost, tokens, duration, started }
    }
}

impl Row {
    fn id(&self) -> String {
        // Not in the order of their numbers.
        format!("{:032x}", u128::from(self.trace.reverse_bits()) << 100 | 1)
    }

    /// The values of an INSERT; text of numbers is the server's to read.
    fn values(&self) -> String {
        let text = |value: Option<String>| value.unwrap_or_else(|| "NULL".to_owned());
        let cost = self.cost.map(|cost| {
            let (sign, places) = (if cost < 0 { "-" } else { "" }, cost.unsigned_abs());
            let unit = 10_u128.pow(12);
            format!(
                "toDecimal128('{sign}{}.{:012}', 12)",
                places / unit,
                places % unit
            )
        });
        format!(
            "('{}', '{}', {}, '{}', {:?}, {:?}, 'm1', {}, {}, toUInt64('{}'), {}, fromUnixTimestamp64Nano({}, 'UTC'), now64(6))",
            self.project,
            self.id(),
            self.version,
            self.status,
            self.tags,
            self.models,
            text(self.score.map(|score| format!("toFloat64('{score:e}')"))),
            text(cost),
            self.tokens,
            format_args!("toFloat64('{:e}')", self.duration),
            self.started,
        )
        .replace('"', "'")
    }

    fn compare(&self, other: &Self, key: &str) -> Ordering {
        let float = |left: f64, right: f64| left.partial_cmp(&right).unwrap();
        match key {
            "started_at" => Ordering::Equal,
            "score" => float(self.score.unwrap_or(0.0), other.score.unwrap_or(0.0)),
            "cost_usd" => self.cost.cmp(&other.cost),
            "input_tokens" => self.tokens.cmp(&other.tokens),
            "duration_ms" => float(self.duration, other.duration),
            _ => unreachable!("{key}"),
        }
        .then_with(|| self.started.cmp(&other.started))
        .then_with(|| self.id().cmp(&other.id()))
        .then_with(|| self.project.cmp(other.project))
    }

    fn lacks(&self, key: &str) -> bool {
        (key == "score" && self.score.is_none()) || (key == "cost_usd" && self.cost.is_none())
    }
}

/// Sets a filter up.
type Edit = fn(&mut TraceFilter);

/// Whether it lets a row through.
type Holds = fn(&Row) -> bool;

/// Filters, each with what it says.
const FILTERS: [(Edit, Holds); 6] = [
    (|_| (), |_| true),
    (
        |it| it.status = texts(&["ERROR"]),
        |row| row.status == "ERROR",
    ),
    (
        |it| it.tags = texts(&["a", "b"]),
        |row| row.tags.contains(&"a") && row.tags.contains(&"b"),
    ),
    (
        |it| it.any_tags = texts(&["a", "c"]),
        |row| row.tags.contains(&"a") || row.tags.contains(&"c"),
    ),
    (
        |it| it.model = texts(&["m2", "m3"]),
        |row| row.models.contains(&"m2") || row.models.contains(&"m3"),
    ),
    (
        |it| {
            it.project = texts(&["q"]);
            it.min_score = Some(0.0);
        },
        |row| row.project == "q" && row.score.is_some_and(|score| score >= 0.0),
    ),
];

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// What the list must be.
fn expected(rows: &[Row], holds: Holds, key: &str, descending: bool) -> Vec<(String, String)> {
    let mut newest: HashMap<(&str, u8), &Row> = HashMap::new();
    for row in rows {
        let known = newest.entry((row.project, row.trace)).or_insert(row);
        if known.version < row.version {
            *known = row;
        }
    }
    let mut rows: Vec<&Row> = newest.into_values().filter(|row| holds(row)).collect();
    rows.sort_by(|left, right| {
        let order = left.compare(right, key);
        let order = if descending { order.reverse() } else { order };
        left.lacks(key).cmp(&right.lacks(key)).then(order)
    });
    rows.iter()
        .map(|row| (row.project.to_owned(), row.id()))
        .collect()
}

async fn listed(store: &Store, filter: &TraceFilter, sort: TraceSort) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut paging = Paging {
        limit: 7,
        sort,
        ..Paging::default()
    };
    loop {
        let page = store.list_traces(filter, &paging).await.unwrap();
        found.extend(
            page.items
                .into_iter()
                .map(|trace| (trace.project, trace.trace_id)),
        );
        paging.cursor = page.next_cursor;
        if paging.cursor.is_none() {
            return found;
        }
    }
}

async fn insert(client: &Client, rows: &[Row]) {
    // Several parts, so that versions of one rollout stand in different ones.
    for rows in rows.chunks(rows.len().div_ceil(3)) {
        let values: Vec<String> = rows.iter().map(Row::values).collect();
        let sql = format!(
            "INSERT INTO traces (project, trace_id, version, status, tags, models, model_name, score, cost_usd, \
             input_tokens, duration_ms, started_at, last_seen_at) VALUES {}",
            values.join(", ")
        );
        execute(client, &sql).await;
    }
}

#[tokio::test]
async fn lists_are_what_a_plain_sort_and_filter_of_the_newest_rows_gives() {
    let mut runner = TestRunner::deterministic();
    let (store, client) = new_database().await;
    execute(&client, "SYSTEM STOP MERGES traces").await;
    let mut rows = prop::collection::vec(any_row(), 60)
        .new_tree(&mut runner)
        .unwrap()
        .current();
    // Two rows of one version are never different.
    rows.sort_by_key(|row| (row.project, row.trace, row.version));
    rows.dedup_by_key(|row| (row.project, row.trace, row.version));
    let rows = Just(rows)
        .prop_shuffle()
        .new_tree(&mut runner)
        .unwrap()
        .current();
    insert(&client, &rows).await;
    for key in [
        "started_at",
        "score",
        "cost_usd",
        "input_tokens",
        "duration_ms",
    ] {
        for (descending, sign) in [(true, "-"), (false, "")] {
            let sort: TraceSort = format!("{sign}{key}").parse().unwrap();
            for (number, (edit, holds)) in FILTERS.into_iter().enumerate() {
                let mut filter = TraceFilter::default();
                edit(&mut filter);
                let expected = expected(&rows, holds, key, descending);
                let found = listed(&store, &filter, sort).await;
                assert_eq!(found, expected, "{sign}{key}, filter {number}");
            }
        }
    }
}
