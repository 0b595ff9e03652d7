//! Slices of memory that nobody changes, and operations beside them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{mem, thread};

use buffer_runtime::{StableArray, StableOrCopy, StableView};
use ndarray::{Ix2, IxDyn};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::element::{Value, with_element};

/// The items of a stable view, read on a thread that is not attached.
#[pyfunction]
fn stable<'py>(element: &str, object: &Bound<'py, PyAny>) -> PyResult<(Vec<usize>, Bound<'py, PyAny>)> {
    fn of<'py, T: Value>(object: &Bound<'py, PyAny>) -> PyResult<(Vec<usize>, Bound<'py, PyAny>)> {
        let view = StableView::<T>::from_object(object)?;
        let items = object.py().detach(|| thread::scope(|scope| scope.spawn(|| view.to_vec()).join()));
        let items = pyo3::IntoPyObjectExt::into_bound_py_any(items.expect("it does not panic"), object.py())?;
        Ok((view.shape().to_vec(), items))
    }
    with_element!(element, T => of::<T>(object))
}

/// The items, and whether they were borrowed.
#[pyfunction]
fn stable_or_copy(items: StableOrCopy<'_, f64>) -> (Vec<f64>, Vec<usize>, bool) {
    (items.to_vec(), items.shape().to_vec(), items.is_borrowed())
}

/// The items of an array in index order, and its shape.
#[pyfunction]
fn stable_array(items: StableArray<'_, f64, IxDyn>) -> (Vec<f64>, Vec<usize>) {
    let array = items.array();
    (array.iter().copied().collect(), array.shape().to_vec())
}

/// The items of a matrix in index order.
#[pyfunction]
fn stable_matrix(py: Python<'_>, items: StableArray<'_, i32, Ix2>) -> Vec<Vec<i32>> {
    py.detach(|| items.array().rows().into_iter().map(|row| row.to_vec()).collect())
}

/// Extracts a stable view and drops it.
#[pyfunction]
fn view_stable(object: &Bound<'_, PyAny>) -> PyResult<()> {
    StableView::<f64>::from_object(object).map(drop)
}

/// As `view_stable`, but copies if no stable view is granted.
#[pyfunction]
fn view_or_copy(object: &Bound<'_, PyAny>) -> PyResult<()> {
    StableOrCopy::<f64>::from_object(object).map(drop)
}

/// The bytes, whatever the items are, and whether they were borrowed.
#[pyfunction]
fn stable_bytes<'py>(object: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, pyo3::types::PyBytes>, bool)> {
    let bytes = StableOrCopy::bytes_of(object)?;
    if bytes.is_borrowed() {
        assert_eq!(*StableView::bytes_of(object)?, *bytes);
    }
    Ok((pyo3::types::PyBytes::new(object.py(), &bytes), bytes.is_borrowed()))
}

/// The address of the items.
#[pyfunction]
fn stable_address(items: StableView<'_, u8>) -> usize {
    items.as_ptr().addr()
}

/// Drops a view on a thread that is not attached.
#[pyfunction]
fn drop_elsewhere(py: Python<'_>, items: StableView<'_, f64>) {
    py.detach(|| thread::scope(|scope| scope.spawn(|| drop(items)).join())).expect("it does not panic");
}

/// Leaks a stable view.
#[pyfunction]
fn leak_stable(items: StableView<'_, f64>) {
    mem::forget(items);
}

/// A stable view that lives until `release`.
#[pyclass(frozen, module = "buffer_tests_ext.consumer")]
struct Stable {
    items: Mutex<Option<StableView<'static, f64>>>,
    stopped: AtomicBool,
}

#[pymethods]
impl Stable {
    #[new]
    fn new(items: StableView<'_, f64>) -> Self {
        Self { items: Mutex::new(Some(items.unbind())), stopped: AtomicBool::new(false) }
    }

    fn items(&self) -> Option<Vec<f64>> {
        self.items.lock().expect("no panic").as_ref().map(|items| items.to_vec())
    }

    fn release(&self) {
        let items = self.items.lock().expect("no panic").take();
        drop(items);
    }

    /// Reads all items again and again, detached, until `stop` is called. Returns whether their sum was always the
    /// same.
    fn read_until_stopped(&self, py: Python<'_>) -> bool {
        py.detach(|| {
            let items = self.items.lock().expect("no panic");
            let items: &[f64] = items.as_deref().unwrap_or_default();
            let first: f64 = items.iter().sum();
            let mut unchanged = true;
            while !self.stopped.load(Ordering::Relaxed) {
                unchanged &= items.iter().sum::<f64>().to_bits() == first.to_bits();
            }
            unchanged
        })
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.items.try_lock() {
            Ok(items) => items.as_ref().map_or(Ok(()), |items| items.traverse(&visit)),
            // The view is in use, so this object is not garbage.
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        self.release();
    }
}

pub(super) fn add(consumer: &Bound<'_, PyModule>) -> PyResult<()> {
    consumer.add_class::<Stable>()?;
    consumer.add_function(wrap_pyfunction!(stable, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(stable_or_copy, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(stable_array, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(stable_matrix, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(view_stable, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(view_or_copy, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(stable_bytes, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(stable_address, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(drop_elsewhere, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(leak_stable, consumer)?)
}
