//! The thread that computes summaries again, at most once a second.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use caribou_clickhouse::{TraceKey, recompute_statements};

use super::http::{Failed, Http};

/// Gathers the traces that were written to.
pub(super) struct Summaries {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    touched: BTreeSet<TraceKey>,
    closing: bool,
}

/// The lists of traces stand in the statements.
const SETTINGS: [(&str, &str); 3] = [
    ("max_query_size", "16777216"),
    ("max_ast_elements", "1000000"),
    ("max_expanded_ast_elements", "1000000"),
];

impl Summaries {
    /// The spans of one trace come in a row.
    const GATHER: Duration = Duration::from_millis(200);
    const PAUSE: Duration = Duration::from_millis(800);

    pub(super) fn start(http: Http) -> Self {
        let shared: Arc<Shared> = Arc::default();
        let worker = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("caribou-summaries".to_owned())
            .spawn(move || worker.work(&http))
            .inspect_err(|error| {
                tracing::warn!(target: "caribou", "no thread for summaries, Kestrel will make them: {error}");
            })
            .ok();
        Self { shared, thread }
    }

    /// Notes that spans of these traces are stored.
    pub(super) fn touch(&self, traces: impl IntoIterator<Item = TraceKey>) {
        self.shared.lock().touched.extend(traces);
        self.shared.changed.notify_all();
    }

    /// Computes what is left and ends the thread.
    pub(super) fn finish(&mut self) {
        self.shared.lock().closing = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic in there has been printed already.
            thread.join().ok();
        }
    }
}

impl Shared {
    fn work(&self, http: &Http) {
        loop {
            self.wait_while(None, |state| state.touched.is_empty());
            self.wait_while(Some(Summaries::GATHER), |_| true);
            let (touched, closing) = {
                let mut state = self.lock();
                (std::mem::take(&mut state.touched), state.closing)
            };
            if touched.is_empty() && closing {
                return;
            }
            let traces: Vec<TraceKey> = touched.iter().cloned().collect();
            if let Err(failed) = recompute(http, &traces) {
                tracing::debug!(target: "caribou", "summaries are not up to date yet: {}", failed.reason);
                if closing {
                    tracing::warn!(
                        target: "caribou",
                        "the summaries of {} rollouts could not be computed and are when Kestrel starts: {}",
                        traces.len(),
                        failed.reason
                    );
                    return;
                }
                self.lock().touched.extend(touched);
            }
            self.wait_while(Some(Summaries::PAUSE), |_| true);
        }
    }

    /// Waits while a condition holds, at most as long as this, and never once it is closing.
    fn wait_while(&self, limit: Option<Duration>, holds: impl Fn(&State) -> bool) {
        let waits = |state: &mut State| !state.closing && holds(state);
        let state = self.lock();
        match limit {
            Some(limit) => drop(self.changed.wait_timeout_while(state, limit, waits)),
            None => drop(self.changed.wait_while(state, waits)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn recompute(http: &Http, traces: &[TraceKey]) -> Result<(), Failed> {
    for statement in recompute_statements(traces) {
        http.run(&statement, &SETTINGS)?;
    }
    Ok(())
}
