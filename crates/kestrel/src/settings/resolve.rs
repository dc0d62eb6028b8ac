//! Resolving all settings: an argument wins over the environment, which wins over the default.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use caribou_clickhouse::DEFAULT_DATABASE;
use percent_encoding::percent_decode_str;
use url::Url;

use super::read::{Environment, SettingsError, given, loopback, parse};
use super::{
    BucketSettings, ClickHouseSettings, EngineSettings, ImageSettings, Limits, Settings,
    StoreSettings,
};
use crate::cli::ServeArgs;
use crate::env;
use crate::secret::Secret;

const BYTES: &str = "a number of bytes";

/// Folder of images inside the data folder.
const IMAGE_FOLDER: &str = "images";

impl Settings {
    /// Resolves all settings: an argument wins over the environment, which wins over the default.
    ///
    /// # Errors
    /// When a variable cannot be read, or a listener would be reachable from other machines.
    pub fn resolve(args: &ServeArgs, environment: Environment<'_>) -> Result<Self, SettingsError> {
        let address = |argument: Option<SocketAddr>, variable| match argument {
            Some(address) => loopback(address).map(Some),
            None => parse(environment, variable, "an address and port")?
                .map(loopback)
                .transpose(),
        };
        let default_listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4700);
        let limits = Limits::default();
        Ok(Self {
            listen: address(args.listen, env::KESTREL_LISTEN)?.unwrap_or(default_listen),
            otlp_grpc: address(args.otlp_grpc, env::KESTREL_OTLP_GRPC)?,
            otlp_http: address(args.otlp_http, env::KESTREL_OTLP_HTTP)?,
            store: StoreSettings::resolve(args.data.clone(), environment)?,
            images: ImageSettings::resolve(args.data.clone(), environment),
            limits: Limits {
                max_body_bytes: parse(environment, env::KESTREL_MAX_BODY_BYTES, BYTES)?
                    .unwrap_or(limits.max_body_bytes),
                max_queue_bytes: parse(environment, env::KESTREL_MAX_QUEUE_BYTES, BYTES)?
                    .unwrap_or(limits.max_queue_bytes),
            },
        })
    }
}

impl StoreSettings {
    /// Resolves where rollouts are kept.
    ///
    /// # Errors
    /// When a variable cannot be read.
    pub fn resolve(
        data_dir: Option<PathBuf>,
        environment: Environment<'_>,
    ) -> Result<Self, SettingsError> {
        if let Some(remote) = ClickHouseSettings::resolve(environment) {
            return Ok(Self::Remote(remote));
        }
        Ok(Self::Embedded(EngineSettings {
            data_dir: resolve_data_dir(data_dir, environment),
            library: given(environment, env::KESTREL_ENGINE_LIBRARY).map(PathBuf::from),
            password: given(environment, env::KESTREL_ENGINE_PASSWORD).map(Secret::new),
            max_memory_bytes: parse(environment, env::KESTREL_ENGINE_MEMORY_BYTES, BYTES)?,
        }))
    }
}

impl ClickHouseSettings {
    /// The server that the environment names, if any.
    pub fn resolve(environment: Environment<'_>) -> Option<Self> {
        let text = |variable, default: &str| {
            given(environment, variable).unwrap_or_else(|| default.to_owned())
        };
        let (url, url_user, url_password) =
            split_credentials(given(environment, env::CLICKHOUSE_URL)?);
        let url_user = url_user.unwrap_or_else(|| "default".to_owned());
        let url_password = url_password.unwrap_or_default();
        Some(Self {
            url,
            database: text(env::CLICKHOUSE_DATABASE, DEFAULT_DATABASE),
            cluster: given(environment, env::CLICKHOUSE_CLUSTER),
            user: text(env::CLICKHOUSE_USER, &url_user),
            password: Secret::new(text(env::CLICKHOUSE_PASSWORD, &url_password)),
        })
    }
}

/// An address, and the user and password that stood in it: it is named in logs, they are not.
fn split_credentials(text: String) -> (String, Option<String>, Option<String>) {
    let Ok(mut url) = Url::parse(&text) else {
        return (text, None, None);
    };
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let user = Some(decoded(url.username())).filter(|user| !user.is_empty());
    let password = url.password().map(decoded);
    // Refused only where a URL cannot have them, and so has none.
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return (text, None, None);
    }
    (
        url.as_str().trim_end_matches('/').to_owned(),
        user,
        password,
    )
}

impl ImageSettings {
    fn resolve(data_dir: Option<PathBuf>, environment: Environment<'_>) -> Self {
        let Some(name) = given(environment, env::CARIBOU_IMAGE_BUCKET) else {
            return Self::Folder(resolve_data_dir(data_dir, environment).join(IMAGE_FOLDER));
        };
        let variables = env::ALL.iter().map(|variable| variable.name);
        let options = variables
            .filter(|variable| variable.starts_with("AWS_"))
            .filter_map(|variable| Some((variable, Secret::new(given(environment, variable)?))))
            .collect();
        Self::Bucket(BucketSettings { name, options })
    }
}

