//! What `KestrelClient` calls.

use caribou::KestrelError;
use pyo3::prelude::*;

use crate::errors;
use crate::registry::registry;
use crate::runtime::{pass_on_notices, recorder};

/// Whether there is a Kestrel to call.
#[pyfunction]
pub(crate) fn kestrel_enabled(py: Python<'_>) -> PyResult<bool> {
    let client = recorder()
        .kestrel_client()
        .map_err(errors::from_configure)?;
    pass_on_notices(py);
    Ok(py.detach(|| client.enabled()))
}

/// Registers a project or finds it; gives id, name and URL.
#[pyfunction]
pub(crate) fn kestrel_get_or_create_project(
    py: Python<'_>,
    name: &str,
) -> PyResult<(String, String, String)> {
    let client = recorder()
        .kestrel_client()
        .map_err(errors::from_configure)?;
    let project = py
        .detach(|| client.get_or_create_project(name))
        .map_err(|error| raised(py, &error))?;
    Ok((project.id, project.name, project.url))
}

fn raised(py: Python<'_>, error: &KestrelError) -> PyErr {
    registry(py)
        .and_then(|registry| {
            registry
                .kestrel_error
                .call1(py, (error.to_string(), error.status))
        })
        .map_or_else(
            |error| error,
            |raised| PyErr::from_value(raised.into_bound(py)),
        )
}
