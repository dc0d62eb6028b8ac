//! Settings of where images go.

use std::time::Duration;

use super::kestrel::KestrelTarget;
use crate::Secret;
use crate::environment::{self as variable, Environment};

/// Where images go that would otherwise be written into ClickHouse. Kestrel takes them out of what it gets itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageTarget {
    /// An S3 bucket, which the Kestrel that reads the same ClickHouse uses as well.
    Bucket(BucketTarget),
    /// The Kestrel that reads the same ClickHouse.
    Kestrel(KestrelTarget),
    /// Nowhere: they stay where they were logged.
    Rows,
}

/// An S3 bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketTarget {
    /// Its name.
    pub name: String,
    /// The standard variables that are set, by name.
    pub options: Vec<(&'static str, Secret)>,
    /// How long one request may take.
    pub timeout: Duration,
    /// Certificates to trust instead of the built-in ones, a PEM file.
    pub certificates: Option<String>,
}

/// Images are large.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(60);

impl ImageTarget {
    pub(crate) fn resolve(kestrel: &KestrelTarget, environment: &dyn Environment) -> Self {
        match environment.non_empty(variable::CARIBOU_IMAGE_BUCKET) {
            Some(name) if cfg!(feature = "s3") => Self::Bucket(BucketTarget {
                name: name.trim().to_owned(),
                options: variable::ALL
                    .iter()
                    .filter(|(variable, _)| variable.starts_with("AWS_"))
                    .filter_map(|(variable, _)| {
                        Some((*variable, Secret::from(environment.non_empty(variable)?)))
                    })
                    .collect(),
                timeout: UPLOAD_TIMEOUT,
                certificates: kestrel.certificates.clone(),
            }),
            _ if kestrel.named => Self::Kestrel(kestrel.clone()),
            _ => Self::Rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Config;

    fn resolve(variables: &[(&str, &str)]) -> ImageTarget {
        let environment: BTreeMap<String, String> = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Config::new().resolve(&environment).unwrap().images
    }

    #[test]
    fn images_go_to_the_bucket_or_else_to_the_kestrel_that_is_named_or_else_nowhere() {
        let kestrel = ("KESTREL_API_URL", "http://kestrel:4700");
        assert_eq!(resolve(&[]), ImageTarget::Rows);
        let named = resolve(&[kestrel]);
        assert!(matches!(named, ImageTarget::Kestrel(target) if target.url == kestrel.1));
    }

    #[cfg(feature = "s3")]
    #[test]
    fn a_bucket_comes_with_the_standard_variables_and_its_secrets_are_not_shown() {
        let target = resolve(&[
            ("KESTREL_API_URL", "http://kestrel:4700"),
            ("CARIBOU_IMAGE_BUCKET", "pictures"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_SECRET_ACCESS_KEY", "hidden"),
            ("AWS_SESSION_TOKEN", ""),
        ]);
        assert!(!format!("{target:?}").contains("hidden"));
        let ImageTarget::Bucket(bucket) = target else {
            panic!("{target:?}")
        };
        assert_eq!(bucket.name, "pictures");
        let names: Vec<&str> = bucket.options.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["AWS_REGION", "AWS_SECRET_ACCESS_KEY"]);
    }
}
