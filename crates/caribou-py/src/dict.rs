//! The entries of a dict, without a check and two counted references for each.

#![expect(
    unsafe_code,
    reason = "pyo3 counts two references for each entry, also where one is passed over"
)]

use pyo3::ffi::{Py_ssize_t, PyDict_Next, PyObject};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Calls `see` with position, key and value of each entry whose value is not None.
///
/// `see` must not run Python code, which could change the dict meanwhile.
pub(crate) fn for_each_entry<'py>(
    dict: &Bound<'py, PyDict>,
    mut see: impl FnMut(usize, Borrowed<'_, 'py, PyAny>, Borrowed<'_, 'py, PyAny>),
) {
    let py = dict.py();
    let none = py.None();
    let mut next: Py_ssize_t = 0;
    let mut key: *mut PyObject = std::ptr::null_mut();
    let mut value: *mut PyObject = std::ptr::null_mut();
    let mut position = 0;
    // SAFETY: it is a live dict, and the calling thread is attached to the interpreter.
    while unsafe { PyDict_Next(dict.as_ptr(), &raw mut next, &raw mut key, &raw mut value) } != 0 {
        if value != none.as_ptr() {
            // SAFETY: the dict holds both, and nobody changes it while `see` runs.
            let entry = unsafe { (Borrowed::from_ptr(py, key), Borrowed::from_ptr(py, value)) };
            see(position, entry.0, entry.1);
        }
        position += 1;
    }
}
