//! Images to an S3 bucket, under the names that Kestrel gives them there.

use std::sync::Arc;
use std::time::Duration;

use caribou_images::{Image, object_name, without_request};
use object_store::aws::AmazonS3Builder;
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, RetryConfig};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::NotStored;
use super::bucket_http::UreqConnector;
use crate::settings::BucketTarget;

/// One bucket, opened when the first image comes: before that there is nothing that a fork could break.
pub(super) struct Bucket {
    target: BucketTarget,
    open: Option<OpenBucket>,
}

struct OpenBucket {
    store: Arc<dyn ObjectStore>,
    runtime: Runtime,
}

/// Uploads under way at once; each has a thread while it lasts.
const MAX_UPLOADS: usize = 4;
/// Further tries of a request whose connection broke; for longer outages the spans wait as for any destination.
const MAX_RETRIES: usize = 2;
/// How long they may take.
const RETRY_TIMEOUT: Duration = Duration::from_secs(5);

impl Bucket {
    pub(super) fn new(target: &BucketTarget) -> Self {
        Self {
            target: target.clone(),
            open: None,
        }
    }

    /// Returns once all of them are durable.
    pub(super) fn store(&mut self, images: impl Iterator<Item = Image>) -> Result<(), NotStored> {
        let bucket = match &mut self.open {
            Some(open) => open,
            closed => closed.insert(open(&self.target)?),
        };
        let store = &bucket.store;
        let stored = bucket.runtime.block_on(async {
            let mut uploads = JoinSet::new();
            for image in images {
                uploads.spawn(upload(Arc::clone(store), image));
            }
            while let Some(done) = uploads.join_next().await {
                done.map_err(|source| Error::Generic {
                    store: "S3",
                    source: source.into(),
                })??;
            }
            Ok(())
        });
        stored.map_err(|error: Error| not_stored(&self.target.name, &error))
    }
}

async fn upload(store: Arc<dyn ObjectStore>, image: Image) -> Result<(), Error> {
    let path = Path::from(object_name(&image.hash_hex()));
    match store.head(&path).await {
        Ok(found) if found.size == image.bytes.len() as u64 => return Ok(()),
        // Who may write but not list is not told what there is.
        Ok(_) | Err(Error::NotFound { .. } | Error::PermissionDenied { .. }) => {}
        Err(error) => return Err(error),
    }
    store.put(&path, image.bytes.into()).await.map(drop)
}

fn open(target: &BucketTarget) -> Result<OpenBucket, NotStored> {
    let unusable = |source: &dyn std::fmt::Display| NotStored {
        refused: false,
        unreachable: false,
        after: Some(NotStored::AFTER_DENIAL),
        reason: format!(
            "the bucket {:?} for images cannot be used: {source}",
            target.name
        ),
    };
    let mut builder = AmazonS3Builder::new();
    for (variable, value) in &target.options {
        let key = variable.to_ascii_lowercase();
        let key = key.parse().map_err(|error: Error| unusable(&error))?;
        builder = builder.with_config(key, value.expose());
    }
    let store = builder
        .with_bucket_name(&target.name)
        .with_http_connector(UreqConnector::new(target))
        .with_retry(RetryConfig {
            max_retries: MAX_RETRIES,
            retry_timeout: RETRY_TIMEOUT,
            ..RetryConfig::default()
        })
        .build()
        .map_err(|error| unusable(&error))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .max_blocking_threads(MAX_UPLOADS)
        .thread_name("caribou-images")
        .build()
        .map_err(|error| unusable(&error))?;
    Ok(OpenBucket {
        store: Arc::new(store),
        runtime,
    })
}

fn not_stored(bucket: &str, error: &Error) -> NotStored {
    let denied = matches!(
        error,
        Error::NotFound { .. } | Error::PermissionDenied { .. } | Error::Unauthenticated { .. }
    );
    let mut unreachable = false;
    let said = error.to_string();
    let mut reason = format!(
        "images wait for the bucket {bucket:?}: {}",
        without_request(&said)
    );
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        unreachable |= cause
            .downcast_ref::<HttpError>()
            .is_some_and(|http| http.kind() == HttpErrorKind::Connect);
        let text = cause.to_string();
        let text = without_request(&text);
        // Most errors here repeat their cause.
        if !reason.contains(text) {
            reason.extend([": ", text]);
        }
        source = cause.source();
    }
    NotStored {
        refused: false,
        unreachable,
        after: denied.then_some(NotStored::AFTER_DENIAL),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::Secret;

    #[test]
    fn what_a_store_repeats_of_a_request_is_not_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // Its body is one byte.
                let (mut request, mut byte) = (Vec::new(), [0]);
                while !request.ends_with(b"\r\n\r\n") {
                    stream.read_exact(&mut byte).unwrap();
                    request.extend(byte);
                }
                if !request.starts_with(b"HEAD") {
                    stream.read_exact(&mut byte).unwrap();
                }
                let body = "<Error><Code>SignatureDoesNotMatch</Code><Message>It differs.</Message>\
                            <AWSAccessKeyId>id</AWSAccessKeyId><CanonicalRequest>PUT\nx-amz-security-token:hidden\n\
                            </CanonicalRequest></Error>";
                let body = if request.starts_with(b"HEAD") {
                    ""
                } else {
                    body
                };
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 403 Forbidden\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                stream
                    .write_all(format!("{head}{body}").as_bytes())
                    .unwrap();
            }
        });
        let options = [
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "key"),
            ("AWS_SESSION_TOKEN", "hidden"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ENDPOINT_URL", &format!("http://{address}")),
        ];
        let mut bucket = Bucket::new(&BucketTarget {
            name: "pictures".to_owned(),
            options: options
                .map(|(name, value)| (name, Secret::from(value)))
                .to_vec(),
            timeout: Duration::from_secs(60),
            certificates: None,
        });
        let image = Image::from_bytes(vec![1], None);
        let reason = bucket.store(std::iter::once(image)).unwrap_err().reason;
        assert!(reason.contains("It differs."), "{reason}");
        assert!(!reason.contains("hidden"), "{reason}");
    }
}
