//! The functions of this crate, which use one recorder per process.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use caribou_model::{Item, RolloutStatus, TraceId};
use serde_json::Value;

use crate::current::{Open, current};
use crate::propagation::{BAGGAGE, Remote, TRACEPARENT};
use crate::{
    Config, ConfigureError, KestrelClient, Meta, OpenError, Problem, Recorder, Scope, Stats,
};

static RECORDER: LazyLock<Recorder> = LazyLock::new(Recorder::default);

/// Delivery at the end of a program takes at most this long.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// The recorder that the functions of this crate use.
pub fn recorder() -> &'static Recorder {
    &RECORDER
}

/// Configures, or configures again: what is given replaces, what is not given stays. Without any call the first rollout
/// configures from the environment.
///
/// # Errors
/// When a phase or URL cannot be used; then nothing has changed.
///
/// ```
/// use caribou::{Config, Phase};
///
/// caribou::configure(Config::new().with_run_id("my-project").with_phase(Phase::Prod))?;
/// # Ok::<(), caribou::ConfigureError>(())
/// ```
pub fn configure(config: Config) -> Result<(), ConfigureError> {
    RECORDER.configure(config)
}

/// Opens a rollout, current on this thread until the guard is dropped. For async code see [`Open::scope`].
///
/// A rollout opened within another is linked to it; with the same trace id it is a segment of it.
///
/// ```
/// use caribou::{Message, Meta, Phase, RolloutStatus};
///
/// let rollout = caribou::trace_run(Meta::new("req_123", Phase::Prod));
/// caribou::log(Message::new("user", "Hello"));
/// caribou::set_status(RolloutStatus::Completed);
/// assert_eq!(rollout.trace_id().len(), 32);
/// ```
pub fn trace_run(meta: Meta) -> Open {
    notice_fork();
    let outer = current();
    let opened = RECORDER.open(meta, outer.as_ref(), Recorder::active_span());
    Open::new(opened.map_err(told_open).ok())
}

/// Opens a group within the current rollout: what is logged until the guard is dropped belongs to it.
///
/// ```
/// # use caribou::{Event, Meta, Phase};
/// # let rollout = caribou::trace_run(Meta::new("req_1", Phase::Eval));
/// let planner = caribou::span("planner", &[("depth", 2.into())]);
/// caribou::log(Event::new("planning"));
/// drop(planner);
/// ```
pub fn span(name: &str, attributes: &[(&str, Value)]) -> Open {
    let group = within("span", |scope| {
        let attributes = attributes
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.to_string()))
            .collect();
        scope.open_group(name, attributes)
    });
    Open::new(group)
}

/// Records a message, tool execution, grade or event in the current rollout. Copies and returns: nothing is sent on
/// this thread.
///
/// ```
/// use caribou::{Grade, Message, Meta, Phase, ToolExecution};
///
/// let rollout = caribou::trace_run(Meta::new("req_1", Phase::Eval));
/// caribou::log(Message::new("assistant", "Let me look.").with_model("gpt-4o").with_output_tokens(5_u64));
/// caribou::log(ToolExecution::new("read_file").with_arguments("{}").with_result("127.0.0.1 localhost"));
/// caribou::log(Grade::new(0.85).with_grader_type("MyGrader"));
/// # drop(rollout);
/// ```
pub fn log(item: impl Into<Item>) {
    notice_fork();
    if let Some(logged) = within("log", |scope| scope.log(item)) {
        told(logged);
    }
}

/// Adds metadata of the rollout; a later value replaces an earlier one.
///
/// ```
/// # let rollout = caribou::trace_run(caribou::Meta::new("req_1", caribou::Phase::Eval));
/// caribou::add_meta([("tool_call_count", 5.into()), ("customer_id", "cust_123".into())]);
/// ```
pub fn add_meta<K: Into<String>>(data: impl IntoIterator<Item = (K, Value)>) {
    within("add_meta", |scope| {
        scope.add_metadata(
            data.into_iter()
                .map(|(key, value)| (key.into(), value.to_string())),
        );
    });
}

/// Adds tags to the rollout, to filter by.
///
/// ```
/// # let rollout = caribou::trace_run(caribou::Meta::new("req_1", caribou::Phase::Eval));
/// caribou::add_tags(["ablation_v2", "dataset_v2"]);
/// ```
pub fn add_tags<T: Into<String>>(tags: impl IntoIterator<Item = T>) {
    within("add_tags", |scope| {
        scope.add_tags(tags.into_iter().map(Into::into));
    });
}

/// Says how the rollout ended. The last call counts.
pub fn set_status(status: RolloutStatus) {
    if let Some(set) = within("set_status", |scope| {
        scope.set_status(status.as_str(), None)
    }) {
        told(set);
    }
}

/// Says how the rollout ended, and what went wrong.
pub fn set_status_with_message(status: RolloutStatus, error_message: impl Into<String>) {
    let message = Some(error_message.into());
    if let Some(set) = within("set_status", |scope| {
        scope.set_status(status.as_str(), message)
    }) {
        told(set);
    }
}

