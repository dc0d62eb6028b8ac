//! The ClickHouse behind the store: the embedded engine or a server elsewhere.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use caribou_clickhouse::{Cluster, Connection, Store};
use kestrel_engine::{
    ChildCommand, DEFAULT_MAX_MEMORY_BYTES, Engine, EngineOptions, EngineState, LibrarySearch,
};
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::metrics::Metrics;
use crate::settings::{ClickHouseSettings, EngineSettings, StoreSettings};

/// Hidden subcommand that leads this executable to the engine's child half.
pub(crate) const CHILD_SUBCOMMAND: &str = "engine-child";

/// Where the engine keeps its files inside the data folder.
const ENGINE_FOLDER: &str = "engine";

/// How long the engine may take to finish its requests when it is stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a readiness check waits for the store.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// How often the engine's process is looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);

/// What stands in the way of the store.
#[derive(Debug)]
pub(crate) struct Problem {
    /// `restarting` or `unavailable`.
    pub(crate) state: &'static str,
    /// For people.
    pub(crate) message: String,
}

/// The ClickHouse behind the store.
#[derive(Debug)]
pub(crate) enum Backend {
    /// The engine that this process started.
    Embedded(Mutex<Engine>),
    /// A server elsewhere.
    Remote,
}

impl Backend {
    /// Starts the engine, or takes the address of the server, and says how to reach it.
    pub(crate) async fn start(settings: &StoreSettings) -> anyhow::Result<(Self, Connection)> {
        match settings {
            StoreSettings::Remote(remote) => Ok((Self::Remote, remote_connection(remote))),
            StoreSettings::Embedded(embedded) => {
                let options = engine_options(embedded)?;
                let engine = tokio::task::spawn_blocking(|| Engine::start(options))
                    .await
                    .context("starting the engine")??;
                publish_port(&embedded.data_dir, &engine.url())?;
                let connection = Connection::new(engine.url())
                    .with_credentials(engine.user(), engine.password());
                Ok((Self::Embedded(Mutex::new(engine)), connection))
            }
        }
    }

    /// `embedded` or `remote`.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "embedded",
            Self::Remote => "remote",
        }
    }

    /// What stands in the way of the store now.
    pub(crate) async fn problem(&self, store: &Store) -> Option<Problem> {
        if let Self::Embedded(engine) = self {
            let state = engine
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .state();
            if let Some(problem) = engine_problem(state) {
                return Some(problem);
            }
        }
        let message = match tokio::time::timeout(PING_TIMEOUT, store.ping()).await {
            Ok(Ok(())) => return None,
            Ok(Err(error)) => chain(&error),
            Err(_) => "the store does not answer".to_owned(),
        };
        Some(Problem {
            state: "unavailable",
            message,
        })
    }

    /// Counts restarts of the engine, until `stop`.
    pub(crate) async fn count_restarts(
        self: Arc<Self>,
        metrics: Arc<Metrics>,
        stop: CancellationToken,
    ) {
        let mut last = self.pid();
        while stop
            .run_until_cancelled(tokio::time::sleep(WATCH_INTERVAL))
            .await
            .is_some()
        {
            let pid = self.pid();
            if pid.is_some() && pid != last {
                metrics.engine_restarts.add(1);
                last = pid;
            }
        }
    }

    fn pid(&self) -> Option<u32> {
        match self {
            Self::Embedded(engine) => engine.lock().unwrap_or_else(PoisonError::into_inner).pid(),
            Self::Remote => None,
        }
    }

    /// Ends the engine; blocks until it has ended, for a bounded time.
    pub(crate) fn shutdown(&self) {
        if let Self::Embedded(engine) = self {
            let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
            if !engine.shutdown(STOP_TIMEOUT) {
                tracing::warn!(
                    "the engine did not end in time and was killed; nothing acknowledged is lost"
                );
            }
        }
    }
}

fn engine_problem(state: EngineState) -> Option<Problem> {
    let (state, message) = match state {
        EngineState::Ready => return None,
        EngineState::Starting => ("restarting", "the engine is starting".to_owned()),
        EngineState::Restarting { last_error } => ("restarting", last_error),
        EngineState::Failed { last_error } => ("unavailable", last_error),
        EngineState::Stopped => ("unavailable", "the server is stopping".to_owned()),
    };
    Some(Problem { state, message })
}

fn engine_options(settings: &EngineSettings) -> anyhow::Result<EngineOptions> {
    let mut search = LibrarySearch::from_environment();
    search.explicit.clone_from(&settings.library);
    Ok(EngineOptions {
        data_dir: absolute(&settings.data_dir)?.join(ENGINE_FOLDER),
        library: search.find()?,
        password: settings
            .password
            .as_ref()
            .map(|password| password.reveal().to_owned()),
        max_memory_bytes: settings
            .max_memory_bytes
            .unwrap_or(DEFAULT_MAX_MEMORY_BYTES),
        child_command: ChildCommand::this_executable(CHILD_SUBCOMMAND)?,
    })
}

/// Writes down where the engine listens, for people who look into the tables with another client.
fn publish_port(data_dir: &Path, url: &str) -> anyhow::Result<()> {
    let port = url.rsplit(':').next().unwrap_or_default();
    let file = data_dir.join(ENGINE_FOLDER).join("port");
    std::fs::write(&file, port).with_context(|| format!("cannot write {}", file.display()))
}

fn absolute(folder: &Path) -> anyhow::Result<std::path::PathBuf> {
    std::path::absolute(folder)
        .with_context(|| format!("cannot use the data folder {}", folder.display()))
}

/// How to reach a server elsewhere.
pub(crate) fn remote_connection(settings: &ClickHouseSettings) -> Connection {
    let connection = Connection::new(&settings.url)
        .with_credentials(&settings.user, settings.password.reveal())
        .with_database(&settings.database);
    match &settings.cluster {
        Some(name) => connection.with_cluster(Cluster { name: name.clone() }),
        None => connection,
    }
}
