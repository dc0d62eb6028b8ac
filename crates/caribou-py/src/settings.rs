//! `configure()`.

use caribou::{ClickHouseConfig, Config, LangfuseConfig, Secret};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::text;
use crate::errors;
use crate::errors::is_ordinary;
use crate::runtime::{pass_on_notices, recorder, report_value};

/// Configures from what is not None.
#[pyfunction]
pub(crate) fn configure(py: Python<'_>, given: &Bound<'_, PyDict>) -> PyResult<()> {
    let config = config_from(given)?;
    // Attached throughout: a fork by another thread must not find its locks held.
    recorder()
        .configure(config)
        .map_err(errors::from_configure)?;
    pass_on_notices(py);
    Ok(())
}

fn config_from(given: &Bound<'_, PyDict>) -> PyResult<Config> {
    let get = |key: &str| -> PyResult<Option<Bound<'_, PyAny>>> {
        Ok(given.get_item(key)?.filter(|value| !value.is_none()))
    };
    let get_text =
        |key: &str| -> PyResult<Option<String>> { get(key)?.map(|value| text(&value)).transpose() };
    let secret = |key: &str| -> PyResult<Option<Secret>> { Ok(get_text(key)?.map(Secret::from)) };
    let phase = get_text("phase")?
        .map(|phase| phase.parse())
        .transpose()
        .map_err(|error: caribou_model::UnknownPhase| PyValueError::new_err(error.to_string()))?;
    Ok(Config {
        run_id: get_text("run_id")?,
        phase,
        project: get_text("project")?,
        env_name: get_text("env_name")?,
        model_name: get_text("model_name")?,
        tags: get("tags")?.map(|tags| tags.extract()).transpose()?,
        kestrel_api_url: get_text("kestrel_api_url")?,
        kestrel_api_key: secret("kestrel_api_key")?,
        clickhouse: ClickHouseConfig {
            url: get_text("clickhouse_url")?,
            database: get_text("clickhouse_database")?,
            user: get_text("clickhouse_user")?,
            password: secret("clickhouse_password")?,
        },
        langfuse: LangfuseConfig {
            public_key: get_text("langfuse_public_key")?,
            secret_key: secret("langfuse_secret_key")?,
            host: get_text("langfuse_host")?,
        },
        spool_dir: get_text("spool_dir")?.map(Into::into),
        redact: get("redact")?.map(|redact| redactor(redact.unbind())),
        debug: get("debug")?.map(|debug| debug.is_truthy()).transpose()?,
    })
}

/// Text that a function failed to redact must not leave.
const NOT_REDACTED: &str = "[redaction failed]";

fn redactor(function: Py<PyAny>) -> caribou::Redactor {
    std::sync::Arc::new(move |value: &str| {
        Python::attach(|py| {
            function
                .bind(py)
                .call1((value,))
                .and_then(|redacted| text(&redacted))
                .unwrap_or_else(|error| {
                    let kind = if is_ordinary(py, &error) { "raised" } else { "was interrupted" };
                    // In strict mode too the text must not leave, so the error has nowhere else to go.
                    let _told = report_value(format!(
                        "the redact function {kind}, so {NOT_REDACTED:?} is recorded instead: {error}"
                    ));
                    NOT_REDACTED.to_owned()
                })
        })
    })
}
