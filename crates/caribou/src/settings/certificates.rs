//! Certificates to trust instead of the built-in ones.

use ureq::tls::{Certificate, PemItem, parse_pem};

use super::{ImageTarget, Settings};
use crate::environment::{self as variable, Environment};

/// The certificates of a PEM file, or why there are none.
pub(crate) fn certificates_of(path: &str) -> Result<Vec<Certificate<'static>>, String> {
    let pem = std::fs::read(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(Result::ok)
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(format!("{path} holds no certificate in PEM format"));
    }
    Ok(certificates)
}

/// What is wrong with the file that is named: the error of TLS that comes of it does not tell.
pub(crate) fn certificates_notice(environment: &dyn Environment) -> Option<String> {
    let path = environment.non_empty(variable::SSL_CERT_FILE)?;
    let problem = certificates_of(&path).err()?;
    Some(format!(
        "SSL_CERT_FILE is ignored, and the built-in certificates are trusted: {problem}"
    ))
}

/// Whether a server at this address shows a certificate.
pub(crate) fn speaks_tls(url: &str) -> bool {
    url.get(..6)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"))
}

impl Settings {
    /// Whether any certificate is looked at.
    pub(super) fn use_tls(&self) -> bool {
        let spans = self
            .clickhouse
            .as_ref()
            .map_or(&self.otlp.url, |clickhouse| &clickhouse.url);
        speaks_tls(spans)
            || speaks_tls(&self.kestrel.url)
            || self
                .langfuse
                .as_ref()
                .is_some_and(|langfuse| speaks_tls(&langfuse.host))
            || matches!(self.images, ImageTarget::Bucket(_))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use crate::Config;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

    fn notices(file: &Path, url: &str) -> Vec<String> {
        let file = file.display().to_string();
        let environment: BTreeMap<String, String> =
            [("SSL_CERT_FILE", file.as_str()), ("KESTREL_API_URL", url)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        Config::new().resolve(&environment).unwrap().notices
    }

    #[test]
    fn a_file_that_gives_no_certificates_is_told_where_a_server_speaks_tls() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent.pem");
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "not a certificate").unwrap();
        for (file, why) in [(&absent, "cannot be read"), (&empty, "no certificate")] {
            let told = notices(file, "https://kestrel");
            let [told] = &told[..] else {
                panic!("{told:?}")
            };
            for part in ["SSL_CERT_FILE", why, &*file.display().to_string()] {
                assert!(told.contains(part), "{told}");
            }
            assert!(notices(file, "http://kestrel").is_empty());
        }
        let good = folder.path().join("good.pem");
        std::fs::write(&good, CERTIFICATE).unwrap();
        assert!(notices(&good, "https://kestrel").is_empty());
    }
}
