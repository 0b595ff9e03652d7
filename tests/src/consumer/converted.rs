//! Views that convert what they cannot borrow.

use buffer_runtime::{Be, Bytes, ConvertedView, Element};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use super::element::{Value, with_element};

/// Whether the view is borrowed, its shape, and its items in index order.
#[pyfunction]
fn converted<'py>(element: &str, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    fn of<'py, T: Value>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let view = ConvertedView::<T>::from_object(object)?;
        (view.is_borrowed(), view.shape(), view.to_vec()?).into_bound_py_any(object.py())
    }
    with_element!(element, T => of::<T>(object))
}

/// A function as users write it.
#[pyfunction]
fn mean(values: ConvertedView<'_, f64>) -> f64 {
    let sum = values.fold_chunks(0.0, |sum, chunk| sum + chunk.iter().sum::<f64>());
    #[expect(clippy::cast_precision_loss, reason = "a handful of items")]
    let len = values.len() as f64;
    sum / len
}

#[pyfunction]
fn converted_to_int8(values: ConvertedView<'_, i8>) -> PyResult<Vec<i8>> {
    values.to_vec()
}

/// Numbers in network byte order.
#[pyfunction]
fn converted_to_big(values: ConvertedView<'_, Be<u16>>) -> PyResult<(bool, Vec<u16>)> {
    Ok((values.is_borrowed(), values.to_vec()?.into_iter().map(Be::get).collect()))
}

/// Byte strings of length 4.
#[pyfunction]
fn converted_to_bytes(values: ConvertedView<'_, Bytes<4>>) -> PyResult<Vec<Vec<u8>>> {
    Ok(values.to_vec()?.into_iter().map(|item| item.0.to_vec()).collect())
}

#[derive(Clone, Copy, buffer_runtime::BufferElement)]
#[repr(C)]
struct Point {
    x: f32,
    y: f32,
}

/// Records, for which numpy has no short name.
#[pyfunction]
fn converted_to_points(values: ConvertedView<'_, Point>) -> Vec<(f32, f32)> {
    values.iter().map(|point| (point.x, point.y)).collect()
}

/// Calls a function while the view is held, and returns the view's `Debug` text and its items.
#[pyfunction]
fn call_under_converted<'py>(
    values: ConvertedView<'py, f64>,
    function: &Bound<'py, PyAny>,
) -> PyResult<(String, Vec<f64>)> {
    fn shown<T: Element>(view: &ConvertedView<'_, T>) -> String {
        format!("{view:?}")
    }
    function.call0()?;
    Ok((shown(&values), values.to_vec()?))
}

pub(super) fn add(consumer: &Bound<'_, PyModule>) -> PyResult<()> {
    consumer.add_function(wrap_pyfunction!(converted, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(mean, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(converted_to_int8, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(converted_to_big, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(converted_to_bytes, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(converted_to_points, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(call_under_converted, consumer)?)
}
