//! Two things that PyO3 does not do: raise `MemoryError` if there is no memory for an exception's text, and limit the
//! depth of nested conversions of arguments.

use std::cell::Cell;
use std::fmt::Display;

use pyo3::PyTypeInfo;
use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// As `E::new_err(text)`, but a `MemoryError` if Python has no memory for the text. Raising an exception from
/// `E::new_err` would panic in that case.
pub(crate) fn exception<E: PyTypeInfo>(text: impl Display) -> PyErr {
    Python::attach(|py| {
        let text = PyString::from_bytes(py, text.to_string().as_bytes());
        text.map_or_else(|no_memory| no_memory, |text| PyErr::new::<E, _>(text.unbind()))
    })
}

/// Converts an argument. The conversion may call Python code that calls this module again, such as an `__index__` that
/// makes another object. CPython limits nested calls too, but a raised limit allows more calls than fit on the stack.
pub(crate) fn nested<R>(convert: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    const MOST: usize = 50;

    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
    }

    /// Ends a level when it is dropped, even during a panic.
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
