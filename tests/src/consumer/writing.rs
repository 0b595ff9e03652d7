//! Every way to write through a view. Each function returns the items as read back through the same view.

use buffer_runtime::BufferViewMut;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyAssertionError;
use pyo3::prelude::*;

use super::element::{Value, with_element};

fn change<'py, T: Value>(
    object: &Bound<'py, PyAny>,
    change: impl FnOnce(&BufferViewMut<'py, T>) -> PyResult<()>,
) -> PyResult<Bound<'py, PyAny>> {
    let view: BufferViewMut<'_, T> = object.extract()?;
    change(&view)?;
    view.to_vec()?.into_bound_py_any(object.py())
}

fn value<T: Value>(object: &Bound<'_, PyAny>) -> PyResult<T> {
    object.extract().map_err(Into::into)
}

#[pyfunction]
fn set<'py>(
    element: &str,
    object: &Bound<'py, PyAny>,
    index: Vec<usize>,
    new: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    with_element!(element, T => change::<T>(object, |view| {
        view.set(&index, value(new)?);
        Ok(())
    }))
}

#[pyfunction]
fn fill<'py>(element: &str, object: &Bound<'py, PyAny>, new: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    with_element!(element, T => change::<T>(object, |view| {
        view.fill(value(new)?);
        Ok(())
    }))
}

#[pyfunction]
fn copy_from<'py>(element: &str, object: &Bound<'py, PyAny>, new: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    with_element!(element, T => change::<T>(object, |view| {
        let items = new.try_iter()?.map(|item| value(&item?)).collect::<PyResult<Vec<T>>>()?;
        view.copy_from_slice(&items);
        Ok(())
    }))
}

/// Reverses the items of each chunk; a small buffer is a single chunk.
#[pyfunction]
fn reverse<'py>(element: &str, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    with_element!(element, T => change::<T>(object, |view| {
        view.for_each_chunk(<[T]>::reverse);
        Ok(())
    }))
}

/// Replaces each item by the result of a function.
#[pyfunction]
fn update<'py>(element: &str, object: &Bound<'py, PyAny>, function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    with_element!(element, T => change::<T>(object, |view| {
        let mut failed = None;
        view.update(|item| match function.call1((item,)).and_then(|new| value(&new)) {
            Ok(new) => new,
            Err(error) => {
                failed.get_or_insert(error);
                item
            }
        });
        failed.map_or(Ok(()), Err)
    }))
}

/// Fills from a thread that is not attached.
#[pyfunction]
fn fill_detached<'py>(
    element: &str,
    object: &Bound<'py, PyAny>,
    new: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    with_element!(element, T => change::<T>(object, |view| {
        let new: T = value(new)?;
        let items = view.shared_in_memory_order().ok_or_else(|| PyAssertionError::new_err("it is not contiguous"))?;
        object.py().detach(|| std::thread::scope(|scope| scope.spawn(|| items.fill(new)).join().expect("no panic")));
        Ok(())
    }))
}

/// Calls a function while a writable view is held.
#[pyfunction]
fn call_under_writing(object: &Bound<'_, PyAny>, function: &Bound<'_, PyAny>) -> PyResult<String> {
    let view: BufferViewMut<'_, f64> = object.extract()?;
    function.call0()?;
    Ok(format!("{view:?}"))
}

pub(super) fn add(consumer: &Bound<'_, PyModule>) -> PyResult<()> {
    consumer.add_function(wrap_pyfunction!(set, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(fill, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(copy_from, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(reverse, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(update, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(fill_detached, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(call_under_writing, consumer)?)
}
