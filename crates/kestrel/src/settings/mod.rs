//! Settings: arguments, then environment, then defaults, resolved once and passed down as plain data.

mod read;
mod resolve;

use std::net::SocketAddr;
use std::path::PathBuf;

pub use read::{Environment, SettingsError};

use crate::secret::Secret;

/// Where rollouts are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreSettings {
    /// In the engine that this process starts.
    Embedded(EngineSettings),
    /// On a ClickHouse server.
    Remote(ClickHouseSettings),
}

/// The embedded engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineSettings {
    /// Folder of its data.
    pub data_dir: PathBuf,
    /// Path of its library, where it was given.
    pub library: Option<PathBuf>,
    /// Its password, where it was given.
    pub password: Option<Secret>,
    /// Memory it may use.
    pub max_memory_bytes: Option<u64>,
}

/// A ClickHouse server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClickHouseSettings {
    /// Its HTTP address.
    pub url: String,
    /// Database.
    pub database: String,
    /// Cluster on which the tables are made.
    pub cluster: Option<String>,
    /// User.
    pub user: String,
    /// Password.
    pub password: Secret,
}

/// Where images and other binaries are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSettings {
    /// In a folder of this machine.
    Folder(PathBuf),
    /// In an S3 bucket.
    Bucket(BucketSettings),
}

/// An S3 bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketSettings {
    /// Its name.
    pub name: String,
    /// The standard variables that are set, by name.
    pub options: Vec<(&'static str, Secret)>,
}

/// How much of what may be in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one body, as sent and again after decompression.
    pub max_body_bytes: usize,
    /// Bytes of all requests that are being taken in.
    pub max_queue_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 64 << 20,
            max_queue_bytes: 256 << 20,
        }
    }
}

/// Everything that `kestrel serve` can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Address of API and UI.
    pub listen: SocketAddr,
    /// Address for OTLP over gRPC.
    pub otlp_grpc: Option<SocketAddr>,
    /// Another address for OTLP over HTTP.
    pub otlp_http: Option<SocketAddr>,
    /// Where rollouts are kept.
    pub store: StoreSettings,
    /// Where images are kept.
    pub images: ImageSettings,
    /// Limits of memory.
    pub limits: Limits,
}
