//! The one place where Rust's errors become Python's.

use caribou::{ConfigureError, OpenError, Problem};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::registry::registry;

/// A mistake in `configure` is a `ValueError`.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that map_err takes"
)]
pub(crate) fn from_configure(error: ConfigureError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// A mistake in `trace_run` is a `ValueError`; what only strict mode raises is not.
pub(crate) fn from_open(error: OpenError) -> PyErr {
    match error {
        OpenError::Problem(problem) => from_problem(problem),
        other => PyValueError::new_err(other.to_string()),
    }
}

/// What strict mode raises is a `CaribouError`.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that map_err takes"
)]
pub(crate) fn from_problem(problem: Problem) -> PyErr {
    Python::attach(|py| {
        registry(py)
            .and_then(|registry| registry.error.call1(py, (problem.to_string(),)))
            .map_or_else(
                |_| PyRuntimeError::new_err(problem.to_string()),
                |error| PyErr::from_value(error.into_bound(py)),
            )
    })
}

/// Whether a conversion may go on after this error: an interrupt must reach the program, anything else must not.
pub(crate) fn is_ordinary(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<pyo3::exceptions::PyException>(py)
}
