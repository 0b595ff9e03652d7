//! What PyO3 does not do for arguments: raise where Python has no memory for a text, and bound how deep conversions nest.

use std::cell::Cell;
use std::fmt::Display;

use pyo3::PyTypeInfo;
use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// As `E::new_err(text)`, which panics when it is raised and Python has no memory for the text: then this is a `MemoryError`.
pub(crate) fn exception<E: PyTypeInfo>(text: impl Display) -> PyErr {
    Python::attach(|py| {
        let text = PyString::from_bytes(py, text.to_string().as_bytes());
        text.map_or_else(|no_memory| no_memory, |text| PyErr::new::<E, _>(text.unbind()))
    })
}

/// Converts an argument, which may call Python code that calls this module again, such as an `__index__` that makes another
/// object. CPython counts calls too, but where its limit was raised it allows more of them than the stack has room for.
pub(crate) fn nested<R>(convert: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    const MOST: usize = 50;

    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
    }

    /// Ends a level, also by a panic.
    struct Level;

    impl Drop for Level {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }

    if DEPTH.get() == MOST {
        return Err(exception::<PyRecursionError>("maximum recursion depth exceeded while converting an argument"));
    }
    DEPTH.set(DEPTH.get() + 1);
    let _level = Level;
    convert()
}
