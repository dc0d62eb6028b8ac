//! What the recorder has to tell the program's owner, each thing once.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Takes what the recorder has to say; called on any thread, must not block.
pub type Reporter = Arc<dyn Fn(&str) + Send + Sync>;

/// Tells each kind of thing once.
pub(crate) struct Notices {
    reporter: Reporter,
    told: Mutex<HashSet<String>>,
}

impl Notices {
    pub(crate) fn new(reporter: Reporter) -> Self {
        Self {
            reporter,
            told: Mutex::default(),
        }
    }

    /// Tells it now.
    pub(crate) fn tell(&self, message: &str) {
        (self.reporter)(message);
    }

    /// Tells it if nothing was told under this key before.
    pub(crate) fn tell_once(&self, key: &str, message: impl FnOnce() -> String) {
        let first = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            !told.contains(key) && told.insert(key.to_owned())
        };
        if first {
            self.tell(&message());
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Notices").finish_non_exhaustive()
    }
}

/// Says it through `tracing`, as a warning of the target `caribou`.
pub(crate) fn tracing_reporter() -> Reporter {
    Arc::new(|message| tracing::warn!(target: "caribou", "{message}"))
}
