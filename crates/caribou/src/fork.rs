//! Forking while the recorder runs.
//!
//! A thread that holds a lock while another thread forks leaves it locked for ever in the child. The recorder's own
//! threads therefore take their locks only while they hold off forks, and whoever forks announces it with
//! [`before`] and [`after_in_parent`], or [`after_in_child`] and [`crate::Recorder::after_fork_in_child`].

use std::cell::RefCell;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static FORKING: RwLock<()> = RwLock::new(());

thread_local! {
    static ANNOUNCED: RefCell<Option<RwLockWriteGuard<'static, ()>>> = const { RefCell::new(None) };
}

/// Keeps forks away while the guard lives; for the recorder's own threads, and others for as long as they hold none of
/// the locks that the forking thread may need, such as Python's.
pub(crate) fn hold_off() -> RwLockReadGuard<'static, ()> {
    FORKING.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until no thread of the recorder holds a lock, and keeps it that way. Call before a fork.
pub fn before() {
    let guard = FORKING.write().unwrap_or_else(PoisonError::into_inner);
    ANNOUNCED.with_borrow_mut(|announced| *announced = Some(guard));
}

/// Lets the recorder's threads go on. Call in the parent after a fork.
pub fn after_in_parent() {
    ANNOUNCED.with_borrow_mut(Option::take);
}

/// Frees what [`before`] held. Call in the child after a fork.
pub fn after_in_child() {
    after_in_parent();
}
