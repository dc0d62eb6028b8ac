//! The object store: a folder, or a bucket of anything that speaks S3.
//!
//! An object's name is its content, so that storing it again changes nothing and nothing is ever replaced.

use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use caribou_images::object_name;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, GetResult, ObjectStore, ObjectStoreExt as _, RetryConfig};

use crate::settings::{BucketSettings, ImageSettings};

/// How long a bucket is tried before the client is asked to come later.
const RETRY_TIMEOUT: Duration = Duration::from_secs(8);

/// Tries within that time.
const MAX_RETRIES: usize = 3;

/// Where the bytes of images are.
#[derive(Debug)]
pub(super) enum Blobs {
    /// A folder of this machine; opened when it is first used, as the disk may not be there yet.
    Folder {
        path: PathBuf,
        opened: OnceLock<Arc<LocalFileSystem>>,
    },
    /// A bucket.
    Bucket(Arc<dyn ObjectStore>),
}

impl Blobs {
    /// Prepares to use what the settings name.
    ///
    /// # Errors
    /// When the settings of a bucket make no sense.
    pub(super) fn open(settings: &ImageSettings) -> anyhow::Result<Self> {
        match settings {
            ImageSettings::Folder(path) => Ok(Self::Folder {
                path: std::path::absolute(path)
                    .with_context(|| format!("cannot use the folder {}", path.display()))?,
                opened: OnceLock::new(),
            }),
            ImageSettings::Bucket(bucket) => open_bucket(bucket).map(Self::Bucket),
        }
    }

    /// Stores an object; returns after it is durable.
    pub(super) async fn put(&self, hash: &str, bytes: Bytes) -> Result<(), Error> {
        let store = self.store()?;
        let path = Path::from(object_name(hash));
        match store.head(&path).await {
            Ok(found) if found.size == bytes.len() as u64 => return Ok(()),
            // What a crash cut short is written again. Who may write but not list is not told what there is.
            Ok(_) | Err(Error::NotFound { .. } | Error::PermissionDenied { .. }) => {}
            Err(error) => return Err(error),
        }
        store.put(&path, bytes.into()).await.map(drop)
    }

    /// An object; `None` where there is none.
    pub(super) async fn get(&self, hash: &str) -> Result<Option<GetResult>, Error> {
        match self.store()?.get(&Path::from(object_name(hash))).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn store(&self) -> Result<Arc<dyn ObjectStore>, Error> {
        match self {
            Self::Bucket(store) => Ok(Arc::clone(store)),
            Self::Folder { path, opened } => {
                if let Some(store) = opened.get() {
                    return Ok(Arc::clone(store) as Arc<dyn ObjectStore>);
                }
                let store = Arc::new(open_folder(path)?);
                Ok(Arc::clone(opened.get_or_init(|| store)) as Arc<dyn ObjectStore>)
            }
        }
    }
}

fn open_folder(path: &FilePath) -> Result<LocalFileSystem, Error> {
    std::fs::create_dir_all(path).map_err(|source| Error::Generic {
        store: "folder of images",
        source: source.into(),
    })?;
    LocalFileSystem::new_with_prefix(path).map(|store| store.with_fsync(true))
}

fn open_bucket(bucket: &BucketSettings) -> anyhow::Result<Arc<dyn ObjectStore>> {
    // The provider may have been set before, by another server in this process; it is the same one then.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut builder = AmazonS3Builder::new();
    for (variable, value) in &bucket.options {
        let key = variable.to_ascii_lowercase();
        let key = key
            .parse()
            .with_context(|| format!("{variable} is not supported"))?;
        builder = builder.with_config(key, value.reveal());
    }
    let retry = RetryConfig {
        max_retries: MAX_RETRIES,
        retry_timeout: RETRY_TIMEOUT,
        ..RetryConfig::default()
    };
    let store = builder
        .with_bucket_name(&bucket.name)
        .with_retry(retry)
        .build()
        .with_context(|| format!("cannot use the bucket {:?} for images", bucket.name))?;
    Ok(Arc::new(store))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_a_crash_cut_short_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&ImageSettings::Folder(folder.path().join("images"))).unwrap();
        let hash = "ab".repeat(32);
        assert!(blobs.get(&hash).await.unwrap().is_none());
        let file = folder.path().join("images/sha256/ab").join(&hash[2..]);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, b"").unwrap();
        for _ in 0..2 {
            blobs
                .put(&hash, Bytes::from_static(b"whole"))
                .await
                .unwrap();
        }
        assert_eq!(std::fs::read(&file).unwrap(), b"whole");
        let found = blobs.get(&hash).await.unwrap().unwrap();
        assert_eq!(found.bytes().await.unwrap(), "whole");
    }
}
