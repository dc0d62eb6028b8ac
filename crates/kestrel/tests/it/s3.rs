//! A real S3 server in this process, which checks signatures and keeps objects as files.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;
use test_support::KestrelOptions;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

const BUCKET: &str = "pictures";
const KEY_ID: &str = "AKIATEST";
pub(crate) const SECRET: &str = "a secret of this test";

/// A running server; ends when dropped.
pub(crate) struct S3Server {
    address: SocketAddr,
    folder: TempDir,
    _running: DropGuard,
}

impl S3Server {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let files = s3s_fs::FileSystem::new(folder.path()).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(stopped.run_until_cancelled(serve(listener, files)));
        });
        Self {
            address,
            folder,
            _running: stop.drop_guard(),
        }
    }

    /// Settings of a Kestrel that keeps its images here.
    pub(crate) fn configure(&self, options: KestrelOptions, secret: &str) -> KestrelOptions {
        options
            .with_env("CARIBOU_IMAGE_BUCKET", BUCKET)
            .with_env("AWS_ENDPOINT_URL", &format!("http://{}", self.address))
            .with_env("AWS_ALLOW_HTTP", "true")
            .with_env("AWS_ACCESS_KEY_ID", KEY_ID)
            .with_env("AWS_SECRET_ACCESS_KEY", secret)
    }

    /// The file behind an object.
    pub(crate) fn object(&self, key: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(key)
    }
}

async fn serve(listener: std::net::TcpListener, files: s3s_fs::FileSystem) {
    let service = {
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        builder.build().into_shared()
    };
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service.clone();
        tokio::spawn(async move {
            let http = Builder::new(TokioExecutor::new());
            // A client that goes away is none of the server's business.
            drop(http.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}
