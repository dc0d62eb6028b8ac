//! The child's half: one process that loads the library and serves one data folder on loopback.

mod auth;
mod config_file;
#[expect(unsafe_code, reason = "calls the C functions of the library")]
mod connection;
mod database;
mod default_database;
mod error;
#[expect(unsafe_code, reason = "declares the C functions of the library")]
mod ffi;
mod format;
mod insert;
mod lock;
mod output;
mod process;
mod request;
mod select;
mod server;
mod service;
mod sessions;
mod statement;
mod turns;
mod watch;

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use self::database::Database;
use self::lock::{FolderLock, LockError};
use self::process::StopSignal;
use self::server::Server;
use self::service::Service;
use crate::handshake::{ChildConfig, Report};

/// The exit code when the engine could not start; what was wrong has been reported.
const REFUSED: i32 = 2;

/// Why the child cannot serve.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error("cannot load the engine library {path}: {source}; run `make build` to fetch it again")]
    Library {
        path: String,
        source: libloading::Error,
    },
    #[error("the engine cannot open the data folder {0}; its log on stderr says why")]
    Open(String),
    #[error("the engine does not answer: {0}")]
    Engine(#[from] error::ServerError),
    #[error("cannot use the data folder {path}: {source}")]
    Folder { path: String, source: io::Error },
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen { port: u16, source: io::Error },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Serves until told to stop, or until the parent is gone. The parent starts it through [`Engine`](crate::Engine).
///
/// An executable that calls this does nothing before it and gets nothing back.
pub fn run_child() -> ! {
    let stop = StopSignal::claim();
    let Ok((mut config, mut report)) = process::take_standard_streams() else {
        process::exit_now(REFUSED)
    };
    let started = ChildConfig::read_from(&mut config)
        .map_err(StartError::from)
        .and_then(|read| {
            process::end_with_parent(config)?;
            start(read)
        });
    let (server, _lock) = match started {
        Ok(started) => started,
        Err(error) => {
            // When nobody listens, nobody needs the report.
            Report::Failed {
                message: error.to_string(),
            }
            .write_to(&mut report)
            .ok();
            process::exit_now(REFUSED)
        }
    };
    let ready = Report::Ready {
        port: server.port(),
    };
    if ready.write_to(&mut report).is_err() {
        process::exit_now(REFUSED);
    }
    stop.wait();
    server.finish();
    // What is acknowledged is on disk; the library's teardown would only race its own threads.
    process::exit_now(0)
}

fn start(config: ChildConfig) -> Result<(Server, FolderLock), StartError> {
    let folder = |source| StartError::Folder {
        path: config.data_dir.display().to_string(),
        source,
    };
    std::fs::create_dir_all(&config.data_dir).map_err(folder)?;
    let data_dir = config.data_dir.canonicalize().map_err(folder)?;
    let lock = FolderLock::acquire(&data_dir)?;
    let config_file = config_file::write(&data_dir, config.max_memory_bytes).map_err(folder)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).map_err(|source| {
        StartError::Listen {
            port: config.port,
            source,
        }
    })?;
    let database = Database::open(
        &config.library,
        &data_dir,
        &config_file,
        config.max_memory_bytes,
    )?;
    let service = Service::start(database, config.password)?;
    Ok((Server::start(listener, service)?, lock))
}
