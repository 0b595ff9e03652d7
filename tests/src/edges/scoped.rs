//! Views that end with a block, of any object.

use buffer_runtime::ScopedView;
use pyo3::prelude::*;

/// A scoped view of the whole buffer.
#[pyfunction]
fn scoped(object: &Bound<'_, PyAny>) -> PyResult<ScopedView> {
    ScopedView::new(object)
}

/// A scoped view of some bytes of the buffer.
#[pyfunction]
#[pyo3(signature = (object, offset, length = None))]
fn scoped_range(object: &Bound<'_, PyAny>, offset: isize, length: Option<isize>) -> PyResult<ScopedView> {
    ScopedView::range(object, offset, length)
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_function(wrap_pyfunction!(scoped, edges)?)?;
    edges.add_function(wrap_pyfunction!(scoped_range, edges)?)
}
