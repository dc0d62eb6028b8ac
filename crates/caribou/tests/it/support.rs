//! A recorder of a test's own, so that tests do not see each other's settings.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use caribou::{Config, Meta, Phase, Recorder, Scope};
use test_support::Sink;

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A recorder, the server it sends to, and what it had to say.
pub(crate) struct Recording {
    pub(crate) recorder: Recorder,
    pub(crate) sink: Sink,
    pub(crate) notices: Arc<Mutex<Vec<String>>>,
}

impl Recording {
    pub(crate) fn start() -> Self {
        Self::with_environment(&[])
    }

    pub(crate) fn with_environment(variables: &[(&str, &str)]) -> Self {
        let environment: BTreeMap<String, String> = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let notices: Arc<Mutex<Vec<String>>> = Arc::default();
        let told = Arc::clone(&notices);
        let recorder = Recorder::new(
            Box::new(environment),
            Arc::new(move |message: &str| told.lock().unwrap().push(message.to_owned())),
        );
        let sink = Sink::start();
        let config = Config::new()
            .with_kestrel_api_url(sink.url())
            .with_project("test-project");
        recorder.configure(config).unwrap();
        Self {
            recorder,
            sink,
            notices,
        }
    }

    pub(crate) fn open(&self, meta: Meta) -> Scope {
        self.recorder.open(meta, None, None).unwrap()
    }

    pub(crate) fn open_one(&self) -> Scope {
        self.open(Meta::new("d", Phase::Eval))
    }

    pub(crate) fn flush(&self) -> bool {
        self.recorder.flush(PATIENCE)
    }

    pub(crate) fn told(&self, text: &str) -> usize {
        let notices = self.notices.lock().unwrap();
        notices
            .iter()
            .filter(|notice| notice.contains(text))
            .count()
    }
}
