//! Measures the store's questions over made-up rollouts: `measure_store TRACES SPANS_PER_TRACE LONG_TRACE_SPANS`.
//!
//! Starts an engine of its own, fills it, and prints the median and the 95th percentile of each question.

#![expect(clippy::print_stdout, reason = "it is a measuring program")]

use std::error::Error;
use std::time::Instant;

use caribou_clickhouse::{
    Connection, MetadataCondition, Paging, Result, Sample, SpanWindow, Store, TraceFilter, TraceKey,
};
use test_support::shared_engine;

/// Sets a filter up.
type Edit<'a> = &'a (dyn Fn(&mut TraceFilter) + Sync);

const ROUNDS: usize = 20;
const FIRST_START_MS: u64 = 1_795_000_000_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u64>());
    let mut number = |name| numbers.next().ok_or(name)?.map_err(Box::<dyn Error>::from);
    let traces = number("give the number of traces")?;
    let spans_per_trace = number("give the spans per trace")?;
    let long_trace = number("give the spans of the long trace")?;

    let engine = shared_engine();
    let connection =
        Connection::new(engine.url()).with_credentials(engine.user(), engine.password());
    let store = Store::connect(&connection)?;
    store.migrate().await?;
    fill(&store, "sample", traces, spans_per_trace).await?;
    fill(&store, "long", 1, long_trace).await?;
    measure_lists(&store).await?;
    measure_trace(&store, "sample").await?;
    measure_trace(&store, "long").await?;
    Ok(())
}

async fn fill(store: &Store, project: &str, traces: u64, spans_per_trace: u64) -> Result<()> {
    let sample = Sample {
        project: project.to_owned(),
        traces,
        spans_per_trace,
        sentences_per_span: 9,
        first_start_ms: FIRST_START_MS,
        interval_ms: 1000,
    };
    let start = Instant::now();
    store.insert_sample(&sample, |_| ()).await?;
    println!(
        "{project}: {} spans made in {:.1} s",
        traces * spans_per_trace,
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

async fn measure_lists(store: &Store) -> Result<()> {
    let all = TraceFilter::default;
    let one = |text: &str| vec![text.to_owned()];
    let q = |text: &str| Some(text.to_owned());
    let newest = "-started_at";
    let lists: [(&str, &str, Edit<'_>); 11] = [
        ("all", newest, &|_| ()),
        ("status", newest, &|it| it.status = one("TRUNCATED")),
        ("tag", newest, &|it| it.tags = one("ablation_v2")),
        ("run", newest, &|it| it.run_id = one("sample-run-3")),
        ("score range", "-score", &|it| it.min_score = Some(0.5)),
        ("by tokens", "-input_tokens", &|_| ()),
        ("by cost ascending", "cost_usd", &|_| ()),
        ("metadata", newest, &|it| {
            it.metadata = conditions("tool_call_count>10");
        }),
        ("common words", newest, &|it| {
            it.q = q("gold member delayed");
        }),
        ("no such word", newest, &|it| it.q = q("zebra")),
        ("error text", newest, &|it| it.q = q("\"reset by peer\"")),
    ];
    for (name, sort, edit) in lists {
        let mut filter = all();
        edit(&mut filter);
        let sort = sort.parse()?;
        let paging = Paging {
            limit: 50,
            sort,
            ..Paging::default()
        };
        time(&format!("list: {name}"), || {
            store.list_traces(&filter, &paging)
        })
        .await?;
    }
    let first = store
        .list_traces(
            &all(),
            &Paging {
                limit: 50,
                ..Paging::default()
            },
        )
        .await?;
    let paging = Paging {
        limit: 50,
        cursor: first.next_cursor,
        ..Paging::default()
    };
    let everything = all();
    time("list: second page", || {
        store.list_traces(&everything, &paging)
    })
    .await?;
    time("count: all", || store.count_traces(&everything)).await?;
    let train = TraceFilter {
        phase: one("eval"),
        ..all()
    };
    time("facets: all", || store.list_facets(&everything)).await?;
    time("facets: one phase", || store.list_facets(&train)).await?;
    time("projects", || store.list_projects(100, None)).await?;
    time("repair", || store.repair_traces()).await?;
    Ok(())
}

async fn measure_trace(store: &Store, project: &str) -> Result<()> {
    let filter = TraceFilter {
        project: vec![project.to_owned()],
        ..TraceFilter::default()
    };
    let page = store
        .list_traces(
            &filter,
            &Paging {
                limit: 50,
                ..Paging::default()
            },
        )
        .await?;
    let middle = &page.items[page.items.len() / 2];
    let id = caribou_model::TraceId::from_text(&middle.trace_id);
    let key = TraceKey::new(project, id);
    time(&format!("{project}: find"), || {
        store.find_trace_key(None, id)
    })
    .await?;
    time(&format!("{project}: detail"), || store.find_trace(&key)).await?;
    time(&format!("{project}: first 100 spans"), || {
        store.list_spans(&key, &SpanWindow::Start, 100)
    })
    .await?;
    let middle = SpanWindow::Offset(middle.span_count / 2);
    time(&format!("{project}: 100 spans of the middle"), || {
        store.list_spans(&key, &middle, 100)
    })
    .await?;
    time(&format!("{project}: outline"), || {
        store.list_outline(&key, 0, 300_000)
    })
    .await?;
    time(&format!("{project}: search"), || {
        store.search_spans(&key, "gold member", 1000)
    })
    .await?;
    time(&format!("{project}: recompute"), || {
        store.recompute_traces(std::slice::from_ref(&key))
    })
    .await?;
    Ok(())
}

/// Asks [`ROUNDS`] times after one round of warming up.
async fn time<T, F>(name: &str, mut ask: impl FnMut() -> F) -> Result<()>
where
    F: Future<Output = Result<T>>,
{
    let mut millis = Vec::new();
    for round in 0..=ROUNDS {
        let start = Instant::now();
        ask().await?;
        if round > 0 {
            millis.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    millis.sort_by(f64::total_cmp);
    println!(
        "{name:40} p50 {:8.1} ms   p95 {:8.1} ms",
        millis[ROUNDS / 2],
        millis[ROUNDS * 19 / 20]
    );
    Ok(())
}

fn conditions(text: &str) -> Vec<MetadataCondition> {
    vec![text.parse().expect("a condition")]
}
