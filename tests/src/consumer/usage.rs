//! Functions as users write them: views as arguments.

use buffer_runtime::{BufferView, BufferViewMut, SharedRead};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The mean of each row.
#[pyfunction]
fn row_means(view: BufferView<'_, f64>) -> PyResult<Vec<f64>> {
    let &[rows, columns] = view.shape() else {
        return Err(PyValueError::new_err("expected two dimensions"));
    };
    let mut sums = vec![0.0; rows];
    for (index, item) in view.iter().enumerate() {
        sums[index / columns] += item;
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of columns")]
    Ok(sums.into_iter().map(|sum| sum / columns as f64).collect())
}

#[pyfunction]
fn scale(items: BufferViewMut<'_, f64>, factor: f64) {
    items.for_each_chunk(|chunk| chunk.iter_mut().for_each(|item| *item *= factor));
}

/// Adds one buffer to another; they may be the same.
#[pyfunction]
fn add_to(target: BufferViewMut<'_, f64>, source: BufferView<'_, f64>) -> PyResult<()> {
    if target.shape() != source.shape() {
        return Err(PyValueError::new_err(format!("shapes differ: {:?} and {:?}", target.shape(), source.shape())));
    }
    let mut items = source.iter();
    target.update(|item| item + items.next().expect("both have as many"));
    Ok(())
}

/// The number of items, if there is a buffer at all.
#[pyfunction]
#[pyo3(signature = (view=None))]
fn count(view: Option<BufferView<'_, u8>>) -> Option<usize> {
    view.map(|view| view.len())
}

/// An argument of either of two types.
#[derive(FromPyObject)]
enum Floats<'py> {
    Double(BufferView<'py, f64>),
    Single(BufferView<'py, f32>),
}

#[pyfunction]
fn total(floats: Floats<'_>) -> f64 {
    match floats {
        Floats::Double(view) => view.iter().sum(),
        Floats::Single(view) => view.iter().map(f64::from).sum(),
    }
}

#[pyfunction]
fn total_detached(py: Python<'_>, view: BufferView<'_, f32>) -> PyResult<f32> {
    fn total(items: &SharedRead<f32>) -> f32 {
        items.fold_chunks(0.0, |total, chunk| total + chunk.iter().sum::<f32>())
    }
    let items = view.shared().ok_or_else(|| PyValueError::new_err("expected a C-contiguous buffer"))?;
    Ok(py.detach(|| total(items)))
}

/// The centre of points.
#[pyfunction]
fn centre(points: BufferView<'_, [f32; 3]>) -> [f32; 3] {
    let mut sums = [0.0; 3];
    for point in &points {
        sums.iter_mut().zip(point).for_each(|(sum, coordinate)| *sum += coordinate);
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of points")]
    sums.map(|sum| sum / points.len() as f32)
}

pub(super) fn add(consumer: &Bound<'_, PyModule>) -> PyResult<()> {
    consumer.add_function(wrap_pyfunction!(row_means, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(scale, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(add_to, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(count, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(total, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(total_detached, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(centre, consumer)?)
}
