//! Python strings as UTF-8.

#![expect(
    unsafe_code,
    reason = "the stable ABI of Python 3.9 lacks a binding to its UTF-8 view"
)]

use std::ffi::{c_char, c_int};

use pyo3::ffi::{Py_ssize_t, PyErr_Clear, PyObject};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

unsafe extern "C" {
    /// Exported by every Python since 3.3 and part of the stable ABI since 3.10. Bindings for the stable ABI of 3.9 leave
    /// it out and encode into a new bytes object instead, which costs another allocation and copy per logged string.
    fn PyUnicode_AsUTF8AndSize(unicode: *mut PyObject, size: *mut Py_ssize_t) -> *const c_char;
    /// Exported by every Python since 3.7, though never declared stable.
    fn PyContextVar_Get(
        variable: *mut PyObject,
        default: *mut PyObject,
        value: *mut *mut PyObject,
    ) -> c_int;
}

/// Copies a string. Lone surrogates, which UTF-8 cannot hold, become the text of their escapes, as in `\udc80`.
pub(crate) fn copied(string: &Bound<'_, PyString>) -> String {
    match utf8(string) {
        Some(text) => text.to_owned(),
        None => escaped(string),
    }
}

/// Calls `use_text` with the string; see [`copied`].
pub(crate) fn with_text<T>(string: &Bound<'_, PyString>, use_text: impl FnOnce(&str) -> T) -> T {
    match utf8(string) {
        Some(text) => use_text(text),
        None => use_text(&escaped(string)),
    }
}

fn utf8<'a>(string: &'a Bound<'_, PyString>) -> Option<&'a str> {
    let mut size: Py_ssize_t = 0;
    // SAFETY: the pointer is that of a live string object, and the calling thread is attached to the interpreter.
    let bytes = unsafe { PyUnicode_AsUTF8AndSize(string.as_ptr(), &raw mut size) };
    if bytes.is_null() {
        // SAFETY: the calling thread is attached to the interpreter.
        unsafe { PyErr_Clear() };
        return None;
    }
    let size = usize::try_from(size).ok()?;
    // SAFETY: Python keeps the view for as long as the string lives, which the borrow outlives, and says that it is
    // UTF-8 of this size.
    let text = unsafe {
        std::str::from_utf8_unchecked(std::slice::from_raw_parts(bytes.cast::<u8>(), size))
    };
    Some(text)
}

#[cold]
fn escaped(string: &Bound<'_, PyString>) -> String {
    string
        .call_method1("encode", ("utf-8", "backslashreplace"))
        .ok()
        .and_then(|bytes| {
            let bytes = bytes.cast_into::<PyBytes>().ok()?;
            Some(String::from_utf8_lossy(bytes.as_bytes()).into_owned())
        })
        .unwrap_or_default()
}

/// The value of a context variable in the current context; `None` where it has none.
pub(crate) fn context_value<'py>(variable: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let mut value: *mut PyObject = std::ptr::null_mut();
    // SAFETY: the variable is a live `ContextVar`, and a new reference is stored only on success.
    let failed =
        unsafe { PyContextVar_Get(variable.as_ptr(), std::ptr::null_mut(), &raw mut value) != 0 };
    if failed {
        // SAFETY: the calling thread is attached to the interpreter.
        unsafe { PyErr_Clear() };
        return None;
    }
    // SAFETY: a pointer that is not null is the new reference that the call gave.
    unsafe { Bound::from_owned_ptr_or_opt(variable.py(), value) }
}
