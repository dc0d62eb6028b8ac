//! The native half of the Python package caribou.
//!
//! Python's `log()` ends here: a dataclass is read field by field into an item of the Rust crate [`caribou`], which does
//! the rest. Whatever a user should be able to read stands in the Python half.

mod client;
mod convert;
mod current;
mod dict;
mod errors;
mod functions;
mod item;
mod json;
mod keys;
mod registry;
mod runtime;
mod scope;
mod settings;
mod text;

use pyo3::prelude::*;

/// The native half of caribou.
#[pymodule]
mod _native {
    /// Built without optimisation, which no measurement may overlook.
    #[pymodule_export]
    const DEBUG_BUILD: bool = cfg!(debug_assertions);

    #[pymodule_export]
    use crate::client::{kestrel_enabled, kestrel_get_or_create_project};
    #[pymodule_export]
    use crate::current::current;
    #[pymodule_export]
    use crate::functions::{
        after_fork_in_child, after_fork_in_parent, before_fork, extract, flush, is_strict, log,
        notices, open, report, shutdown, stats, trace_url,
    };
    #[pymodule_export]
    use crate::json::to_json;
    #[pymodule_export]
    use crate::registry::register;
    #[pymodule_export]
    use crate::scope::Scope;
    #[pymodule_export]
    use crate::settings::configure;
}
