//! The functions that the Python half calls.

use std::time::Duration;

use caribou::propagation::Remote;
use caribou::{Problem, fork};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::current::with_current;
use crate::errors;
use crate::item::item_from;
use crate::keys::meta_from;
use crate::registry::registry;
use crate::runtime::{self, pass_on_notices, recorder, take_notices};
use crate::scope::Scope;

/// Records a message, tool execution, grade or event in the current rollout.
///
/// Copies the item and returns; sending happens in the background, and nothing that the item holds makes this raise.
///
/// Args:
///     item: a `Message`, `ToolExecution`, `Grade` or `Event`.
///
/// Raises:
///     TypeError: for anything else.
///
/// Example:
///     >>> with caribou.trace_run(datapoint_id="req_1", phase="prod"):
///     ...     caribou.log(caribou.Message(role="user", content="Hello"))
#[pyfunction]
#[pyo3(signature = (item, /))]
#[expect(
    clippy::doc_markdown,
    reason = "read in Python's help(), not by rustdoc"
)]
pub(crate) fn log(item: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = item.py();
    let registry = registry(py)?;
    let read = item_from(item, registry)?;
    match with_current(py, registry, |scope| scope.log(read)) {
        Some(logged) => logged.map_err(errors::from_problem)?,
        None => runtime::report(Problem::OutsideRollout {
            call: "log".to_owned(),
        })?,
    }
    pass_on_notices(py);
    Ok(())
}

/// Opens a rollout within a scope, linked to a span of the application given as trace id and span id.
#[pyfunction]
#[pyo3(signature = (keys, outer=None, link=None))]
pub(crate) fn open(
    py: Python<'_>,
    keys: &Bound<'_, PyDict>,
    outer: Option<&Scope>,
    link: Option<(u128, u64)>,
) -> PyResult<Scope> {
    let meta = meta_from(keys)?;
    let link = link.map(|(trace_id, span_id)| {
        SpanContext::new(
            TraceId::from(trace_id),
            SpanId::from(span_id),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        )
    });
    let opened = recorder()
        .open(meta, outer.map(|outer| &outer.inner), link)
        .map_err(errors::from_open);
    pass_on_notices(py);
    Ok(Scope { inner: opened? })
}

/// Takes over a rollout by the headers of another process; None where they hold none.
#[pyfunction]
#[pyo3(signature = (traceparent, baggage=None, outer=None))]
pub(crate) fn extract(
    py: Python<'_>,
    traceparent: &str,
    baggage: Option<&str>,
    outer: Option<&Scope>,
) -> PyResult<Option<Scope>> {
    let Some(remote) = Remote::from_headers(traceparent, baggage) else {
        runtime::report(Problem::NoTraceContext(traceparent.to_owned()))?;
        pass_on_notices(py);
        return Ok(None);
    };
    let opened = recorder()
        .open_worker(&remote, outer.map(|outer| &outer.inner))
        .map_err(errors::from_open);
    pass_on_notices(py);
    Ok(Some(Scope { inner: opened? }))
}

/// Waits until everything logged before is delivered.
#[pyfunction]
pub(crate) fn flush(py: Python<'_>, timeout: f64) -> PyResult<bool> {
    let timeout = duration(timeout);
    let mut interrupted = None;
    let delivered = py.detach(|| {
        recorder().flush_while(timeout, &mut || {
            // At the interpreter's end there is nobody left to wait for.
            #[expect(
                clippy::redundant_closure_for_method_calls,
                reason = "the method alone is not general enough over lifetimes"
            )]
            let checked = Python::try_attach(|py| py.check_signals());
            let Some(checked) = checked else {
                return false;
            };
            interrupted = checked.err();
            interrupted.is_none()
        })
    });
    pass_on_notices(py);
    interrupted.map_or(Ok(delivered), Err)
}

/// Delivers what is left and stops.
#[pyfunction]
pub(crate) fn shutdown(py: Python<'_>, timeout: f64) -> bool {
    let timeout = duration(timeout);
    let delivered = py.detach(|| recorder().shutdown(timeout));
    pass_on_notices(py);
    delivered
}

/// Seconds as given; what is no duration is none at all, and what is too long is for ever.
fn duration(seconds: f64) -> Duration {
    const FOR_EVER: Duration = Duration::from_secs(86_400 * 365);
    if seconds.is_nan() || seconds <= 0.0 {
        return Duration::ZERO;
    }
    Duration::try_from_secs_f64(seconds)
        .unwrap_or(FOR_EVER)
        .min(FOR_EVER)
}

/// What was logged and what became of it.
#[pyfunction]
pub(crate) fn stats(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    // Reading the counts waits for a fork, and the forking thread may be waiting for the interpreter.
    let stats = py.detach(|| recorder().stats());
    let result = PyDict::new(py);
    result.set_item("logged", stats.logged)?;
    set_counts(&result, &stats.total())?;
    result.set_item("unrecorded", stats.unrecorded)?;
    result.set_item("warnings", stats.warnings)?;
    let destinations = PyDict::new(py);
    for (name, counts) in &stats.destinations {
        let entry = PyDict::new(py);
        set_counts(&entry, counts)?;
        destinations.set_item(*name, entry)?;
    }
    result.set_item("destinations", destinations)?;
    Ok(result)
}

fn set_counts(dict: &Bound<'_, PyDict>, counts: &caribou::DeliveryCounts) -> PyResult<()> {
    dict.set_item("acknowledged", counts.acknowledged)?;
    dict.set_item("queued", counts.queued)?;
    dict.set_item("spooled", counts.spooled)?;
    dict.set_item("dropped", counts.dropped)?;
    dict.set_item("refused", counts.refused)
}

/// The page that shows a rollout, given by its id in either form.
#[pyfunction]
pub(crate) fn trace_url(trace_id: &str) -> PyResult<String> {
    let settings = recorder().settings().map_err(errors::from_configure)?;
    let id = caribou_model::TraceId::from_text(trace_id);
    Ok(format!("{}/traces/{id}", settings.kestrel.url))
}

/// Counts something that was not recorded as asked, and tells it once; raises it in strict mode.
#[pyfunction]
pub(crate) fn report(py: Python<'_>, message: &Bound<'_, PyString>) -> PyResult<()> {
    let reported = runtime::report_value(crate::text::copied(message));
    pass_on_notices(py);
    reported
}

/// Whether mistakes are raised: `CARIBOU_STRICT`.
#[pyfunction]
pub(crate) fn is_strict() -> bool {
    recorder().is_strict()
}

/// Takes what the recorder has to say and has not said yet.
#[pyfunction]
pub(crate) fn notices() -> Vec<String> {
    take_notices()
}

/// Called before a fork.
#[pyfunction]
pub(crate) fn before_fork() {
    fork::before();
}

/// Called in the parent after a fork.
#[pyfunction]
pub(crate) fn after_fork_in_parent() {
    fork::after_in_parent();
}

/// Called in the child after a fork.
#[pyfunction]
pub(crate) fn after_fork_in_child() {
    fork::after_in_child();
    take_notices();
    recorder().after_fork_in_child();
}
