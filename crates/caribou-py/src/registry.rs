//! What the Python half hands over when it is imported.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

/// Objects of the Python half.
#[derive(Debug)]
pub(crate) struct Registry {
    /// The four classes that can be logged.
    pub(crate) message: Py<PyType>,
    pub(crate) tool_execution: Py<PyType>,
    pub(crate) grade: Py<PyType>,
    pub(crate) event: Py<PyType>,
    /// The context variable with the current scope.
    pub(crate) current: Py<PyAny>,
    /// `CaribouError`, for strict mode.
    pub(crate) error: Py<PyAny>,
    /// `KestrelError`.
    pub(crate) kestrel_error: Py<PyAny>,
    /// Turns any object into one of the types that JSON knows, one level deep.
    pub(crate) simplify: Py<PyAny>,
    /// An amount of dollars in units of 10⁻¹² dollars.
    pub(crate) pico_usd: Py<PyAny>,
    /// A moment in nanoseconds since 1970.
    pub(crate) unix_nanos: Py<PyAny>,
    /// Logs a list of warnings.
    pub(crate) warn: Py<PyAny>,
}

static REGISTRY: PyOnceLock<Registry> = PyOnceLock::new();

/// Takes the objects of the Python half; only the first call counts.
#[pyfunction]
pub(crate) fn register(py: Python<'_>, objects: &Bound<'_, PyDict>) -> PyResult<()> {
    let object = |name: &str| -> PyResult<Bound<'_, PyAny>> {
        objects
            .get_item(name)?
            .ok_or_else(|| pyo3::exceptions::PyKeyError::new_err(name.to_owned()))
    };
    let class = |name: &str| -> PyResult<Py<PyType>> { Ok(object(name)?.cast_into()?.unbind()) };
    let registry = Registry {
        message: class("Message")?,
        tool_execution: class("ToolExecution")?,
        grade: class("Grade")?,
        event: class("Event")?,
        current: object("current")?.unbind(),
        error: object("CaribouError")?.unbind(),
        kestrel_error: object("KestrelError")?.unbind(),
        simplify: object("simplify")?.unbind(),
        pico_usd: object("pico_usd")?.unbind(),
        unix_nanos: object("unix_nanos")?.unbind(),
        warn: object("warn")?.unbind(),
    };
    let _first = REGISTRY.set(py, registry).is_ok();
    // Interned once here so that the first log() is as fast as the others.
    intern!(py, "__dict__");
    Ok(())
}

/// The objects of the Python half.
pub(crate) fn registry(py: Python<'_>) -> PyResult<&Registry> {
    REGISTRY.get(py).ok_or_else(|| {
        pyo3::exceptions::PyRuntimeError::new_err("import caribou instead of caribou._native")
    })
}
