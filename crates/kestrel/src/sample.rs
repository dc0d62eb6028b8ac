//! `kestrel sample`: made-up rollouts, for trying out large lists and long traces.

use anyhow::Context as _;
use caribou_clickhouse::{Sample, Store};

use crate::backend::Backend;
use crate::cli::SampleArgs;
use crate::settings::{Environment, StoreSettings};

/// Project of the rollouts of a large list.
const LIST_PROJECT: &str = "sample";

/// Project of the long rollout.
const LONG_PROJECT: &str = "sample-long";

/// Start of the first rollout, in milliseconds since 1970: fixed, so that the same sample is the same rollouts.
const FIRST_START_MS: u64 = 1_790_000_000_000;

/// Start of the long rollout: ids follow from it, and two projects with one id would be hard to tell apart.
const LONG_START_MS: u64 = FIRST_START_MS - 86_400_000;

/// Time between two rollouts, in milliseconds.
const INTERVAL_MS: u64 = 1_000;

/// Sentences of one message: about 1,100 bytes a span with everything else.
const SENTENCES_PER_SPAN: u64 = 8;

/// Writes the rollouts into the data folder, which no server may use meanwhile, or into the server of
/// `CLICKHOUSE_URL`. Doing it twice changes nothing.
///
/// # Errors
/// When the store cannot be started or reached.
pub async fn run(
    args: &SampleArgs,
    environment: Environment<'_>,
    say: impl Fn(&str) + Send + Sync,
) -> anyhow::Result<()> {
    let settings = StoreSettings::resolve(args.data.clone(), environment)?;
    let (backend, connection) = Backend::start(&settings).await?;
    let store = Store::connect(&connection)?;
    let written = write(&store, &sample_from_args(args), say).await;
    tokio::task::spawn_blocking(move || backend.shutdown())
        .await
        .context("stopping the engine")?;
    written
}

async fn write(
    store: &Store,
    sample: &Sample,
    say: impl Fn(&str) + Send + Sync,
) -> anyhow::Result<()> {
    store
        .migrate()
        .await
        .context("cannot bring the tables up to date")?;
    let progress = |spans: u64| say(&format!("{spans} spans written"));
    store.insert_sample(sample, progress).await?;
    say(&format!(
        "project {}: {} rollouts of {} spans",
        sample.project, sample.traces, sample.spans_per_trace
    ));
    Ok(())
}

fn sample_from_args(args: &SampleArgs) -> Sample {
    let (project, first_start_ms, traces, spans_per_trace) = match (args.traces, args.spans) {
        (_, Some(spans)) => (LONG_PROJECT, LONG_START_MS, 1, spans),
        (traces, None) => (
            LIST_PROJECT,
            FIRST_START_MS,
            traces.unwrap_or(1),
            args.spans_per_trace,
        ),
    };
    Sample {
        project: project.to_owned(),
        traces,
        spans_per_trace,
        sentences_per_span: SENTENCES_PER_SPAN,
        first_start_ms,
        interval_ms: INTERVAL_MS,
    }
}
