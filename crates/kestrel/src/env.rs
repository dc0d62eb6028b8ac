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
    /// Name of the cluster in the server's configuration on which tables are made, replicated.
    CLICKHOUSE_CLUSTER = "CLICKHOUSE_CLUSTER", "tables on that server alone";
    /// User on that server.
    CLICKHOUSE_USER = "CLICKHOUSE_USER", "`default`";
    /// Password on that server.
    CLICKHOUSE_PASSWORD = "CLICKHOUSE_PASSWORD", "empty";
    /// Name of the S3 bucket for images, to use instead of the folder `images` in the data folder; needed where several
    /// Kestrels share one ClickHouse.
    CARIBOU_IMAGE_BUCKET = "CARIBOU_IMAGE_BUCKET", "the folder";
    /// Address of an S3 endpoint other than Amazon's, such as `http://minio:9000`.
    AWS_ENDPOINT_URL = "AWS_ENDPOINT_URL", "Amazon's of the region";
    /// The same for S3 alone; wins over `AWS_ENDPOINT_URL`.
    AWS_ENDPOINT_URL_S3 = "AWS_ENDPOINT_URL_S3", "not set";
    /// `true` allows an endpoint without TLS.
    AWS_ALLOW_HTTP = "AWS_ALLOW_HTTP", "`false`";
    /// Region of the bucket.
    AWS_REGION = "AWS_REGION", "`us-east-1`";
    /// The same, where `AWS_REGION` is not set.
    AWS_DEFAULT_REGION = "AWS_DEFAULT_REGION", "`us-east-1`";
    /// Id of the access key for the bucket; without one, the role of the machine, container or pod is used.
    AWS_ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID", "not set";
    /// Secret of the access key.
    AWS_SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY", "not set";
    /// Token of temporary credentials.
    AWS_SESSION_TOKEN = "AWS_SESSION_TOKEN", "not set";
    /// `true` puts the name of the bucket into the host name.
    AWS_VIRTUAL_HOSTED_STYLE_REQUEST = "AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "`false`";
    /// File with the token of a pod's role.
    AWS_WEB_IDENTITY_TOKEN_FILE = "AWS_WEB_IDENTITY_TOKEN_FILE", "not set";
    /// Role to take on with that token.
    AWS_ROLE_ARN = "AWS_ROLE_ARN", "not set";
    /// Name of the session in that role.
    AWS_ROLE_SESSION_NAME = "AWS_ROLE_SESSION_NAME", "`WebIdentitySession`";
    /// Address that exchanges that token.
    AWS_ENDPOINT_URL_STS = "AWS_ENDPOINT_URL_STS", "Amazon's of the region";
    /// Where a container gets credentials, as a path; set by the platform.
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "not set";
    /// Where a container gets credentials, as a URL; set by the platform.
    AWS_CONTAINER_CREDENTIALS_FULL_URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "not set";
    /// File with what a container shows there; set by the platform.
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "not set";
    /// File with the certificates to trust, in PEM format, where `CLICKHOUSE_URL` or the bucket speaks TLS.
    SSL_CERT_FILE = "SSL_CERT_FILE", "the system's";
}
