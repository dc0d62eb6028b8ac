//! The environment variables that the recorder reads, one constant each.

use std::collections::BTreeMap;

/// Where variables are looked up; the process's own or, in tests, a map.
pub trait Environment {
    /// The value of a variable; `None` where it is not set.
    fn get(&self, name: &str) -> Option<String>;

    /// The value of a variable that is set and not empty.
    fn non_empty(&self, name: &str) -> Option<String> {
        self.get(name).filter(|value| !value.trim().is_empty())
    }

    /// Whether a switch is on: set to anything but empty, `0`, `false`, `no` or `off`.
    fn switch(&self, name: &str) -> bool {
        self.non_empty(name).is_some_and(|value| {
            !matches!(
                value.trim().to_ascii_lowercase().as_str(),
                "0" | "false" | "no" | "off"
            )
        })
    }

    /// Whether a switch that is on by itself was left on: not set, empty, `1`, `true`, `yes` or `on`. Anything else, a
    /// mistake in writing too, turns it off.
    fn left_on(&self, name: &str) -> bool {
        self.non_empty(name).is_none_or(|value| {
            matches!(
                value.trim().to_ascii_lowercase().as_str(),
                "1" | "true" | "yes" | "on"
            )
        })
    }
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

impl Environment for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        Self::get(self, name).cloned()
    }
}

