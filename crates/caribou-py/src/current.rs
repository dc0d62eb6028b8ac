//! The current rollout of the running task or thread.

use caribou::Problem;
use pyo3::prelude::*;

use crate::registry::Registry;
use crate::registry::registry;
use crate::runtime::{pass_on_notices, report};
use crate::scope::Scope;
use crate::text::context_value;

/// Calls `use_scope` with the current scope, if there is one.
pub(crate) fn with_current<T>(
    py: Python<'_>,
    registry: &Registry,
    use_scope: impl FnOnce(&caribou::Scope) -> T,
) -> Option<T> {
    let value = context_value(registry.current.bind(py))?;
    let scope = value.cast_exact::<Scope>().ok()?;
    scope.get().inner.nearest_open().map(use_scope)
}

/// The current scope; without one that is counted and told once, naming the call.
#[pyfunction]
#[pyo3(signature = (call=None))]
pub(crate) fn current(py: Python<'_>, call: Option<String>) -> PyResult<Option<Scope>> {
    let scope = with_current(py, registry(py)?, |scope| Scope {
        inner: scope.clone(),
    });
    if let (None, Some(call)) = (&scope, call) {
        report(Problem::OutsideRollout { call })?;
        pass_on_notices(py);
    }
    Ok(scope)
}
