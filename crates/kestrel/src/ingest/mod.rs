//! The one way in: bytes of a request become rows, rows become an insert, an insert becomes an acknowledgement.

mod commit;
mod summaries;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use caribou_clickhouse::{SpanBlock, Store, TraceKey};
use caribou_model::{SpanRecord, TraceId};
use caribou_otlp::response::{Encoding, PartialSuccess};
use caribou_otlp::{DecodeError, Defaults};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::commit::CommitError;
use self::commit::{Committer, Rows};
use self::summaries::Stale;
use crate::body::{BodyError, Compression};
use crate::budget::{ByteBudget, Charge};
use crate::images::{self, Images, ImagesUnavailable, ProjectImage};
use crate::metrics::Metrics;
use crate::settings::Limits;

/// Bodies up to this size are decoded where they are received: handing them over would cost more.
const INLINE_BYTES: usize = 16 << 10;

/// What a client sent.
#[derive(Debug)]
pub(crate) struct Payload {
    /// The bytes as sent.
    pub(crate) sent: Vec<u8>,
    /// How they are compressed.
    pub(crate) compression: Compression,
    /// How the spans are written down.
    pub(crate) encoding: Encoding,
    /// What the bytes hold of the budget.
    pub(crate) charge: Charge,
}

/// Why nothing of a request was stored, as far as is known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IngestError {
    /// The body is larger, slower or otherwise not what it must be.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The body is not what its type says.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The store did not take it.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The image store did not take what the spans hold.
    #[error(transparent)]
    Images(#[from] ImagesUnavailable),
    /// The decoder failed: a fault of ours.
    #[error("the server could not decode the request")]
    Panicked,
}

/// Takes in spans.
#[derive(Clone, Debug)]
pub(crate) struct Ingest {
    committer: Committer,
    images: Images,
    budget: Arc<ByteBudget>,
    decoders: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    /// What one request may bring.
    pub(crate) limits: Limits,
}

impl Ingest {
    /// Starts the tasks behind ingest; they end after `stop`, when what had been taken in is stored and summed up.
    pub(crate) fn start(
        store: &Store,
        images: Images,
        limits: Limits,
        metrics: &Arc<Metrics>,
        stop: &CancellationToken,
        tracker: &TaskTracker,
    ) -> Self {
        let stale = Arc::new(Stale::default());
        let committer = commit::start(
            store.clone(),
            Arc::clone(&stale),
            Arc::clone(metrics),
            stop.clone(),
            tracker,
        );
        tracker.spawn(summaries::keep_fresh(
            store.clone(),
            stale,
            Arc::clone(metrics),
            stop.clone(),
        ));
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            committer,
            images,
            budget: ByteBudget::new(limits.max_queue_bytes),
            decoders: Arc::new(Semaphore::new(cores)),
            metrics: Arc::clone(metrics),
            limits,
        }
    }

    /// The memory that requests share.
    pub(crate) fn budget(&self) -> &Arc<ByteBudget> {
        &self.budget
    }

    /// Stores the spans of a request; returns after they are durable.
    pub(crate) async fn accept(&self, payload: Payload) -> Result<PartialSuccess, IngestError> {
        let Decoded {
            rows,
            images,
            accepted,
            charge,
        } = self.decode(payload).await?;
        if !images.is_empty() {
            self.images.keep(images).await?;
        }
        if rows.block.rows() > 0 {
            self.committer.commit(rows, charge).await?;
        }
        self.metrics.spans_rejected.add(accepted.rejected);
        Ok(accepted)
    }

    async fn decode(&self, payload: Payload) -> Result<Decoded, IngestError> {
        let limit = self.limits.max_body_bytes;
        if payload.sent.len() <= INLINE_BYTES && payload.compression == Compression::None {
            return decode(payload, limit);
        }
        let Ok(_permit) = self.decoders.acquire().await else {
            return Err(IngestError::Panicked);
        };
        tokio::task::spawn_blocking(move || decode(payload, limit))
            .await
            .unwrap_or(Err(IngestError::Panicked))
    }
}

/// What a request holds, ready to be stored.
struct Decoded {
    rows: Rows,
    images: Vec<ProjectImage>,
    accepted: PartialSuccess,
    charge: Charge,
}

fn decode(payload: Payload, limit: usize) -> Result<Decoded, IngestError> {
    let mut charge = payload.charge;
    let body = payload
        .compression
        .decompress(payload.sent, limit, &mut charge)?;
    // The rows and images are about as large as what they are made from.
    charge.grow(body.len()).map_err(BodyError::from)?;
    let defaults = Defaults {
        received_at: now_nanos(),
        ..Defaults::default()
    };
    let mut decoded = match payload.encoding {
        Encoding::Protobuf => caribou_otlp::decode_protobuf(&body, &defaults)?,
        Encoding::Json => caribou_otlp::decode_json(&body, &defaults)?,
    };
    let accepted = PartialSuccess {
        rejected: decoded.rejected_count,
        message: decoded.rejected_message().unwrap_or_default(),
    };
    let images = images::lift_spans(&mut decoded.spans);
    let rows = Rows {
        block: SpanBlock::encode(&decoded.spans),
        touched: touched(&decoded.spans),
    };
    Ok(Decoded {
        rows,
        images,
        accepted,
        charge,
    })
}

/// The traces that spans belong to, each once.
fn touched(spans: &[SpanRecord<'_>]) -> Vec<TraceKey> {
    let distinct: HashSet<(&str, TraceId)> = spans
        .iter()
        .map(|span| (span.project.as_ref(), span.trace_id))
        .collect();
    let keys = distinct.into_iter();
    keys.map(|(project, trace_id)| TraceKey::new(project, trace_id))
        .collect()
}

fn now_nanos() -> i64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX)
}
