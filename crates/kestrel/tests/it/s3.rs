//! A real S3 server in this process, which checks signatures and keeps objects as files.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    away: Arc<AtomicBool>,
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
        let away = Arc::new(AtomicBool::new(false));
        let is_away = Arc::clone(&away);
        let stopped = stop.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(stopped.run_until_cancelled(serve(listener, files, is_away)));
        });
        Self {
            address,
            folder,
            away,
            _running: stop.drop_guard(),
        }
    }

    /// Settings of who keeps images here.
    pub(crate) fn environment(&self, secret: &str) -> [(&'static str, String); 5] {
        [
            ("CARIBOU_IMAGE_BUCKET", BUCKET.to_owned()),
            ("AWS_ENDPOINT_URL", format!("http://{}", self.address)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", secret.to_owned()),
        ]
    }

    /// Settings of a Kestrel that keeps its images here.
    pub(crate) fn configure(&self, options: KestrelOptions, secret: &str) -> KestrelOptions {
        let environment = self.environment(secret);
        environment.iter().fold(options, |options, (name, value)| {
            options.with_env(name, value)
        })
    }

    /// From now on it hangs up on whoever comes, or no longer does.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// The file behind an object.
    pub(crate) fn object(&self, key: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(key)
    }
}

async fn serve(listener: std::net::TcpListener, files: s3s_fs::FileSystem, away: Arc<AtomicBool>) {
    let service = {
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        builder.build().into_shared()
    };
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        if away.load(Ordering::SeqCst) {
            continue;
        }
        let service = service.clone();
        tokio::spawn(async move {
            let mut http = Builder::new(TokioExecutor::new());
            // A connection that stays open would still be served when the server is away.
            http.http1().keep_alive(false);
            // A client that goes away is none of the server's business.
            drop(http.serve_connection(TokioIo::new(stream), service).await);
        });
    }
}