/// Declares variables: constant, documentation, and the list of all.
macro_rules! variables {
    ($($(#[doc = $doc:literal])* $name:ident;)*) => {
        $($(#[doc = $doc])* pub const $name: &str = stringify!($name);)*
        /// Every variable with its documentation, in the order of this file.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),*))),*];
    };
}

variables! {
    /// URL of Kestrel; `http://127.0.0.1:4700` where neither this nor an OTLP endpoint is set.
    KESTREL_API_URL;
    /// API key of Kestrel, sent as a bearer token.
    KESTREL_API_KEY;
    /// Run of the rollouts; in production the project's name.
    CARIBOU_RUN_ID;
    /// Phase of the rollouts: `train`, `eval` or `prod`.
    CARIBOU_PHASE;
    /// Project that owns the rollouts; `default` where nobody says.
    CARIBOU_PROJECT;
    /// Set to `1` to record nothing at all.
    CARIBOU_DISABLED;
    /// Set to `1` to have every mistake raised instead of logged once: for tests.
    CARIBOU_STRICT;
    /// Set to `off` to record structure, tokens and times only; so does anything but empty, `1`, `true`, `yes` and `on`.
    CARIBOU_CONTENT;
    /// Folder in which waits what a destination has not acknowledged; `$XDG_STATE_HOME/caribou/spool` where it is not
    /// set, or else `~/.local/state/caribou/spool`.
    CARIBOU_SPOOL_DIR;
    /// How much may wait there, in bytes, over all programs and destinations; 4 GiB where it is not set or no
    /// number. `0` keeps nothing on disk.
    CARIBOU_SPOOL_MAX_BYTES;
    /// Set to anything but empty, `0` or `false` to print a line a span to the console.
    CARIBOU_TRACE_DEBUG;
    /// HTTP URL of ClickHouse: spans go there instead of to Kestrel.
    CLICKHOUSE_URL;
    /// Database of ClickHouse; `caribou` where it is not set.
    CLICKHOUSE_DATABASE;
    /// Name of the cluster in its configuration on which tables are made, replicated; on that server alone where it is
    /// not set.
    CLICKHOUSE_CLUSTER;
    /// User of ClickHouse; the server's default where it is not set.
    CLICKHOUSE_USER;
    /// Password of ClickHouse.
    CLICKHOUSE_PASSWORD;
    /// Name of an S3 bucket: with `CLICKHOUSE_URL`, images are taken out of what is written and kept there.
    CARIBOU_IMAGE_BUCKET;
    /// Address of an S3 endpoint other than Amazon's, such as `http://minio:9000`.
    AWS_ENDPOINT_URL;
    /// The same for S3 alone; wins over `AWS_ENDPOINT_URL`.
    AWS_ENDPOINT_URL_S3;
    /// `true` allows an endpoint without TLS.
    AWS_ALLOW_HTTP;
    /// Region of the bucket; `us-east-1` where neither this nor `AWS_DEFAULT_REGION` is set.
    AWS_REGION;
    /// The same, where `AWS_REGION` is not set.
    AWS_DEFAULT_REGION;
    /// Id of the access key for the bucket; without one, the role of the machine, container or pod is used.
    AWS_ACCESS_KEY_ID;
    /// Secret of the access key.
    AWS_SECRET_ACCESS_KEY;
    /// Token of temporary credentials.
    AWS_SESSION_TOKEN;
    /// `true` puts the name of the bucket into the host name.
    AWS_VIRTUAL_HOSTED_STYLE_REQUEST;
    /// File with the token of a pod's role.
    AWS_WEB_IDENTITY_TOKEN_FILE;
    /// Role to take on with that token.
    AWS_ROLE_ARN;
    /// Name of the session in that role.
    AWS_ROLE_SESSION_NAME;
    /// Address that exchanges that token.
    AWS_ENDPOINT_URL_STS;
    /// Where a container gets credentials, as a path; set by the platform.
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
    /// Where a container gets credentials, as a URL; set by the platform.
    AWS_CONTAINER_CREDENTIALS_FULL_URI;
    /// File with what a container shows there; set by the platform.
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
    /// Public key of Langfuse: with both keys everything goes there as well.
    LANGFUSE_PUBLIC_KEY;
    /// Secret key of Langfuse.
    LANGFUSE_SECRET_KEY;
    /// Host of Langfuse; `https://us.cloud.langfuse.com` where it is not set.
    LANGFUSE_HOST;
    /// Endpoint of an OTLP collector, used where `KESTREL_API_URL` is not set; `/v1/traces` is added.
    OTEL_EXPORTER_OTLP_ENDPOINT;
    /// Endpoint for traces, used as it stands; wins over `OTEL_EXPORTER_OTLP_ENDPOINT`.
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
    /// Protocol of OTLP; anything but `http/protobuf` is not spoken, which is said once.
    OTEL_EXPORTER_OTLP_PROTOCOL;
    /// Headers of every request, `key=value` separated by commas, percent-encoded.
    OTEL_EXPORTER_OTLP_HEADERS;
    /// Headers of requests with traces; win over `OTEL_EXPORTER_OTLP_HEADERS`.
    OTEL_EXPORTER_OTLP_TRACES_HEADERS;
    /// Time one request may take, in milliseconds; 10,000 where it is not set.
    OTEL_EXPORTER_OTLP_TIMEOUT;
    /// Time one request with traces may take, in milliseconds.
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT;
    /// `gzip` or `none`; by default only what leaves this machine is compressed.
    OTEL_EXPORTER_OTLP_COMPRESSION;
    /// `gzip` or `none`, for traces.
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION;
    /// Attributes of the resource, `key=value` separated by commas, percent-encoded.
    OTEL_RESOURCE_ATTRIBUTES;
    /// Name of the service; wins over `service.name` in `OTEL_RESOURCE_ATTRIBUTES`.
    OTEL_SERVICE_NAME;
    /// `true` turns the recorder off, like `CARIBOU_DISABLED`.
    OTEL_SDK_DISABLED;
    /// File with the certificates to trust instead of the built-in ones, in PEM format.
    SSL_CERT_FILE;
    /// URL of the proxy that requests go through, to `http://` addresses too; never those to this machine itself.
    /// `ALL_PROXY` wins over it; all of these may be in lower case.
    HTTPS_PROXY;
    /// The same, where `HTTPS_PROXY` is not set.
    HTTP_PROXY;
    /// Hosts that are reached without the proxy, separated by commas; `.example.com` stands for all below it, `*` for
    /// all.
    NO_PROXY;
    /// Folder for the state of programs, in which the spool is where `CARIBOU_SPOOL_DIR` is not set; `~/.local/state`
    /// where it is not set or not absolute.
    XDG_STATE_HOME;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_off_in_any_of_its_spellings() {
        let environment = |value: &str| BTreeMap::from([("S".to_owned(), value.to_owned())]);
        for off in ["", " ", "0", "false", "FALSE", "no", "off"] {
            assert!(!environment(off).switch("S"), "{off:?}");
        }
        for on in ["1", "true", "yes", "x"] {
            assert!(environment(on).switch("S"), "{on:?}");
        }
        assert!(!BTreeMap::new().switch("S"));
    }

    #[test]
    fn a_switch_that_is_on_by_itself_is_turned_off_by_anything_that_does_not_say_on() {
        let environment = |value: &str| BTreeMap::from([("S".to_owned(), value.to_owned())]);
        for on in ["", " ", "1", "true", "TRUE", "yes", " on "] {
            assert!(environment(on).left_on("S"), "{on:?}");
        }
        for off in ["off", "OFF", "0", "false", "no", "none", "of"] {
            assert!(!environment(off).left_on("S"), "{off:?}");
        }
        assert!(BTreeMap::new().left_on("S"));
    }

    #[test]
    fn every_variable_is_documented() {
        assert!(ALL.iter().all(|(_, text)| !text.trim().is_empty()));
        let documented = |name| ALL.iter().any(|(documented, _)| *documented == name);
        assert!(documented(KESTREL_API_URL));
        for usual in [
            "HTTPS_PROXY",
            "HTTP_PROXY",
            "NO_PROXY",
            "SSL_CERT_FILE",
            "XDG_STATE_HOME",
        ] {
            assert!(documented(usual), "{usual}");
        }
    }
}
