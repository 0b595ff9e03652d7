//! Every way to read through a view.

use buffer_runtime::{BufferView, SharedRead};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyAssertionError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::element::{Value, with_element};

/// The properties of a view.
#[pyfunction]
fn describe<'py>(element: &str, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    fn of<'py, T: Value>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let view = BufferView::<T>::from_object(object)?;
        let answer = PyDict::new(object.py());
        answer.set_item("ndim", view.ndim())?;
        answer.set_item("shape", view.shape())?;
        answer.set_item("strides", view.strides())?;
        answer.set_item("len", view.len())?;
        answer.set_item("is_empty", view.is_empty())?;
        answer.set_item("readonly", view.readonly())?;
        answer.set_item("c_contiguous", view.is_c_contiguous())?;
        answer.set_item("f_contiguous", view.is_f_contiguous())?;
        answer.set_item("shared", view.shared().is_some())?;
        answer.set_item("in_memory_order", view.shared_in_memory_order().is_some())?;
        answer.set_item("debug", format!("{view:?}"))?;
        Ok(answer)
    }
    with_element!(element, T => of::<T>(object))
}

/// The items in index order, read in every way; the results must agree bit for bit.
#[pyfunction]
fn read<'py>(element: &str, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    fn of<'py, T: Value>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let view = BufferView::<T>::from_object(object)?;
        let items = view.to_vec()?;
        let mut ways = vec![("for_each", Vec::new()), ("next", Vec::new()), ("mixed", Vec::new())];
        view.iter().for_each(|item| ways[0].1.push(item));
        let mut iter = view.iter();
        while let Some(item) = iter.next() {
            ways[1].1.push(item);
            assert_eq!(iter.len(), items.len() - ways[1].1.len());
        }
        assert!(iter.next().is_none());
        let mut iter = view.iter();
        ways[2].1.extend(iter.by_ref().take(2));
        iter.for_each(|item| ways[2].1.push(item));
        ways.push(("indices", indices(view.shape()).map(|index| view.get(&index).expect("it is in range")).collect()));
        ways.push(("chunks", view.fold_chunks(Vec::new(), |all, chunk| [&all, chunk].concat())));
        if let Some(&first) = items.first() {
            ways.push(("arrays", by_arrays::<T, 16>(&view, first)));
            ways.push(("odd arrays", by_arrays::<T, 3>(&view, first)));
            let mut copy = vec![first; items.len()];
            view.copy_to_slice(&mut copy);
            ways.push(("slice", copy));
        }
        if let Some(shared) = view.shared() {
            ways.push(("shared", object.py().detach(|| shared.iter().collect())));
        }
        for (way, read) in &ways {
            if bits(read) != bits(&items) {
                return Err(PyAssertionError::new_err(format!("{way} reads something else")));
            }
        }
        items.into_bound_py_any(object.py())
    }
    with_element!(element, T => of::<T>(object))
}

/// The items as arrays of `N`, after a check that a fold over two views gives the same arrays in pairs.
fn by_arrays<T: Value, const N: usize>(view: &BufferView<'_, T>, pad: T) -> Vec<T> {
    let mut arrays = view.fold_arrays(Vec::new(), pad, |mut all, array: [T; N]| {
        all.extend(array);
        all
    });
    let pairs = view.fold_arrays_with(view, Vec::new(), (pad, pad), |mut all, one: [T; N], other| {
        assert_eq!(bits(&one), bits(&other));
        all.extend(one);
        all
    });
    assert_eq!(bits(&pairs), bits(&arrays));
    assert_eq!(arrays.len(), view.len().next_multiple_of(N));
    assert!(arrays[view.len()..].iter().all(|item| bits(&[*item]) == bits(&[pad])));
    arrays.truncate(view.len());
    arrays
}

/// The items in index order, while other threads may write them.
#[pyfunction]
fn read_once<'py>(element: &str, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    with_element!(element, T => BufferView::<T>::from_object(object)?.to_vec()?.into_bound_py_any(object.py()))
}

/// The bytes of elements, which have no padding.
fn bits<T: Value>(items: &[T]) -> &[u8] {
    // SAFETY: every byte of an element is initialised.
    unsafe { std::slice::from_raw_parts(items.as_ptr().cast(), size_of_val(items)) }
}

/// All indices of a shape, in C order.
fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> + '_ {
    // If there are no indices, the other extents may have any size.
    let count = if shape.contains(&0) { 0 } else { shape.iter().product() };
    (0..count).map(move |mut number| {
        let mut index = vec![0; shape.len()];
        for (place, &extent) in index.iter_mut().zip(shape).rev() {
            *place = number % extent;
            number /= extent;
        }
        index
    })
}

/// The items in the order in which they lie in memory, or None.
#[pyfunction]
fn in_memory_order<'py>(element: &str, object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    fn of<'py, T: Value>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let view = BufferView::<T>::from_object(object)?;
        let items = view.shared_in_memory_order().map(|items| items.iter().collect::<Vec<_>>());
        items.map(|items| items.into_bound_py_any(object.py())).transpose()
    }
    with_element!(element, T => of::<T>(object))
}

