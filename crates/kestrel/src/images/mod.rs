//! Images and other binaries: out of the rows, into an object store, and back to who may see them.
//!
//! What refers to an image is acknowledged only after the image is stored and the project is known to have stored it.

mod blobs;
mod recorder;

use std::sync::Arc;

use bytes::Bytes;
use caribou_clickhouse::{ImageRow, Store, StoreError};
use caribou_images::KnownImages;
pub(crate) use caribou_images::{ProjectImage, lift_spans};
use object_store::GetResult;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::blobs::Blobs;
use self::recorder::Recorder;
use crate::error::chain;
use crate::metrics::Metrics;
use crate::settings::ImageSettings;

/// Writes to the object store under way at once.
const MAX_PUTS: usize = 16;

/// Images could not be stored; later they can.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the image store does not take images at the moment; try again in a moment")]
pub(crate) struct ImagesUnavailable;

/// Why a stored image cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The tables cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The object store does not answer.
    #[error("the image store does not answer at the moment; try again")]
    Blobs(#[source] object_store::Error),
}

/// Keeps images; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    blobs: Arc<Blobs>,
    store: Store,
    recorder: Recorder,
    known: Arc<KnownImages>,
    puts: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Images {
    /// Opens the object store and starts the task that records images; it ends after `stop`.
    ///
    /// # Errors
    /// When the settings cannot be used. That the object store is away is no error: it may come back.
    pub(crate) fn start(
        settings: &ImageSettings,
        store: &Store,
        metrics: &Arc<Metrics>,
        stop: &CancellationToken,
        tracker: &TaskTracker,
    ) -> anyhow::Result<Self> {
        let blobs = Arc::new(Blobs::open(settings)?);
        let recorder = recorder::start(store.clone(), stop.clone(), tracker);
        tracker.spawn(warn_if_unusable(Arc::clone(&blobs), stop.clone()));
        Ok(Self {
            blobs,
            store: store.clone(),
            recorder,
            known: Arc::default(),
            puts: Arc::new(Semaphore::new(MAX_PUTS)),
            metrics: Arc::clone(metrics),
        })
    }

    /// Stores images and records whose they are; returns after both are durable.
    pub(crate) async fn keep(&self, images: Vec<ProjectImage>) -> Result<(), ImagesUnavailable> {
        let mut puts = JoinSet::new();
        let mut rows = Vec::new();
        for ProjectImage { project, image } in images {
            if self.known.contains(&project, image.hash) {
                continue;
            }
            let hash = image.hash_hex();
            rows.push((
                image.hash,
                ImageRow {
                    project,
                    hash: hash.clone(),
                    bytes: image.bytes.len() as u64,
                    mime: image.mime,
                    width: image.width,
                    height: image.height,
                },
            ));
            puts.spawn(self.clone().put(hash, image.bytes.into()));
        }
        if rows.is_empty() {
            return Ok(());
        }
        while let Some(put) = puts.join_next().await {
            put.unwrap_or(Err(ImagesUnavailable))?;
        }
        self.record(rows).await
    }

    async fn put(self, hash: String, bytes: Bytes) -> Result<(), ImagesUnavailable> {
        let Ok(_permit) = self.puts.acquire().await else {
            return Err(ImagesUnavailable);
        };
        match self.blobs.put(&hash, bytes).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.metrics.image_failures.add(1);
                tracing::warn!(cause = chain(&error), "an image was not stored");
                Err(ImagesUnavailable)
            }
        }
    }

    async fn record(&self, rows: Vec<([u8; 32], ImageRow)>) -> Result<(), ImagesUnavailable> {
        let (hashes, rows): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        if !self.recorder.record(rows.clone()).await {
            self.metrics.image_failures.add(1);
            return Err(ImagesUnavailable);
        }
        for (hash, row) in hashes.into_iter().zip(rows) {
            self.metrics.images_stored.add(1);
            self.metrics.image_bytes.add(row.bytes);
            self.known.insert(row.project, hash);
        }
        Ok(())
    }

    /// What is known of a binary, where the project has stored it.
    pub(crate) async fn find(
        &self,
        project: Option<&str>,
        hash: &str,
    ) -> Result<Option<ImageRow>, ReadError> {
        Ok(self.store.find_image(project, hash).await?)
    }

    /// The bytes of a binary; `None` where somebody took them out of the object store.
    pub(crate) async fn open(&self, hash: &str) -> Result<Option<GetResult>, ReadError> {
        self.blobs.get(hash).await.map_err(ReadError::Blobs)
    }
}

/// Says at the start what would otherwise be noticed with the first image.
async fn warn_if_unusable(blobs: Arc<Blobs>, stop: CancellationToken) {
    let nothing = "0".repeat(64);
    if let Some(Err(error)) = stop.run_until_cancelled(blobs.get(&nothing)).await {
        tracing::warn!(
            cause = chain(&error),
            "the image store cannot be used; what holds images is refused until it can"
        );
    }
}
