//! Lists, filters, facets.

use caribou_clickhouse::{
    MetadataCondition, Paging, SortKey, Store, StoreError, TraceFilter, TraceSort,
};
use caribou_model::RolloutState::{Ended, Lost, Running};
use caribou_model::SpanRecord;
use caribou_model::api::{Facet, TraceSummary};

use crate::database::{execute, new_database, new_store, record};
use crate::fixture::{SECOND, START, grade, message, rollout, root, trace_id};

/// Three rollouts that differ in everything a filter looks at; they start an hour apart.
async fn three(store: &Store) {
    let hour = 3600;
    let mut train = rollout(1);
    train[0].tags = vec!["a".into(), "b".into()];
    train[0].metadata =
        r#"{"lines":42,"kind":"x","ok":true,"nested":{"a":[1]},"none":null}"#.into();
    train[0].session_id = "s-1".into();
    let mut eval = rollout(2);
    shift(&mut eval, hour);
    eval[0].phase = "eval".into();
    eval[0].run_id = "run-2".into();
    eval[0].step_number = None;
    eval[0].tags = vec!["b".into()];
    eval[0].metadata = r#"{"lines":7,"kind":"y"}"#.into();
    eval[0].rollout_status = "TOOL_ERROR".into();
    eval[0].model_name = "given-model".into();
    eval[6].score = Some(0.9);
    eval[0].user_id = "ada".into();
    let mut prod = vec![
        root(3, 0, "done"),
        message(3, 1, "user", "Nur 100% Käse"),
        grade(3, 2, "g", f64::NAN),
    ];
    shift(&mut prod, 2 * hour);
    prod[0].project = "other".into();
    prod[1].project = "other".into();
    prod[2].project = "other".into();
    prod[0].phase = "prod".into();
    prod[0].grader_name = "exact".into();
    prod[0].datapoint_id = "dp".into();
    prod[0].env_name = "web".into();
    prod[0].ended_at = None;
    for spans in [train, eval, prod] {
        record(store, &spans).await;
    }
}