/// Marks the innermost group, or else the rollout, as failed.
pub fn set_error(message: impl Into<String>) {
    within("set_error", |scope| scope.set_error(message.into()));
}

/// Advances to the next turn and its first place.
pub fn increment_turn() {
    change_turns("increment_turn", caribou_model::TurnCounter::increment_turn);
}

/// Leaves one place of the turn out.
pub fn increment_intra() {
    change_turns(
        "increment_intra",
        caribou_model::TurnCounter::increment_intra,
    );
}

/// Goes to a turn, leaving the next place within it as it is.
pub fn set_turn_index(turn: i32) {
    change_turns("set_turn_index", |turns| turns.set_turn(turn));
}

/// Sets the next place within the turn.
pub fn set_intra_index(intra: i32) {
    change_turns("set_intra_index", |turns| turns.set_intra(intra));
}

fn change_turns(call: &str, change: impl FnOnce(&mut caribou_model::TurnCounter)) {
    within(call, |scope| scope.change_turns(change));
}

/// The id of the current rollout: as given, else 32 hex digits.
pub fn current_trace_id() -> Option<String> {
    current().map(|scope| scope.trace_id().to_owned())
}

/// The page that shows a rollout, given by its id in either form.
///
/// # Errors
/// When the environment holds a phase or URL that cannot be used.
pub fn trace_url(trace_id: &str) -> Result<String, ConfigureError> {
    RECORDER.trace_url(trace_id)
}

impl Recorder {
    /// The page that shows a rollout, given by its id in either form.
    ///
    /// # Errors
    /// When the environment holds a phase or URL that cannot be used.
    pub fn trace_url(&self, trace_id: &str) -> Result<String, ConfigureError> {
        let settings = self.settings()?;
        let id = TraceId::from_text(trace_id);
        Ok(format!("{}/traces/{id}", settings.kestrel.url))
    }
}

/// The headers that carry the current rollout to another process, for [`extract`] there; `baggage` is what the request
/// carries already.
pub fn inject(baggage: Option<&str>) -> Option<[(&'static str, String); 2]> {
    within("inject", |scope| {
        [
            (TRACEPARENT, scope.traceparent()),
            (BAGGAGE, scope.baggage(baggage)),
        ]
    })
}

/// Continues a rollout of another process until the guard is dropped. It never sets the rollout's status.
///
/// ```
/// use caribou::Event;
///
/// let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let work = caribou::extract(traceparent, Some("caribou.project=my-agent"));
/// caribou::log(Event::new("in_the_worker"));
/// assert_eq!(work.trace_id(), "0af7651916cd43dd8448eb211c80319c");
/// ```
pub fn extract(traceparent: &str, baggage: Option<&str>) -> Open {
    notice_fork();
    let Some(remote) = Remote::from_headers(traceparent, baggage) else {
        told(RECORDER.report(Problem::NoTraceContext(traceparent.to_owned())));
        return Open::new(None);
    };
    let opened = RECORDER.open_worker(&remote, current().as_ref());
    Open::new(opened.map_err(told_open).ok())
}

/// Waits until everything logged before is delivered. False where that took longer than `timeout`, where something was
/// refused or dropped since the last call, or at once where all that is left is on disk and its destination is away, or
/// waits there for the end of a rollout.
pub fn flush(timeout: Duration) -> bool {
    RECORDER.flush(timeout)
}

/// Delivers what is left, within five seconds, and stops; call it at the end of `main`. False where something was left; it
/// stays on disk, for the next program that records to the same destination.
pub fn shutdown() -> bool {
    RECORDER.shutdown(SHUTDOWN_TIMEOUT)
}

/// What was logged and what became of it.
pub fn stats() -> Stats {
    RECORDER.stats()
}

/// The client of the Kestrel that is configured.
///
/// # Errors
/// When the environment holds a phase or URL that cannot be used.
pub fn kestrel_client() -> Result<Arc<KestrelClient>, ConfigureError> {
    RECORDER.kestrel_client()
}

/// Calls `use_scope` with the current scope; without one that is counted and told once.
fn within<T>(call: &str, use_scope: impl FnOnce(&Scope) -> T) -> Option<T> {
    let scope = current();
    if scope.is_none() {
        told(RECORDER.report(Problem::OutsideRollout {
            call: call.to_owned(),
        }));
    }
    scope.as_ref().map(use_scope)
}

/// A child that forked without telling must not use its parent's threads and ids.
fn notice_fork() {
    if RECORDER.is_of_another_process() {
        RECORDER.after_fork_in_child();
    }
}

/// A problem comes back only in strict mode, which tests turn on to have it noticed.
#[expect(clippy::panic, reason = "what strict mode is for")]
fn told(reported: Result<(), Problem>) {
    if let Err(problem) = reported {
        panic!("{problem}");
    }
}

fn told_open(error: OpenError) {
    match error {
        OpenError::Problem(problem) => told(Err(problem)),
        other => told(RECORDER.report(Problem::Value(format!("no rollout was opened: {other}")))),
    }
}
