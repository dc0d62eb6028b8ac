//! Forking while the recorder runs.
//!
//! A thread that holds a lock while another thread forks leaves it locked for ever in the child. The recorder's own
//! threads therefore take their locks only while they hold off forks, and whoever forks announces it with
//! [`before`] and [`after_in_parent`], or [`after_in_child`] and [`crate::Recorder::after_fork_in_child`].
//!
//! The first HTTP request of a process initialises statics of the HTTP client. A child forked in that moment would wait
//! for ever for a thread that it does not have, so a fork waits for the first request, though not for long.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

static FORKING: RwLock<()> = RwLock::new(());

/// A request has come to its end in this process, or in one that it was forked from.
static REQUESTED: AtomicBool = AtomicBool::new(false);
/// First requests that are under way; not a lock, which could be caught locked.
static FIRST_REQUESTS: AtomicUsize = AtomicUsize::new(0);
/// A program that forks is not held up longer by a server that does not answer.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

thread_local! {
    static ANNOUNCED: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Keeps forks away while the guard lives; for the recorder's own threads, and others for as long as they hold none of
/// the locks that the forking thread may need, such as Python's.
pub(crate) fn hold_off() -> RwLockReadGuard<'static, ()> {
    FORKING.read().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a fork would have to wait now.
#[cfg(test)]
pub(crate) fn is_held_off() -> bool {
    FORKING.try_write().is_err()
}

/// Has a fork wait while the guard lives, if it is the guard of a first request.
pub(crate) fn first_request() -> Option<FirstRequest> {
    (!REQUESTED.load(Ordering::Relaxed)).then(|| {
        let _still = hold_off();
        FIRST_REQUESTS.fetch_add(1, Ordering::AcqRel);
        FirstRequest
    })
}

/// A request that may be the first of the process.
pub(crate) struct FirstRequest;

impl Drop for FirstRequest {
    fn drop(&mut self) {
        REQUESTED.store(true, Ordering::Relaxed);
        FIRST_REQUESTS.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Waits until no thread of the recorder holds a lock, and keeps it that way. Call before a fork.
pub fn before() {
    let deadline = Instant::now() + LONGEST_WAIT;
    let guard = loop {
        let guard = FORKING.write().unwrap_or_else(PoisonError::into_inner);
        let requesting = FIRST_REQUESTS.load(Ordering::Acquire) > 0;
        if !requesting || Instant::now() >= deadline {
            break guard;
        }
        drop(guard);
        std::thread::sleep(Duration::from_micros(200));
    };
    ANNOUNCED.with_borrow_mut(|announced| *announced = Some(guard));
}

/// Lets the recorder's threads go on. Call in the parent after a fork.
pub fn after_in_parent() {
    ANNOUNCED.with_borrow_mut(Option::take);
}

/// Frees what [`before`] held. Call in the child after a fork.
pub fn after_in_child() {
    FIRST_REQUESTS.store(0, Ordering::Release);
    after_in_parent();
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};

    use test_support::ReservedAddress;

    use super::*;
    use crate::{Config, Event, Meta, Phase, Recorder};

    #[test]
    fn a_fork_waits_while_a_shutdown_says_what_it_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let nobody = ReservedAddress::new();
        let told: Arc<Mutex<Vec<(String, bool)>>> = Arc::default();
        let report = Arc::clone(&told);
        let reporter = Arc::new(move |message: &str| {
            let said = (message.to_owned(), is_held_off());
            report.lock().unwrap().push(said);
        });
        let recorder = Recorder::new(Box::new(BTreeMap::<String, String>::new()), reporter);
        let config = Config::new()
            .with_kestrel_api_url(format!("http://{nobody}"))
            .with_spool_dir(folder.path());
        recorder.configure(config).unwrap();
        let scope = recorder
            .open(Meta::new("d", Phase::Eval), None, None)
            .unwrap();
        scope.log(Event::new("left")).unwrap();
        drop(scope);
        assert!(!recorder.shutdown(Duration::from_secs(60)));
        let told = told.lock().unwrap();
        let left = told.iter().find(|said| said.0.contains("wait for"));
        assert!(left.is_some_and(|said| said.1), "{told:?}");
    }
}