fn resolve_data_dir(argument: Option<PathBuf>, environment: Environment<'_>) -> PathBuf {
    argument
        .or_else(|| given(environment, env::KESTREL_DATA).map(PathBuf::from))
        .unwrap_or_else(|| PathBuf::from("./kestrel-data"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(args: &ServeArgs, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::resolve(args, &|name| {
            variables
                .iter()
                .find(|(variable, _)| *variable == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_argument_wins_over_the_environment_which_wins_over_the_default() {
        let from_default = resolve(&ServeArgs::default(), &[]).unwrap();
        assert_eq!(from_default.listen.to_string(), "127.0.0.1:4700");
        assert_eq!(from_default.limits, Limits::default());

        let variables = [("KESTREL_LISTEN", "127.0.0.1:1")];
        let from_environment = resolve(&ServeArgs::default(), &variables).unwrap();
        assert_eq!(from_environment.listen.port(), 1);

        let args = ServeArgs {
            listen: Some("[::1]:2".parse().unwrap()),
            ..ServeArgs::default()
        };
        assert_eq!(resolve(&args, &variables).unwrap().listen.port(), 2);
    }

    #[test]
    fn an_address_that_others_can_reach_is_refused_with_the_reason() {
        for (variable, address) in [
            ("KESTREL_LISTEN", "0.0.0.0:4700"),
            ("KESTREL_OTLP_GRPC", "10.0.0.1:4317"),
            ("KESTREL_OTLP_HTTP", "[::]:4318"),
        ] {
            let error = resolve(&ServeArgs::default(), &[(variable, address)]).unwrap_err();
            assert!(error.to_string().contains("no API keys"), "{error}");
        }
    }

    #[test]
    fn a_variable_that_cannot_be_read_is_named_and_an_empty_one_is_not_set() {
        let error = resolve(&ServeArgs::default(), &[("KESTREL_MAX_BODY_BYTES", "lots")]);
        assert_eq!(
            error.unwrap_err().to_string(),
            "KESTREL_MAX_BODY_BYTES must be a number of bytes, not \"lots\""
        );
        assert!(resolve(&ServeArgs::default(), &[("KESTREL_MAX_BODY_BYTES", "")]).is_ok());
    }

    #[test]
    fn a_clickhouse_url_replaces_the_embedded_engine() {
        let settings = resolve(
            &ServeArgs::default(),
            &[
                ("CLICKHOUSE_URL", "http://ch:8123"),
                ("CLICKHOUSE_PASSWORD", "s3cret"),
            ],
        )
        .unwrap();
        let StoreSettings::Remote(remote) = &settings.store else {
            panic!("{settings:?}");
        };
        assert_eq!(
            (remote.database.as_str(), remote.user.as_str()),
            ("caribou", "default")
        );
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn user_and_password_may_stand_in_the_clickhouse_url_and_are_known_apart_from_it() {
        let remote = |variables: &[(&str, &str)]| {
            let settings = resolve(&ServeArgs::default(), variables).unwrap();
            let StoreSettings::Remote(remote) = settings.store else {
                panic!("no remote");
            };
            let password = remote.password.reveal().to_owned();
            (remote.url, remote.user, password)
        };
        let url = ("CLICKHOUSE_URL", "https://ann:s%3Acret@ch:8443/");
        assert_eq!(
            remote(&[url]),
            ("https://ch:8443".into(), "ann".into(), "s:cret".into())
        );
        let (_, user, password) = remote(&[
            url,
            ("CLICKHOUSE_USER", "bob"),
            ("CLICKHOUSE_PASSWORD", "his"),
        ]);
        assert_eq!((&*user, &*password), ("bob", "his"));
    }

    #[test]
    fn images_are_kept_in_the_data_folder_or_in_a_bucket_with_the_standard_variables() {
        let in_folder = resolve(&ServeArgs::default(), &[("KESTREL_DATA", "/d")]).unwrap();
        assert_eq!(in_folder.images, ImageSettings::Folder("/d/images".into()));
        let variables = [
            ("CARIBOU_IMAGE_BUCKET", "pictures"),
            ("AWS_SECRET_ACCESS_KEY", "s3cret"),
            ("AWS_REGION", ""),
        ];
        let in_bucket = resolve(&ServeArgs::default(), &variables).unwrap().images;
        assert!(!format!("{in_bucket:?}").contains("s3cret"));
        let ImageSettings::Bucket(bucket) = in_bucket else {
            panic!("{in_bucket:?}");
        };
        assert_eq!(bucket.name, "pictures");
        let secret = Secret::new("s3cret");
        assert_eq!(bucket.options, [("AWS_SECRET_ACCESS_KEY", secret)]);
    }
}
