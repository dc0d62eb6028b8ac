//! `docs/tables.md` says what is there.

use std::collections::BTreeMap;

use caribou_clickhouse::SpanBlock;

use crate::database::{new_database, record};
use crate::fixture::rollout;

const GUIDE: &str = include_str!("../../../../docs/tables.md");

/// Tables and their columns as the guide lists them.
fn documented() -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    for section in GUIDE.split("\n## ").skip(1) {
        let Some(name) = section
            .strip_prefix('`')
            .and_then(|rest| rest.split('`').next())
        else {
            continue;
        };
        let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let columns = rows.filter_map(|row| row.split('`').next());
        let mut columns: Vec<String> = columns.map(str::to_owned).collect();
        columns.sort();
        tables.insert(name.to_owned(), columns);
    }
    tables
}

#[tokio::test]
async fn every_table_and_column_is_documented() {
    let (_, client) = new_database().await;
    let columns: Vec<(String, String)> = client
        .query(
            "SELECT table, name FROM system.columns WHERE database = currentDatabase() \
             AND table NOT IN ('schema_migrations', 'repairs') ORDER BY table, name",
        )
        .fetch_all()
        .await
        .unwrap();
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in columns {
        tables.entry(table).or_default().push(column);
    }
    assert_eq!(documented(), tables);
}

#[tokio::test]
async fn every_example_of_the_guide_runs() {
    let (store, client) = new_database().await;
    record(&store, &rollout(1)).await;
    let examples: Vec<&str> = GUIDE
        .split("```sql\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(examples.len(), 6);
    for example in examples {
        let answer = client
            .query_raw(example)
            .fetch_bytes("JSONEachRow")
            .unwrap()
            .collect()
            .await;
        assert!(answer.is_ok(), "{answer:?} of {example}");
    }
}

#[tokio::test]
async fn computed_columns_read_like_the_others() {
    let (store, client) = new_database().await;
    let mut spans = rollout(1);
    spans[0].rollout_status_explicit = true;
    spans[6].weight = Some(0.5);
    spans[6].total_count = Some(3);
    spans[6].marks = vec!["score_out_of_range", "odd"];
    store
        .insert_blocks(&[SpanBlock::encode(&spans)])
        .await
        .unwrap();
    let row: (String, bool, Option<i64>, String) = client
        .query("SELECT rollout_status, rollout_status_explicit, step_number, env_name FROM spans WHERE item_type = 'rollout'")
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(
        row,
        ("COMPLETED".into(), true, Some(3), "airline-env".into())
    );
    let row: (String, Option<f64>, Option<u64>, Option<u64>, String) = client
        .query(
            "SELECT grader_name, weight, total_count, passed_count, arrayStringConcat(marks, '+') FROM spans WHERE item_type = 'grade'",
        )
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(
        row,
        (
            "exact".into(),
            Some(0.5),
            Some(3),
            None,
            "score_out_of_range+odd".into()
        )
    );
    let none: Vec<String> = client
        .query("SELECT arrayJoin(marks) FROM spans WHERE item_type = 'message'")
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(none, Vec::<String>::new());
}
