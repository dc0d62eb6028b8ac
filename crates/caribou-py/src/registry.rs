//! What the Python half hands over when it is imported.
//!
//! Nothing here or elsewhere in this crate is initialised at its first use: pyo3 lets other threads run while it waits
//! for that, and a child forked by one of them would wait for ever.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyType};

use crate::item::{EVENT, GRADE, MESSAGE, TOOL_EXECUTION};

/// Objects of the Python half.
#[derive(Debug)]
pub(crate) struct Registry {
    /// The four classes that can be logged.
    pub(crate) message: ItemClass,
    pub(crate) tool_execution: ItemClass,
    pub(crate) grade: ItemClass,
    pub(crate) event: ItemClass,
    /// The word `__dict__`.
    pub(crate) dict_name: Py<PyString>,
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

/// A class that can be logged, and the names of its fields as Python's interned strings.
#[derive(Debug)]
pub(crate) struct ItemClass {
    pub(crate) class: Py<PyType>,
    pub(crate) fields: Vec<Py<PyString>>,
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
    let class = |name: &str, fields: &[&str]| -> PyResult<ItemClass> {
        let intern = |name: &&str| PyString::intern(py, name).unbind();
        Ok(ItemClass {
            class: object(name)?.cast_into()?.unbind(),
            fields: fields.iter().map(intern).collect(),
        })
    };
    let registry = Registry {
        message: class("Message", &MESSAGE)?,
        tool_execution: class("ToolExecution", &TOOL_EXECUTION)?,
        grade: class("Grade", &GRADE)?,
        event: class("Event", &EVENT)?,
        dict_name: PyString::intern(py, "__dict__").unbind(),
        current: object("current")?.unbind(),
        error: object("CaribouError")?.unbind(),
        kestrel_error: object("KestrelError")?.unbind(),
        simplify: object("simplify")?.unbind(),
        pico_usd: object("pico_usd")?.unbind(),
        unix_nanos: object("unix_nanos")?.unbind(),
        warn: object("warn")?.unbind(),
    };
    let _first = REGISTRY.set(py, registry).is_ok();
    Ok(())
}

/// The objects of the Python half.
pub(crate) fn registry(py: Python<'_>) -> PyResult<&Registry> {
    REGISTRY.get(py).ok_or_else(|| {
        pyo3::exceptions::PyRuntimeError::new_err("import caribou instead of caribou._native")
    })
}
