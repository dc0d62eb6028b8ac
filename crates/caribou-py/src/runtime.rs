//! The process's recorder, and how what it has to say reaches Python's `logging`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use caribou::environment::ProcessEnvironment;
use caribou::{Problem, Recorder};
use pyo3::prelude::*;

use crate::errors;
use crate::registry::registry;

/// Notices wait here for the next call from Python. The recorder's own threads never attach to the interpreter: they
/// could not while it shuts down, and must not while a fork waits for them.
static NOTICES: Mutex<Vec<String>> = Mutex::new(Vec::new());
static NOTICED: AtomicBool = AtomicBool::new(false);

static RECORDER: LazyLock<Recorder> = LazyLock::new(|| {
    let reporter = Arc::new(|message: &str| {
        NOTICES
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(message.to_owned());
        NOTICED.store(true, Ordering::Release);
    });
    Recorder::new(Box::new(ProcessEnvironment), reporter)
});

/// The process's recorder.
pub(crate) fn recorder() -> &'static Recorder {
    &RECORDER
}

/// Takes what the recorder has to say.
pub(crate) fn take_notices() -> Vec<String> {
    NOTICED.store(false, Ordering::Relaxed);
    std::mem::take(&mut *NOTICES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Passes on what the recorder has to say. Cheap where it has nothing to say.
pub(crate) fn pass_on_notices(py: Python<'_>) {
    if NOTICED.load(Ordering::Acquire) {
        let notices = take_notices();
        // A handler that fails is the program's own affair, and not a reason to fail its log() call.
        if let Err(error) = registry(py).and_then(|registry| registry.warn.call1(py, (notices,))) {
            error.write_unraisable(py, None);
        }
    }
}

/// Counts a problem and tells it once; in strict mode raises it.
pub(crate) fn report(problem: Problem) -> PyResult<()> {
    recorder().report(problem).map_err(errors::from_problem)
}

/// Counts a value that was left out or replaced.
pub(crate) fn report_value(message: String) -> PyResult<()> {
    report(Problem::Value(message))
}
