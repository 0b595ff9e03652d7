//! Views of floats of either size, read and written in every way.

use buffer_runtime::{FloatView, FloatViewMut};
use pyo3::exceptions::PyAssertionError;
use pyo3::prelude::*;

/// The items in index order, read in every way; the results must agree.
fn read_all(
    to_vec: Vec<f64>,
    iter: impl ExactSizeIterator<Item = f64>,
    chunks: Vec<f64>,
    len: usize,
) -> PyResult<Vec<f64>> {
    let promised = iter.len();
    let mut stepped = Vec::new();
    let mut iter = iter;
    stepped.extend(iter.by_ref().take(2));
    iter.for_each(|item| stepped.push(item));
    let bits = |items: &[f64]| items.iter().map(|item| item.to_bits()).collect::<Vec<_>>();
    if [promised, to_vec.len()] != [len; 2] || bits(&stepped) != bits(&to_vec) || bits(&chunks) != bits(&to_vec) {
        return Err(PyAssertionError::new_err("one way reads something else"));
    }
    Ok(to_vec)
}

/// The type and the shape, and the items in index order.
#[pyfunction]
fn floats(view: FloatView<'_>) -> PyResult<(&'static str, Vec<usize>, Vec<f64>)> {
    let kind = match &view {
        FloatView::F32(_) => "f32",
        FloatView::F64(_) => "f64",
    };
    assert_eq!((view.ndim(), view.is_empty()), (view.shape().len(), view.shape().contains(&0)));
    let chunks = view.fold_chunks(Vec::new(), |all, chunk| [&all, chunk].concat());
    let items = read_all(view.to_vec()?, view.iter(), chunks, view.len())?;
    Ok((kind, view.shape().to_vec(), items))
}

/// Strides, whether it is read-only, whether it is contiguous in C and in Fortran order, and the items.
type Reported = (Vec<isize>, bool, bool, bool, Vec<f64>);

/// The items in index order, read in the ways that `floats` omits, and what else a view reports.
#[pyfunction]
fn floats_again(view: FloatView<'_>) -> PyResult<Reported> {
    let mut copy = vec![0.0; view.len()];
    view.copy_to_slice(&mut copy);
    // No `f32` is equal to this `pad`.
    let mut flat = view.fold_arrays(Vec::new(), 0.1, |mut all, array: [f64; 3]| {
        all.extend(array);
        all
    });
    let padding = flat.split_off(view.len());
    let halves = view.map_to_vec(|item| item / 2.0)?;
    let same = |one: f64, other: f64| one.to_bits() == other.to_bits();
    if padding.len() > 2
        || !padding.iter().all(|&item| same(item, 0.1))
        || !flat.iter().zip(&copy).all(|(&one, &other)| same(one, other))
        || !halves.iter().zip(&copy).all(|(&half, &item)| same(half, item / 2.0))
        || [flat.len(), halves.len()] != [copy.len(); 2]
    {
        return Err(PyAssertionError::new_err("one way reads something else"));
    }
    Ok((view.strides().to_vec(), view.readonly(), view.is_c_contiguous(), view.is_f_contiguous(), copy))
}

/// Stores these items.
#[pyfunction]
fn copy_into_floats(view: FloatViewMut<'_>, items: Vec<f64>) {
    view.copy_from_slice(&items);
}

/// Negates the items with the indices that a function of Python selects, called once before each chunk.
#[pyfunction]
fn negate_some_floats(view: FloatViewMut<'_>, selected: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    let (mut first, mut lengths, mut failed) = (0, Vec::new(), None);
    view.for_each_chunk(|chunk| {
        lengths.push(chunk.len());
        match selected.call1((first, first + chunk.len())).and_then(|indices| indices.extract::<Vec<usize>>()) {
            Ok(indices) => indices.into_iter().for_each(|index| chunk[index - first] *= -1.0),
            Err(error) => failed = Some(error),
        }
        first += chunk.len();
    });
    failed.map_or(Ok(lengths), Err)
}

/// The lengths of the chunks.
#[pyfunction]
fn float_chunks(view: FloatView<'_>) -> Vec<usize> {
    view.fold_chunks(Vec::new(), |mut lengths, chunk| {
        lengths.push(chunk.len());
        lengths
    })
}

#[pyfunction]
fn float_at(view: FloatView<'_>, index: Vec<usize>) -> Option<f64> {
    view.get(&index)
}

/// Copies the items while others may write them, or raises `MemoryError`.
#[pyfunction]
fn copy_floats(view: FloatView<'_>) -> PyResult<usize> {
    view.to_vec().map(|items| items.len())
}

/// Scales in place, and returns the items as read back.
#[pyfunction]
fn scale_floats(view: FloatViewMut<'_>, factor: f64) -> PyResult<Vec<f64>> {
    view.update(|item| item * factor);
    let chunks = view.fold_chunks(Vec::new(), |all, chunk| [&all, chunk].concat());
    read_all(view.to_vec()?, view.iter(), chunks, view.len())
}

#[pyfunction]
fn fill_floats(view: FloatViewMut<'_>, value: f64) -> PyResult<(usize, Vec<usize>)> {
    view.fill(value);
    if view.is_empty() != view.shape().contains(&0) {
        return Err(PyAssertionError::new_err("`is_empty` and `shape` disagree"));
    }
    Ok((view.ndim(), view.shape().to_vec()))
}

/// Stores one item, and returns it as loaded again.
#[pyfunction]
fn set_float(view: FloatViewMut<'_>, index: Vec<usize>, value: f64) -> Option<f64> {
    view.set(&index, value);
    view.get(&index)
}

/// Calls a function while a view is held.
#[pyfunction]
fn call_under_floats(view: FloatView<'_>, function: &Bound<'_, PyAny>) -> PyResult<String> {
    function.call0()?;
    Ok(format!("{view:?}"))
}

pub(super) fn add(consumer: &Bound<'_, PyModule>) -> PyResult<()> {
    consumer.add_function(wrap_pyfunction!(floats, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(floats_again, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(copy_into_floats, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(negate_some_floats, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(float_chunks, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(float_at, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(copy_floats, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(scale_floats, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(fill_floats, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(set_float, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(call_under_floats, consumer)?)
}
