//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Records, keeps and shows rollouts of LLM agents.
#[derive(Debug, Parser)]
#[command(name = "kestrel", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API, the web UI and OTLP ingest.
    Serve(ServeArgs),
    /// Bring the tables of the ClickHouse server at `CLICKHOUSE_URL` up to date.
    Migrate,
    /// Show or deliver what programs recorded while they could not reach their server.
    #[command(subcommand)]
    Spool(SpoolCommand),
    /// Print the OpenAPI document of the HTTP API.
    Openapi,
    /// Write generated rollouts, for trying out large lists and long traces.
    #[command(hide = true)]
    Sample(SampleArgs),
    /// Serve one data folder to the process that started this one.
    #[command(hide = true)]
    EngineChild,
}

/// Arguments of `kestrel serve`.
#[derive(Clone, Debug, Default, Args)]
pub struct ServeArgs {
    /// Folder in which the embedded engine keeps its data [default: ./kestrel-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address and port of the API and the web UI [default: 127.0.0.1:4700]
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// Address and port for OTLP over gRPC, usually 127.0.0.1:4317
    #[arg(long, value_name = "ADDR:PORT")]
    pub otlp_grpc: Option<SocketAddr>,
    /// Another address and port for OTLP over HTTP, usually 127.0.0.1:4318
    #[arg(long, value_name = "ADDR:PORT")]
    pub otlp_http: Option<SocketAddr>,
}

/// Arguments of `kestrel sample`.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("size").required(true))]
pub struct SampleArgs {
    /// Folder of the embedded engine [default: ./kestrel-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Write this many rollouts
    #[arg(long, group = "size")]
    pub traces: Option<u64>,
    /// How many spans each of them has
    #[arg(long, default_value_t = 10, requires = "traces")]
    pub spans_per_trace: u64,
    /// Write one rollout of this many spans
    #[arg(long, group = "size")]
    pub spans: Option<u64>,
}

/// What to do with a spool.
#[derive(Clone, Debug, Subcommand)]
pub enum SpoolCommand {
    /// List what waits, for whom, and what was refused.
    List {
        /// Folder of the spool; one that is named must exist [default: `CARIBOU_SPOOL_DIR`, else ~/.local/state/caribou/spool]
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
    },
    /// Deliver what waits, for whomever; fails where something stays. Keys and passwords come from the variables that
    /// the program used.
    Drain {
        /// Folder of the spool; one that is named must exist [default: `CARIBOU_SPOOL_DIR`, else ~/.local/state/caribou/spool]
        #[arg(value_name = "DIR")]
        directory: Option<PathBuf>,
        /// Deliver to this Kestrel instead of the one that it was meant for
        #[arg(long, value_name = "URL")]
        to: Option<String>,
        /// Try again for so long where a server is busy or away
        #[arg(long, value_name = "SECONDS", default_value_t = 300)]
        timeout: u64,
    },
}
