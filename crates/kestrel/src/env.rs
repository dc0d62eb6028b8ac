//! Every environment variable that the server reads, each with the text of its reference entry.

/// One environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvVar {
    /// Its name.
    pub name: &'static str,
    /// What holds where it is not set.
    pub default: &'static str,
    /// What it does, in Markdown.
    pub description: &'static str,
}

/// Declares variables: constant, name, default; the doc comment is the reference entry.
macro_rules! env_vars {
    ($($(#[doc = $doc:literal])* $constant:ident = $name:literal, $default:literal;)*) => {
        $($(#[doc = $doc])* pub const $constant: &str = $name;)*
        /// All variables, in the order of the reference page.
        pub const ALL: &[EnvVar] = &[$(EnvVar {
            name: $name,
            default: $default,
            description: concat!($($doc),*),
        }),*];
    };
}

env_vars! {
    /// Folder in which the embedded engine keeps its data; `--data` wins.
    KESTREL_DATA = "KESTREL_DATA", "`./kestrel-data`";
    /// Address and port of the API and the web UI; `--listen` wins. Port 0 picks a free one.
    KESTREL_LISTEN = "KESTREL_LISTEN", "`127.0.0.1:4700`";
    /// Address and port for OTLP over gRPC, usually `127.0.0.1:4317`; `--otlp-grpc` wins.
    KESTREL_OTLP_GRPC = "KESTREL_OTLP_GRPC", "off";
    /// Another address and port for OTLP over HTTP, usually `127.0.0.1:4318`; `--otlp-http` wins.
    KESTREL_OTLP_HTTP = "KESTREL_OTLP_HTTP", "off";
    /// Largest accepted body of a request in bytes, as sent and again after decompression.
    KESTREL_MAX_BODY_BYTES = "KESTREL_MAX_BODY_BYTES", "67108864 (64 MiB)";
    /// Bytes of requests that may be in memory at once; beyond it Kestrel answers 503 with `Retry-After`.
    KESTREL_MAX_QUEUE_BYTES = "KESTREL_MAX_QUEUE_BYTES", "268435456 (256 MiB)";
    /// What is logged to standard error: `error`, `warn`, `info`, `debug`, or a filter such as `kestrel=debug`.
    KESTREL_LOG = "KESTREL_LOG", "`warn`";
    /// Path of the engine's library `libchdb.so`, where it is neither beside the binary nor in the cache folder.
    KESTREL_ENGINE_LIBRARY = "KESTREL_ENGINE_LIBRARY", "searched for";
    /// Password of the embedded engine's user `kestrel`, for looking into the tables with other clients.
    KESTREL_ENGINE_PASSWORD = "KESTREL_ENGINE_PASSWORD", "a new one per start";
    /// Memory that the embedded engine may use, in bytes.
    KESTREL_ENGINE_MEMORY_BYTES = "KESTREL_ENGINE_MEMORY_BYTES", "2147483648 (2 GiB)";
    /// HTTP address of a ClickHouse server, such as `http://clickhouse:8123`, to use instead of the embedded engine.
    CLICKHOUSE_URL = "CLICKHOUSE_URL", "the embedded engine";
    /// Database on that server.
    CLICKHOUSE_DATABASE = "CLICKHOUSE_DATABASE", "`caribou`";
    /// User on that server.
    CLICKHOUSE_USER = "CLICKHOUSE_USER", "`default`";
    /// Password on that server.
    CLICKHOUSE_PASSWORD = "CLICKHOUSE_PASSWORD", "empty";
}