fn shift(spans: &mut [SpanRecord<'_>], seconds: i64) {
    for span in spans {
        span.started_at += seconds * SECOND;
        span.logged_at += seconds * SECOND;
        span.ended_at = span.ended_at.map(|end| end + seconds * SECOND);
    }
}

async fn found(store: &Store, filter: &TraceFilter) -> Vec<u64> {
    let paging = Paging {
        limit: 100,
        with_total: true,
        ..Paging::default()
    };
    let page = store.list_traces(filter, &paging).await.unwrap();
    assert_eq!(page.total, Some(page.items.len() as u64));
    page.items
        .iter()
        .map(|trace| {
            (1..=3)
                .find(|&number| trace_id(number).to_string() == trace.trace_id)
                .unwrap()
        })
        .collect()
}

/// Sets a filter up.
type Edit = fn(&mut TraceFilter);

/// Every filter, and the numbers of the rollouts that it lets through.
const FILTERS: &[(&str, Edit, &[u64])] = &[
    ("all", |_| (), &[3, 2, 1]),
    ("model seen", |it| it.model = texts("gpt-4o"), &[2, 1]),
    ("model given", |it| it.model = texts("given-model"), &[2]),
    ("carrot's status", |it| it.status = texts("success"), &[1]),
    ("any case", |it| it.status = texts("tool_error"), &[2]),
    ("foreign status", |it| it.status = texts("done"), &[3]),
    (
        "known and foreign status",
        |it| it.status = two("done", "COMPLETED"),
        &[3, 1],
    ),
    ("no status", |it| it.status = texts(""), &[]),
    ("pending", |it| it.status = texts("PENDING"), &[]),
    ("running", |it| it.state = vec![Running], &[3]),
    ("not running", |it| it.state = vec![Ended, Lost], &[2, 1]),
    ("tags", |it| it.tags = two("a", "b"), &[1]),
    ("one of any tags", |it| it.any_tags = texts("a"), &[1]),
    (
        "models",
        |it| it.model = two("gpt-4o", "given-model"),
        &[2, 1],
    ),
    ("any tags", |it| it.any_tags = two("a", "b"), &[2, 1]),
    ("phase", |it| it.phase = two("prod", "eval"), &[3, 2]),
    ("project", |it| it.project = texts("other"), &[3]),
    ("run", |it| it.run_id = texts("run-2"), &[2]),
    ("step", |it| it.step_number = vec![3, 4], &[3, 1]),
    ("datapoint", |it| it.datapoint_id = texts("dp"), &[3]),
    ("environment", |it| it.env_name = texts("web"), &[3]),
    ("grader", |it| it.grader_name = texts("exact"), &[3]),
    ("session", |it| it.session_id = texts("s-1"), &[1]),
    ("user", |it| it.user_id = texts("ada"), &[2]),
    ("min score", |it| it.min_score = Some(0.5), &[2, 1]),
    ("max score", |it| it.max_score = Some(0.6), &[1]),
    ("from", |it| it.from = Some(START + 3600 * SECOND), &[3, 2]),
    ("to", |it| it.to = Some(START + 3600 * SECOND), &[1]),
    ("number", |it| it.metadata = conditions(&["lines=42"]), &[1]),
    (
        "float",
        |it| it.metadata = conditions(&["lines=42.0"]),
        &[1],
    ),
    (
        "greater",
        |it| it.metadata = conditions(&["lines>6"]),
        &[2, 1],
    ),
    (
        "at most",
        |it| it.metadata = conditions(&["lines<=7"]),
        &[2],
    ),
    ("other", |it| it.metadata = conditions(&["kind!=x"]), &[2]),
    ("bool", |it| it.metadata = conditions(&["ok=true"]), &[1]),
    ("null", |it| it.metadata = conditions(&["none=null"]), &[1]),
    (
        "both",
        |it| it.metadata = conditions(&["lines>6", "kind=y"]),
        &[2],
    ),
    ("words", |it| it.q = Some("DENVER flight".into()), &[2, 1]),
    ("blank", |it| it.q = Some("  ".into()), &[3, 2, 1]),
    (
        "words elsewhere",
        |it| {
            it.q = Some("denver".into());
            it.project = texts("other");
        },
        &[],
    ),
];

fn texts(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

fn two(left: &str, right: &str) -> Vec<String> {
    vec![left.to_owned(), right.to_owned()]
}

fn conditions(texts: &[&str]) -> Vec<MetadataCondition> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn every_filter_finds_what_it_says() {
    let store = new_store().await;
    three(&store).await;
    for (name, edit, expected) in FILTERS {
        let mut filter = TraceFilter::default();
        edit(&mut filter);
        assert_eq!(found(&store, &filter).await, *expected, "{name}");
    }
}

#[tokio::test]
async fn values_that_look_like_sql_are_values() {
    let store = new_store().await;
    three(&store).await;
    for odd in ["' OR 1=1 --", "a\\'b", "?", "{x}", "\0", "🦌", "`", "')"] {
        let one = vec![odd.to_owned()];
        let filter = TraceFilter {
            run_id: one.clone(),
            tags: one.clone(),
            model: one.clone(),
            status: one,
            q: Some(odd.to_owned()),
            metadata: vec![
                format!("{odd}={odd}")
                    .parse()
                    .unwrap_or_else(|_| "a=b".parse().unwrap()),
            ],
            ..TraceFilter::default()
        };
        assert_eq!(found(&store, &filter).await, Vec::<u64>::new(), "{odd}");
    }
}

/// 23 rollouts; scores repeat, some are null or negative, half start at the same time.
async fn many(store: &Store) {
    let mut spans = Vec::new();
    for number in 0..23_u64 {
        let mut segment = root(number, 0, "COMPLETED");
        segment.started_at += i64::try_from(number / 2).unwrap() * SECOND;
        spans.push(segment);
        if number % 5 != 0 {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let score = (number % 4) as f64 / 2.0 - 0.5;
            spans.push(grade(number, 1, "g", score));
        }
    }
    record(store, &spans).await;
}

#[tokio::test]
async fn pages_of_any_size_and_order_make_up_the_whole_list_once() {
    let (store, client) = new_database().await;
    many(&store).await;
    // Older rows of the same ids must not show, wherever they would stand.
    execute(&client, "SYSTEM STOP MERGES traces").await;
    execute(
        &client,
        "INSERT INTO traces SELECT * REPLACE (version - 1 AS version, started_at + INTERVAL 1 DAY AS started_at, \
         0.75 AS score, 99 AS span_count) FROM traces",
    )
    .await;
    for sort in [
        "-started_at",
        "started_at",
        "score",
        "-score",
        "cost_usd",
        "-span_count",
        "duration_ms",
        "-turn_count",
    ] {
        let sort = sort.parse().unwrap();
        let whole = paged(&store, sort, 100).await;
        assert_eq!(whole.len(), 23);
        assert!(whole.iter().all(|trace| trace.span_count < 3));
        for limit in [1, 7, 22, 23] {
            assert_eq!(
                paged(&store, sort, limit).await,
                whole,
                "{sort:?} by {limit}"
            );
        }
    }
    for (descending, best) in [(false, -0.5), (true, 1.0)] {
        let key = SortKey::Score;
        let items = paged(&store, TraceSort { key, descending }, 100).await;
        assert_eq!(items[0].score, Some(best));
        assert_eq!(items[22].score, None);
    }
}

/// Rows of `traces` made of a number each: three start at one moment, some tags are frequent, some rare, some long ago,
/// as is one of the projects.
const NUMBERED: &str = "INSERT INTO traces (project, trace_id, version, status, started_at, score, tags, last_seen_at) \
     SELECT multiIf(number < 300, 'past', number % 2 = 0, 'even', 'odd'), lower(leftPad(hex(sipHash64(number)), 32, '0')), 1, if(number % 8 = 0, 'ERROR', 'COMPLETED'), \
     fromUnixTimestamp64Milli(toInt64(1795219200000 + intDiv(number, 3)), 'UTC'), \
     if(number < 2900, 1, number / 3000), arrayFilter(tag -> tag != '', [if(number % 3 = 0, 'often', ''), \
     if(number % 60 = 0, 'seldom', ''), if(number IN (7, 1500, 2998), 'rare', ''), if(number < 300, 'old', '')]), now64(6) \
     FROM numbers(3000)";

#[tokio::test]
async fn filtered_pages_find_what_is_near_far_frequent_or_rare() {
    let (store, client) = new_database().await;
    execute(&client, NUMBERED).await;
    for (tag, expected) in [("often", 1000), ("seldom", 50), ("rare", 3), ("old", 300)] {
        for sort in ["-started_at", "started_at", "-score"] {
            let filter = TraceFilter {
                tags: texts(tag),
                ..TraceFilter::default()
            };
            let sort = sort.parse().unwrap();
            let whole = filtered(&store, &filter, sort, 1000).await;
            assert_eq!(whole.len(), expected, "{tag} {sort:?}");
            let pages = filtered(&store, &filter, sort, 37).await;
            assert!(ids(&pages) == ids(&whole), "{tag} {sort:?}");
        }
    }
    let failed = TraceFilter {
        status: texts("error"),
        from: Some(START + SECOND / 10),
        to: Some(START + SECOND / 2),
        ..TraceFilter::default()
    };
    // Numbers 300 to 1499, every eighth of them.
    let pages = filtered(&store, &failed, TraceSort::default(), 10).await;
    assert_eq!(pages.len(), 150);
    assert!(pages.is_sorted_by(|left, right| left.started_at >= right.started_at));
}

#[tokio::test]
async fn pages_of_a_project_find_what_is_near_or_far() {
    let (store, client) = new_database().await;
    execute(&client, NUMBERED).await;
    for (projects, expected) in [
        (texts("past"), 300),
        (texts("even"), 1350),
        (two("past", "odd"), 1650),
        (texts("none"), 0),
    ] {
        for sort in ["-started_at", "started_at", "-score"] {
            let filter = TraceFilter {
                project: projects.clone(),
                ..TraceFilter::default()
            };
            let sort = sort.parse().unwrap();
            let whole = filtered(&store, &filter, sort, 1000).await;
            assert_eq!(whole.len(), expected, "{projects:?} {sort:?}");
            let pages = filtered(&store, &filter, sort, 150).await;
            assert!(ids(&pages) == ids(&whole), "{projects:?} {sort:?}");
        }
    }
}

#[tokio::test]
async fn pages_are_whole_where_more_rollouts_are_equal_than_a_page_holds() {
    let (store, client) = new_database().await;
    let at_once = NUMBERED
        .replace("intDiv(number, 3)", "intDiv(number, 1000)")
        .replace("numbers(3000)", "numbers(300)");
    execute(&client, &at_once).await;
    for sort in ["-started_at", "started_at", "score", "-cost_usd"] {
        let sort = sort.parse().unwrap();
        let mut found = ids(&paged(&store, sort, 20).await);
        assert!(found == ids(&paged(&store, sort, 1000).await), "{sort:?}");
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 300, "{sort:?}");
    }
}

fn ids(traces: &[TraceSummary]) -> Vec<String> {
    traces.iter().map(|trace| trace.trace_id.clone()).collect()
}

/// The whole list, page by page.
async fn paged(store: &Store, sort: TraceSort, limit: u32) -> Vec<TraceSummary> {
    filtered(store, &TraceFilter::default(), sort, limit).await
}

async fn filtered(
    store: &Store,
    filter: &TraceFilter,
    sort: TraceSort,
    limit: u32,
) -> Vec<TraceSummary> {
    let mut items = Vec::new();
    let mut paging = Paging {
        limit,
        sort,
        ..Paging::default()
    };
    loop {
        let page = store.list_traces(filter, &paging).await.unwrap();
        assert!(page.items.len() <= limit as usize);
        items.extend(page.items);
        paging.cursor = page.next_cursor;
        if paging.cursor.is_none() {
            return items;
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let store = new_store().await;
    for cursor in ["x", "", "eyJhIjoxfQ", "\u{1F98C}"] {
        let paging = Paging {
            limit: 1,
            cursor: Some(cursor.to_owned()),
            ..Paging::default()
        };
        let refused = store.list_traces(&TraceFilter::default(), &paging).await;
        assert!(
            matches!(refused, Err(StoreError::InvalidQuery(_))),
            "{cursor}"
        );
    }
}

fn values(facets: &[Facet], field: &str) -> Vec<(String, u64)> {
    let facet = facets.iter().find(|facet| facet.field == field).unwrap();
    facet
        .values
        .iter()
        .map(|value| (value.value.clone(), value.count))
        .collect()
}

#[tokio::test]
async fn facets_count_within_the_other_filters() {
    let store = new_store().await;
    three(&store).await;
    let facets = store.list_facets(&TraceFilter::default()).await.unwrap();
    let one = |value: &str, count| (value.to_owned(), count);
    assert_eq!(values(&facets, "tags"), [one("b", 2), one("a", 1)]);
    assert_eq!(
        values(&facets, "model"),
        [one("gpt-4o", 2), one("given-model", 1)]
    );
    assert_eq!(
        values(&facets, "status"),
        [one("COMPLETED", 1), one("TOOL_ERROR", 1), one("done", 1)]
    );
    assert_eq!(
        values(&facets, "state"),
        [one("ended", 2), one("running", 1)]
    );
    let filter = TraceFilter {
        phase: vec!["train".into()],
        ..TraceFilter::default()
    };
    let facets = store.list_facets(&filter).await.unwrap();
    assert_eq!(values(&facets, "phase").len(), 3);
    assert_eq!(values(&facets, "run_id"), [one("run-1", 1)]);
    assert_eq!(values(&facets, "project"), [one("airline", 1)]);
}

#[tokio::test]
async fn a_replaced_metadata_value_is_not_found_any_more() {
    let (store, client) = new_database().await;
    execute(&client, "SYSTEM STOP MERGES entity_metadata").await;
    let mut segment = root(1, 0, "COMPLETED");
    segment.metadata = r#"{"k":"old"}"#.into();
    record(&store, std::slice::from_ref(&segment)).await;
    segment.metadata = r#"{"k":"new"}"#.into();
    segment.revision += 1;
    record(&store, &[segment]).await;
    let with = |value: &str| TraceFilter {
        metadata: vec![format!("k={value}").parse().unwrap()],
        ..TraceFilter::default()
    };
    let paging = Paging {
        limit: 10,
        ..Paging::default()
    };
    let page = store.list_traces(&with("old"), &paging).await.unwrap();
    assert_eq!(page.items, []);
    assert_eq!(
        store
            .list_traces(&with("new"), &paging)
            .await
            .unwrap()
            .items
            .len(),
        1
    );
}
