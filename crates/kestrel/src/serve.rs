//! `kestrel serve`: from settings to a running server, and back.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use caribou_clickhouse::Store;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answers::MAX_LARGE_AT_ONCE;
use crate::backend::{Backend, remote_connection};
use crate::images::Images;
use crate::ingest::Ingest;
use crate::listener;
use crate::live::LiveHub;
use crate::metrics::Metrics;
use crate::routes;
use crate::settings::{ClickHouseSettings, Settings, StoreSettings};
use crate::state::App;

/// How long running requests may take when the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long what was taken in may take to be stored and summed up when the server stops.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a started server can be reached.
#[derive(Clone, Debug)]
pub struct Ready {
    /// Address of the API and the pages.
    pub url: String,
    /// Address of OTLP over gRPC.
    pub otlp_grpc: Option<SocketAddr>,
    /// Further address of OTLP over HTTP.
    pub otlp_http: Option<SocketAddr>,
    /// Where rollouts are kept.
    store: String,
}

impl fmt::Display for Ready {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "kestrel is ready: {} (data in {}",
            self.url, self.store
        )?;
        if let Some(address) = self.otlp_grpc {
            write!(formatter, ", OTLP gRPC on {address}")?;
        }
        if let Some(address) = self.otlp_http {
            write!(formatter, ", OTLP HTTP on {address}")?;
        }
        formatter.write_str(")")
    }
}

/// Serves until `stop`; calls `ready` once requests are answered.
///
/// # Errors
/// When an address cannot be used, the engine or server cannot be reached, or its tables cannot be brought up to date.
pub async fn serve(
    settings: Settings,
    stop: CancellationToken,
    ready: impl FnOnce(&Ready),
) -> anyhow::Result<()> {
    let listeners = Listeners::bind(&settings)?;
    let (backend, connection) = Backend::start(&settings.store).await?;
    let backend = Arc::new(backend);
    let served = run(
        &settings,
        listeners,
        &backend,
        Store::connect(&connection)?,
        stop,
        ready,
    )
    .await;
    tokio::task::spawn_blocking(move || backend.shutdown())
        .await
        .context("stopping the engine")?;
    served
}

/// Brings the tables of a server up to date.
///
/// # Errors
/// When the server cannot be reached, refuses, or holds tables of a newer version.
pub async fn migrate(settings: &ClickHouseSettings) -> anyhow::Result<()> {
    let store = Store::connect(&remote_connection(settings))?;
    store
        .migrate()
        .await
        .context("cannot bring the tables up to date")
}

struct Listeners {
    main: TcpListener,
    otlp_grpc: Option<TcpListener>,
    otlp_http: Option<TcpListener>,
}

impl Listeners {
    fn bind(settings: &Settings) -> anyhow::Result<Self> {
        let optional = |address: Option<SocketAddr>, option| {
            let bound = address.map(|address| listener::bind(address, option));
            bound.transpose()
        };
        Ok(Self {
            main: listener::bind(settings.listen, "--listen")?,
            otlp_grpc: optional(settings.otlp_grpc, "--otlp-grpc")?,
            otlp_http: optional(settings.otlp_http, "--otlp-http")?,
        })
    }

    fn ready(&self, settings: &Settings) -> anyhow::Result<Ready> {
        let address = |listener: &Option<TcpListener>| {
            listener.as_ref().map(TcpListener::local_addr).transpose()
        };
        Ok(Ready {
            url: format!("http://{}", self.main.local_addr()?),
            otlp_grpc: address(&self.otlp_grpc)?,
            otlp_http: address(&self.otlp_http)?,
            store: match &settings.store {
                StoreSettings::Embedded(embedded) => embedded.data_dir.display().to_string(),
                StoreSettings::Remote(remote) => {
                    format!("{} database {}", remote.url, remote.database)
                }
            },
        })
    }
}

async fn run(
    settings: &Settings,
    listeners: Listeners,
    backend: &Arc<Backend>,
    store: Store,
    stop: CancellationToken,
    ready: impl FnOnce(&Ready),
) -> anyhow::Result<()> {
    store
        .migrate()
        .await
        .context("cannot bring the tables up to date")?;
    let reachable = listeners.ready(settings)?;

    // Stopped in this order: connections, then what they left in memory. See `stop_orderly`.
    let stop_work = CancellationToken::new();
    let connections = TaskTracker::new();
    let work = TaskTracker::new();
    let metrics = Arc::new(Metrics::default());
    let images = Images::start(&settings.images, &store, &metrics, &stop_work, &work)?;
    let limits = settings.limits;
    let ingest = Ingest::start(&store, images.clone(), limits, &metrics, &stop_work, &work);
    let live = LiveHub::start(&store, &metrics, &stop_work, &work);
    work.spawn(Arc::clone(backend).count_restarts(Arc::clone(&metrics), stop_work.clone()));
    let app = App {
        store,
        backend: Arc::clone(backend),
        ingest,
        images,
        live,
        metrics,
        large_answers: Arc::new(Semaphore::new(MAX_LARGE_AT_ONCE)),
        base_url: reachable.url.as_str().into(),
        stop: stop.clone(),
    };
    let accept = |listener, router: Router| {
        connections.spawn(listener::serve(
            listener,
            router,
            stop.clone(),
            connections.clone(),
        ));
    };
    accept(listeners.main, routes::router(app.clone()));
    if let Some(listener) = listeners.otlp_http {
        accept(listener, routes::otlp_router(app.clone()));
    }
    if let Some(listener) = listeners.otlp_grpc {
        accept(listener, routes::grpc_router(app.clone()));
    }
    drop(app);
    ready(&reachable);
    stop.cancelled().await;
    stop_orderly(&connections, &stop_work, &work).await;
    Ok(())
}

async fn stop_orderly(
    connections: &TaskTracker,
    stop_work: &CancellationToken,
    work: &TaskTracker,
) {
    connections.close();
    if tokio::time::timeout(DRAIN_TIMEOUT, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!("some requests did not finish in time; they were not acknowledged");
    }
    stop_work.cancel();
    work.close();
    if tokio::time::timeout(FLUSH_TIMEOUT, work.wait())
        .await
        .is_err()
    {
        tracing::warn!("some summaries are not up to date; the next start computes them");
    }
}
