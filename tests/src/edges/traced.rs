//! Tracing: lists what holds the memory, from Rust.

use buffer_runtime::{ExportBuffer, ExportCell, Holder};
use pyo3::ffi;
use pyo3::prelude::*;

use super::series::Series;

/// Switches tracing on or off.
#[pyfunction]
fn trace(on: bool) {
    buffer_runtime::trace(on);
}

/// Access, file, line, function, thread and age.
type Entry = (String, Option<String>, Option<u32>, Option<String>, Option<String>, Option<f64>);

/// What `ExportCell::holders` lists.
#[pyfunction]
fn holders(series: &Bound<'_, Series>) -> Vec<Entry> {
    let entry = |holder: Holder| {
        (
            holder.access.to_string(),
            holder.file.map(str::to_owned),
            holder.line,
            holder.function.map(str::to_owned),
            holder.thread.map(String::from),
            holder.age.map(|age| age.as_secs_f64()),
        )
    };
    series.get().data.holders().into_iter().map(entry).collect()
}

/// Views a new object on a thread that runs no Python code, and returns the text of a refusal meanwhile.
#[pyfunction]
fn refusal_of_a_view_without_a_frame(py: Python<'_>) -> PyResult<String> {
    let object = Bound::new(py, Lone { data: ExportCell::new(vec![0]) })?.unbind();
    py.detach(|| {
        std::thread::scope(|scope| {
            let viewing = || {
                Python::attach(|py| {
                    let mut view = ffi::Py_buffer::new();
                    // SAFETY: attached, with an object that is alive and a view to fill.
                    let status = unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut view, ffi::PyBUF_FULL_RO) };
                    if status != 0 {
                        return Err(PyErr::fetch(py));
                    }
                    let refusal = object.get().data.write(py).err().map(|error| error.to_string());
                    // SAFETY: the view was granted, and is released once.
                    unsafe { ffi::PyBuffer_Release(&raw mut view) };
                    Ok(refusal.unwrap_or_default())
                })
            };
            scope.spawn(viewing).join().unwrap_or_else(|_| Ok("panicked".to_owned()))
        })
    })
}

/// An object that Python never sees.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Lone {
    data: ExportCell<Vec<u8>>,
}

pub(super) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(trace, module)?)?;
    module.add_function(wrap_pyfunction!(holders, module)?)?;
    module.add_function(wrap_pyfunction!(refusal_of_a_view_without_a_frame, module)?)
}
