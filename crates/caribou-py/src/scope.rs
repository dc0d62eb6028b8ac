//! The class `Scope`: a rollout or a group to log to.

use caribou::{Failure, Left};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors;
use crate::json::json_entries;
use crate::runtime::pass_on_notices;

/// A rollout or a group to log to.
#[pyclass(frozen, module = "caribou._native")]
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) inner: caribou::Scope,
}

#[pymethods]
impl Scope {
    /// The id of the rollout as the user knows it.
    #[getter]
    fn trace_id(&self) -> &str {
        self.inner.trace_id()
    }

    /// The id of the rollout as 32 hex digits.
    #[getter]
    fn trace_id_hex(&self) -> String {
        self.inner.trace_id_hex()
    }

    /// The value of the header `traceparent`.
    #[getter]
    fn traceparent(&self) -> String {
        self.inner.traceparent()
    }

    /// The value of the header `baggage`, keeping what is there.
    #[pyo3(signature = (existing=None))]
    fn baggage(&self, existing: Option<&str>) -> String {
        self.inner.baggage(existing)
    }

    /// Opens a group within.
    fn open_group(&self, name: &str, attributes: &Bound<'_, PyDict>) -> PyResult<Self> {
        let attributes = json_entries(attributes)?;
        Ok(Self {
            inner: self.inner.open_group(name, attributes),
        })
    }

    /// Ends the group or rollout: normally, or by an error, or stopped from outside.
    #[pyo3(signature = (failure=None, *, stopped=false))]
    fn leave(
        &self,
        py: Python<'_>,
        failure: Option<(String, String, Option<String>)>,
        stopped: bool,
    ) {
        let failure = failure.map(|(error_type, message, traceback)| Failure {
            error_type,
            message,
            traceback,
        });
        self.inner.leave(&match failure {
            None => Left::Normally,
            Some(failure) if stopped => Left::Stopped(failure),
            Some(failure) => Left::WithError(failure),
        });
        pass_on_notices(py);
    }

    /// Adds metadata of the rollout.
    fn add_metadata(&self, data: &Bound<'_, PyDict>) -> PyResult<()> {
        self.inner.add_metadata(json_entries(data)?);
        Ok(())
    }

    /// Adds tags to the rollout.
    fn add_tags(&self, tags: Vec<String>) {
        self.inner.add_tags(tags);
    }

    /// Says how the rollout ended.
    #[pyo3(signature = (status, error_message=None))]
    fn set_status(
        &self,
        py: Python<'_>,
        status: &str,
        error_message: Option<String>,
    ) -> PyResult<()> {
        self.inner
            .set_status(status, error_message)
            .map_err(errors::from_problem)?;
        pass_on_notices(py);
        Ok(())
    }

    /// Marks the innermost group, or else the rollout, as failed.
    fn set_error(&self, message: String) {
        self.inner.set_error(message);
    }

    /// Advances to the next turn.
    fn increment_turn(&self) {
        self.inner
            .change_turns(caribou::TurnCounter::increment_turn);
    }

    /// Leaves one place of the turn out.
    fn increment_intra(&self) {
        self.inner
            .change_turns(caribou::TurnCounter::increment_intra);
    }

    /// Goes to a turn.
    fn set_turn_index(&self, turn: i32) {
        self.inner.change_turns(|turns| turns.set_turn(turn));
    }

    /// Sets the next place within the turn.
    fn set_intra_index(&self, intra: i32) {
        self.inner.change_turns(|turns| turns.set_intra(intra));
    }

    /// Notes that the scope was left in a context from which it could not be taken out.
    fn abandon(&self) {
        self.inner.abandon();
    }

    /// Whether both are the same place.
    fn is_same(&self, other: &Self) -> bool {
        self.inner.is_same(&other.inner)
    }

    fn __repr__(&self) -> String {
        format!("<caribou rollout {}>", self.inner.trace_id())
    }
}
