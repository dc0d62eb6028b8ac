//! Fields of the dataclasses as the types of the model. What cannot be converted is left out and told once.

use caribou::{Content, Cost};
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt, PyString};

use crate::errors::is_ordinary;
use crate::json::json_from;
use crate::registry::registry;
use crate::runtime::report_value;
use crate::text::copied;

/// A value and the name of its field, for messages.
#[derive(Debug)]
pub(crate) struct Field<'a, 'py> {
    pub(crate) class: &'static str,
    pub(crate) name: &'static str,
    pub(crate) value: &'a Bound<'py, PyAny>,
}

impl Field<'_, '_> {
    /// Text; `str()` of anything else.
    pub(crate) fn text(&self) -> PyResult<String> {
        text(self.value)
    }

    /// Text as text, anything else as JSON.
    pub(crate) fn content(&self) -> PyResult<Content> {
        match self.value.cast::<PyString>() {
            Ok(text) => Ok(Content::Text(copied(text))),
            Err(_) => Ok(Content::Json(json_from(self.value)?)),
        }
    }

    /// JSON; text that is a JSON list or object already is taken as it stands.
    pub(crate) fn json(&self) -> PyResult<String> {
        if let Ok(text) = self.value.cast::<PyString>() {
            let text = copied(text);
            let is_structure = text.trim_start().starts_with(['[', '{'])
                && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            if is_structure {
                return Ok(text);
            }
        }
        json_from(self.value)
    }

    /// A whole number, below zero too.
    pub(crate) fn whole(&self) -> PyResult<Option<i64>> {
        let py = self.value.py();
        let number = py
            .get_type::<PyInt>()
            .call1((self.value,))
            .and_then(|number| number.extract::<i64>());
        self.or_left_out(number, "a whole number of 64 bits")
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&self) -> PyResult<Option<u64>> {
        if let Ok(number) = self.value.cast::<PyInt>()
            && let Ok(number) = number.extract::<u64>()
        {
            return Ok(Some(number));
        }
        let py = self.value.py();
        let number = py
            .get_type::<PyInt>()
            .call1((self.value,))
            .and_then(|number| number.extract::<u64>());
        self.or_left_out(number, "a whole number that is not negative")
    }

    /// A number.
    pub(crate) fn number(&self) -> PyResult<Option<f64>> {
        if let Ok(number) = self.value.cast::<PyFloat>() {
            return Ok(Some(number.value()));
        }
        if let Ok(number) = self.value.cast_exact::<PyInt>()
            && let Ok(number) = number.extract::<i32>()
        {
            return Ok(Some(f64::from(number)));
        }
        let py = self.value.py();
        let number = py
            .get_type::<PyFloat>()
            .call1((self.value,))
            .and_then(|number| number.extract::<f64>());
        self.or_left_out(number, "a number")
    }

    /// An amount of dollars: float, int, Decimal or text.
    pub(crate) fn cost(&self) -> PyResult<Option<Cost>> {
        if let Ok(usd) = self.value.cast::<PyFloat>()
            && let Some(cost) = Cost::from_usd(usd.value())
        {
            return Ok(Some(cost));
        }
        let py = self.value.py();
        let pico = registry(py)?
            .pico_usd
            .bind(py)
            .call1((self.value,))
            .and_then(|pico| pico.extract::<i64>());
        let pico = self.or_left_out(pico, "an amount of US dollars")?;
        Ok(pico.map(Cost::from_pico_usd))
    }

    /// A moment: datetime, seconds since 1970 or ISO 8601 text.
    pub(crate) fn moment(&self) -> PyResult<Option<i64>> {
        let py = self.value.py();
        let nanos = registry(py)?
            .unix_nanos
            .bind(py)
            .call1((self.value,))
            .and_then(|nanos| nanos.extract::<i64>());
        self.or_left_out(nanos, "a datetime, seconds since 1970 or an ISO 8601 text")
    }

    fn or_left_out<T>(&self, converted: PyResult<T>, wanted: &str) -> PyResult<Option<T>> {
        match converted {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_ordinary(self.value.py(), &error) => {
                let (class, name) = (self.class, self.name);
                let given = self
                    .value
                    .get_type()
                    .name()
                    .map_or_else(|_| "object".to_owned(), |name| name.to_string());
                report_value(format!(
                    "{class}.{name} must be {wanted}; a value of type {given} was left out"
                ))?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Text; `str()` of anything else.
pub(crate) fn text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(copied(text));
    }
    match value.str() {
        Ok(text) => Ok(copied(&text)),
        Err(error) if is_ordinary(value.py(), &error) => Ok("<unconvertible>".to_owned()),
        Err(error) => Err(error),
    }
}