/// One item, or None.
#[pyfunction]
fn get<'py>(element: &str, object: &Bound<'py, PyAny>, index: Vec<usize>) -> PyResult<Option<Bound<'py, PyAny>>> {
    fn of<'py, T: Value>(object: &Bound<'py, PyAny>, index: &[usize]) -> PyResult<Option<Bound<'py, PyAny>>> {
        let item = BufferView::<T>::from_object(object)?.get(index);
        item.map(|item| item.into_bound_py_any(object.py())).transpose()
    }
    with_element!(element, T => of::<T>(object, &index))
}

/// Calls a function while a view is held, and returns how many items the view had.
#[pyfunction]
fn call_under(element: &str, object: &Bound<'_, PyAny>, function: &Bound<'_, PyAny>) -> PyResult<usize> {
    fn of<T: Value>(object: &Bound<'_, PyAny>, function: &Bound<'_, PyAny>) -> PyResult<usize> {
        let view = BufferView::<T>::from_object(object)?;
        function.call0()?;
        Ok(view.len())
    }
    with_element!(element, T => of::<T>(object, function))
}

/// Takes the last object off a list, keeps only a view of it, calls a function, and then reads.
#[pyfunction]
fn pop_and_view(objects: &Bound<'_, PyList>, function: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    let object = objects.call_method0("pop")?;
    let view = BufferView::from_object(&object)?;
    drop(object);
    function.call0()?;
    view.to_vec()
}

/// Releases a view while an exception is pending, and returns what is pending afterwards.
#[pyfunction]
fn release_with_pending<'py>(
    object: &Bound<'py, PyAny>,
    error: Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = object.py();
    let view = BufferView::<u8>::from_object(object)?;
    PyErr::from_value(error).restore(py);
    drop(view);
    Ok(PyErr::take(py).map(|error| error.into_value(py).into_bound(py).into_any()))
}

/// Panics while a view is held.
#[pyfunction]
fn panic_under(object: &Bound<'_, PyAny>) -> PyResult<()> {
    let view = BufferView::<u8>::from_object(object)?;
    panic!("{} items are viewed", view.len());
}

/// Extracts `count` views, one after the other, and returns the sum of their lengths.
#[pyfunction]
fn views(object: &Bound<'_, PyAny>, count: usize) -> PyResult<usize> {
    (0..count).map(|_| object.extract::<BufferView<'_, f64>>().map(|view| view.len())).sum()
}

/// Sums as a user would: integers exactly, floats in eight partial sums.
trait Sum: Value {
    fn number(self) -> f64;

    fn sum(chunk: &[Self]) -> f64;
}

macro_rules! sums {
    ($($element:ty),*) => {$(
        impl Sum for $element {
            fn number(self) -> f64 {
                self.into()
            }

            fn sum(chunk: &[Self]) -> f64 {
                let (eights, rest) = chunk.as_chunks::<8>();
                let mut sums = [0.0; 8];
                for eight in eights {
                    sums.iter_mut().zip(eight).for_each(|(sum, &item)| *sum += item.number());
                }
                sums.iter().sum::<f64>() + rest.iter().map(|item| item.number()).sum::<f64>()
            }
        }
    )*};
}

sums!(u8, i32, f32, f64);

fn sum_of<T: Sum>(object: &Bound<'_, PyAny>, way: &str) -> PyResult<f64> {
    fn shared<T: Sum>(items: &SharedRead<T>) -> f64 {
        items.fold_chunks(0.0, |sum, chunk| sum + T::sum(chunk))
    }
    let view = BufferView::<T>::from_object(object)?;
    let contiguous = || view.shared().ok_or_else(|| PyAssertionError::new_err("it is not contiguous"));
    Ok(match way {
        "chunks" => view.fold_chunks(0.0, |sum, chunk| sum + T::sum(chunk)),
        "shared" => shared(contiguous()?),
        "detached" => {
            let items = contiguous()?;
            object.py().detach(|| shared(items))
        }
        "to_vec" => T::sum(&view.to_vec()?),
        "for_each" => {
            let mut sum = 0.0;
            view.iter().for_each(|item| sum += item.number());
            sum
        }
        "iter" => {
            let mut sum = 0.0;
            for item in &view {
                sum += item.number();
            }
            sum
        }
        other => return Err(PyAssertionError::new_err(format!("no way is named {other}"))),
    })
}

/// The sum of all items, in one of several ways; also for benchmarks.
#[pyfunction]
fn sum(element: &str, object: &Bound<'_, PyAny>, way: &str) -> PyResult<f64> {
    match element {
        "u8" => sum_of::<u8>(object, way),
        "i32" => sum_of::<i32>(object, way),
        "f32" => sum_of::<f32>(object, way),
        "f64" => sum_of::<f64>(object, way),
        other => Err(PyAssertionError::new_err(format!("no sum of {other}"))),
    }
}

/// How many bytes are copied out by `to_vec`; for benchmarks.
#[pyfunction]
fn copied(element: &str, object: &Bound<'_, PyAny>) -> PyResult<usize> {
    with_element!(element, T => Ok(BufferView::<T>::from_object(object)?.to_vec()?.len() * size_of::<T>()))
}

pub(super) fn add(consumer: &Bound<'_, PyModule>) -> PyResult<()> {
    consumer.add_function(wrap_pyfunction!(describe, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(read, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(read_once, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(in_memory_order, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(get, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(call_under, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(pop_and_view, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(release_with_pending, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(panic_under, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(views, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(sum, consumer)?)?;
    consumer.add_function(wrap_pyfunction!(copied, consumer)?)
}
