//! Any Python value as JSON.
//!
//! What JSON knows is written here; anything else is first turned into something that JSON knows by the Python half.
//! Nothing is refused: see the table in the Python guide.

use std::fmt::Write as _;

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::errors::is_ordinary;
use crate::registry::registry;
use crate::text::with_text;

/// Servers commonly parse 128 levels.
const DEEPEST: usize = 100;
/// A little more than the largest item that is kept: what is longer is set aside anyway.
const LONGEST: usize = 49 << 20;

/// A value as JSON text.
#[pyfunction]
pub(crate) fn to_json(value: &Bound<'_, PyAny>) -> PyResult<String> {
    json_from(value)
}

/// A value as JSON text; fails only where the program was interrupted.
pub(crate) fn json_from(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut writer = Writer::default();
    match writer.value(value) {
        Ok(()) | Err(Stop::TooLong) => Ok(writer.out),
        Err(Stop::Interrupted(error)) => Err(error),
    }
}

/// The entries of a dict: keys as text, values as JSON.
pub(crate) fn json_entries(dict: &Bound<'_, PyDict>) -> PyResult<Vec<(String, String)>> {
    let mut entries = Vec::with_capacity(dict.len());
    for (key, value) in dict.iter() {
        entries.push((key_text(&key)?, json_from(&value)?));
    }
    Ok(entries)
}

/// Appends text as a JSON string.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut copied = 0;
    for (position, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[copied..position]);
        if escape.is_empty() {
            write!(out, "\\u{byte:04x}").expect("writing to a string cannot fail");
        } else {
            out.push_str(escape);
        }
        copied = position + 1;
    }
    out.push_str(&text[copied..]);
    out.push('"');
}

#[derive(Debug)]
enum Stop {
    /// The program was interrupted, for example by Ctrl-C.
    Interrupted(PyErr),
    /// More than any item may hold.
    TooLong,
}

#[derive(Debug, Default)]
struct Writer {
    out: String,
    /// Addresses of the containers around the value at hand.
    around: Vec<usize>,
}

impl Writer {
    fn value(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Stop> {
        if self.out.len() > LONGEST {
            return Err(Stop::TooLong);
        }
        if value.is_none() {
            self.out.push_str("null");
        } else if let Ok(text) = value.cast::<PyString>() {
            with_text(text, |text| write_string(text, &mut self.out));
        } else if let Ok(flag) = value.cast::<PyBool>() {
            self.out
                .push_str(if flag.is_true() { "true" } else { "false" });
        } else if let Ok(number) = value.cast::<PyInt>() {
            self.integer(number);
        } else if let Ok(number) = value.cast::<PyFloat>() {
            self.float(number.value());
        } else {
            return self.container(value);
        }
        Ok(())
    }

    /// Integers beyond 64 bits become strings, because readers would round them.
    fn integer(&mut self, number: &Bound<'_, PyInt>) {
        if let Ok(small) = number.extract::<i64>() {
            write!(self.out, "{small}").expect("writing to a string cannot fail");
        } else if let Ok(large) = number.extract::<u64>() {
            write!(self.out, "{large}").expect("writing to a string cannot fail");
        } else {
            let digits = number
                .str()
                .or_else(|_| number.call_method1("__format__", ("#x",))?.str())
                .map_or_else(|_| "<huge int>".to_owned(), |text| text.to_string());
            write_string(&digits, &mut self.out);
        }
    }

    /// What JSON has no number for becomes a string.
    fn float(&mut self, number: f64) {
        match serde_json::Number::from_f64(number) {
            Some(number) => write!(self.out, "{number}").expect("writing to a string cannot fail"),
            None if number.is_nan() => self.out.push_str("\"NaN\""),
            None if number > 0.0 => self.out.push_str("\"Infinity\""),
            None => self.out.push_str("\"-Infinity\""),
        }
    }

    fn container(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Stop> {
        let address = value.as_ptr() as usize;
        if self.around.contains(&address) {
            self.out.push_str("\"<cycle>\"");
            return Ok(());
        }
        if self.around.len() >= DEEPEST {
            self.out.push_str("\"<nested deeper than 100 levels>\"");
            return Ok(());
        }
        self.around.push(address);
        let written = if let Ok(dict) = value.cast::<PyDict>() {
            self.dict(dict)
        } else if let Ok(list) = value.cast::<PyList>() {
            self.items(list.iter())
        } else if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            self.items(tuple.iter())
        } else {
            self.other(value)
        };
        self.around.pop();
        written
    }

    fn dict(&mut self, dict: &Bound<'_, PyDict>) -> Result<(), Stop> {
        self.out.push('{');
        // A copy, because conversions run code that could change the dict while it is read.
        let entries: Vec<_> = dict.iter().collect();
        for (position, (key, value)) in entries.iter().enumerate() {
            if position > 0 {
                self.out.push(',');
            }
            if let Ok(text) = key.cast::<PyString>() {
                with_text(text, |text| write_string(text, &mut self.out));
            } else {
                let text = key_text(key).map_err(Stop::Interrupted)?;
                write_string(&text, &mut self.out);
            }
            self.out.push(':');
            self.value(value)?;
        }
        self.out.push('}');
        Ok(())
    }

    fn items<'py>(&mut self, items: impl Iterator<Item = Bound<'py, PyAny>>) -> Result<(), Stop> {
        self.out.push('[');
        for (position, item) in items.enumerate() {
            if position > 0 {
                self.out.push(',');
            }
            self.value(&item)?;
        }
        self.out.push(']');
        Ok(())
    }

    fn other(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Stop> {
        let py = value.py();
        let simplified =
            registry(py).and_then(|registry| registry.simplify.bind(py).call1((value,)));
        match simplified {
            Ok(simple) => self.value(&simple),
            Err(error) if is_ordinary(py, &error) => {
                let name = value
                    .get_type()
                    .name()
                    .map_or_else(|_| "object".to_owned(), |name| name.to_string());
                write_string(&format!("<unconvertible {name}>"), &mut self.out);
                Ok(())
            }
            Err(error) => Err(Stop::Interrupted(error)),
        }
    }
}

/// A key as text: as Python's `json` writes those it knows, and `str()` of any other.
fn key_text(key: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(text) = key.cast::<PyString>() {
        return Ok(with_text(text, str::to_owned));
    }
    if key.is_none() || key.is_instance_of::<PyBool>() {
        return json_from(key);
    }
    match key.str() {
        Ok(text) => Ok(with_text(&text, str::to_owned)),
        Err(error) if is_ordinary(key.py(), &error) => Ok("<unconvertible key>".to_owned()),
        Err(error) => Err(error),
    }
}
