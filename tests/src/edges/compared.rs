//! Compares two exporters: every request, and every field of the answers.

use std::ffi::{CStr, c_int};
use std::slice;

use pyo3::ffi;
use pyo3::prelude::*;

use super::raw::Buffer;

/// The fields of a granted view. `None` stands for NULL.
#[derive(Debug, PartialEq)]
struct Answer<'a> {
    ndim: c_int,
    itemsize: isize,
    len: isize,
    readonly: c_int,
    format: Option<&'a CStr>,
    shape: Option<&'a [isize]>,
    strides: Option<&'a [isize]>,
    suboffsets: Option<&'a [isize]>,
    /// The bytes of the first item, which show where in the memory `buf` points. `None` where the item is behind a
    /// pointer.
    first: Option<&'a [u8]>,
}

impl<'a> Answer<'a> {
    /// The bytes of an item must exist at `buf`, even if the shape has no items.
    fn of(buffer: &'a Buffer) -> Self {
        let view = &buffer.0;
        // SAFETY: a format that is not NULL is a C string, which lives as long as the view.
        let format = (!view.format.is_null()).then(|| unsafe { CStr::from_ptr(view.format) });
        let numbers = |array: *mut isize| {
            // SAFETY: an array that is not NULL has a number for each dimension, and lives as long as the view.
            (!array.is_null()).then(|| unsafe { slice::from_raw_parts(array, view.ndim.unsigned_abs() as usize) })
        };
        let suboffsets = numbers(view.suboffsets);
        // SAFETY: both compared exporters promise the bytes of an item at `buf` for as long as the view lives.
        let item = || unsafe { slice::from_raw_parts(view.buf.cast::<u8>(), view.itemsize.unsigned_abs()) };
        Self {
            ndim: view.ndim,
            itemsize: view.itemsize,
            len: view.len,
            readonly: view.readonly,
            format,
            shape: numbers(view.shape),
            strides: numbers(view.strides),
            suboffsets,
            first: suboffsets.is_none().then(item),
        }
    }
}

/// A granted view; `None` where the answer was `BufferError`.
///
/// Clears the error by hand: there are millions of refusals, and PyO3's exceptions are slow.
fn ask(exporter: &Bound<'_, PyAny>, flags: c_int) -> PyResult<Option<Buffer>> {
    if let Some(buffer) = Buffer::request(exporter, flags) {
        return Ok(Some(buffer));
    }
    // SAFETY: Python has initialised it, and never changes it.
    let buffer_error = unsafe { ffi::PyExc_BufferError };
    // SAFETY: attached, with an exception set and a class of exceptions.
    if unsafe { ffi::PyErr_ExceptionMatches(buffer_error) } == 0 {
        return Err(PyErr::fetch(exporter.py()));
    }
    // SAFETY: attached.
    unsafe { ffi::PyErr_Clear() };
    Ok(None)
}

/// Makes every request from `start` up to `end` of both exporters, and returns where the answers differ. `PyBUF_READ`
/// and `PyBUF_WRITE` alone are not requests, and are omitted.
///
/// For both exporters, the bytes of an item must exist at `buf`.
#[pyfunction]
fn differences(
    ours: &Bound<'_, PyAny>,
    reference: &Bound<'_, PyAny>,
    start: c_int,
    end: c_int,
) -> PyResult<Vec<String>> {
    let py = ours.py();
    let mut differences = Vec::new();
    let mut place = None;
    for flags in (start..end).filter(|&flags| flags != ffi::PyBUF_READ && flags != ffi::PyBUF_WRITE) {
        let (our_view, their_view) = (ask(ours, flags)?, ask(reference, flags)?);
        let (our_answer, their_answer) = (our_view.as_ref().map(Answer::of), their_view.as_ref().map(Answer::of));
        if our_answer != their_answer {
            differences.push(format!("{flags:#x}: {our_answer:?} instead of {their_answer:?}"));
        }
        if let Some(view) = &our_view
            && *place.get_or_insert(view.data()) != view.data()
        {
            differences.push(format!("{flags:#x}: the memory is elsewhere"));
        }
        for view in [our_view, their_view].into_iter().flatten() {
            view.release(py);
        }
    }
    Ok(differences)
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_function(wrap_pyfunction!(differences, edges)?)
}
