//! Bulk access to numpy's arrays, by each method that `bulk.py` compares with numpy or `memcpy`.

use buffer_runtime::{Be, BufferView, BufferViewMut, Scalar, Shared, Viewable};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

/// Evaluates an expression with the type that numpy calls `$dtype`.
macro_rules! with_type {
    ($dtype:expr, $type:ident => $body:expr, [$($name:literal: $element:ty),*]) => {
        match $dtype {
            $($name => {
                type $type = $element;
                $body
            })*
            other => Err(PyTypeError::new_err(format!("no function for items of {other}"))),
        }
    };
}

/// A number with a cheap operation that changes it.
trait Number: Scalar + Viewable {
    fn negative(self) -> Self;
}

impl Number for u8 {
    #[inline(always)]
    fn negative(self) -> Self {
        self.wrapping_neg()
    }
}

impl Number for f32 {
    #[inline(always)]
    fn negative(self) -> Self {
        -self
    }
}

impl Number for f64 {
    #[inline(always)]
    fn negative(self) -> Self {
        -self
    }
}

/// The items of a writable view, in memory order.
fn items<'a, T>(view: &'a BufferViewMut<'_, T>) -> PyResult<&'a Shared<T>> {
    view.shared_in_memory_order().ok_or_else(|| PyValueError::new_err("expected contiguous items"))
}

/// Negates every item by `Shared::update`.
#[pyfunction]
fn update(array: &Bound<'_, PyAny>, dtype: &str) -> PyResult<()> {
    with_type!(dtype, T => {
        items(&BufferViewMut::<T>::from_object(array)?)?.update(Number::negative);
        Ok(())
    }, ["u1": u8, "f4": f32, "f8": f64])
}

/// The same by `Shared::for_each_chunk`.
#[pyfunction]
fn for_each_chunk(array: &Bound<'_, PyAny>, dtype: &str) -> PyResult<()> {
    with_type!(dtype, T => {
        items(&BufferViewMut::<T>::from_object(array)?)?.for_each_chunk(|chunk| {
            chunk.iter_mut().for_each(|item| *item = item.negative());
        });
        Ok(())
    }, ["u1": u8, "f4": f32, "f8": f64])
}

/// An item that can be added up, without an overflow in the benchmark.
trait Addend: Viewable {
    type Sum: std::iter::Sum;

    fn wide(self) -> Self::Sum;
}

/// Implements [`Addend`] by a conversion to the type of the sum.
macro_rules! addends {
    ($($type:ty, $sum:ty: $wide:expr;)*) => {$(
        impl Addend for $type {
            type Sum = $sum;

            #[inline(always)]
            fn wide(self) -> $sum {
                $wide(self)
            }
        }
    )*};
}

addends! {
    i32, i64: i64::from;
    i64, i64: std::convert::identity;
    Be<i32>, i64: |item: Be<i32>| i64::from(item.get());
    f64, f64: std::convert::identity;
}

/// The sum of the items of a view, by `BufferView::iter`.
#[pyfunction]
fn sum<'py>(array: &Bound<'py, PyAny>, dtype: &str) -> PyResult<Bound<'py, PyAny>> {
    with_type!(dtype, T => {
        let sum: <T as Addend>::Sum = BufferView::<T>::from_object(array)?.iter().map(Addend::wide).sum();
        sum.into_bound_py_any(array.py())
    }, ["i4": i32, "i8": i64, ">i4": Be<i32>, "f8": f64])
}

/// The same by `SharedRead::iter`, in memory order.
#[pyfunction]
fn sum_in_memory_order<'py>(array: &Bound<'py, PyAny>, dtype: &str) -> PyResult<Bound<'py, PyAny>> {
    with_type!(dtype, T => {
        let view = BufferView::<T>::from_object(array)?;
        let items = view.shared_in_memory_order().ok_or_else(|| PyValueError::new_err("expected contiguous items"))?;
        let sum: <T as Addend>::Sum = items.iter().map(Addend::wide).sum();
        sum.into_bound_py_any(array.py())
    }, ["i4": i32, "i8": i64, ">i4": Be<i32>, "f8": f64])
}

/// The same in a `for` loop.
#[pyfunction]
fn sum_in_a_loop(array: &Bound<'_, PyAny>) -> PyResult<i64> {
    let mut sum = 0;
    for item in &BufferView::<i32>::from_object(array)? {
        sum += i64::from(item);
    }
    Ok(sum)
}

/// Copies the items of a view, by `BufferView::to_vec`.
#[pyfunction]
fn to_vec(array: &Bound<'_, PyAny>, dtype: &str) -> PyResult<usize> {
    with_type!(dtype, T => Ok(BufferView::<T>::from_object(array)?.to_vec()?.len()),
        ["u1": u8, "f4": f32, "f8": f64, ">f4": Be<f32>, ">f8": Be<f64>])
}

/// Copies the items of a view in the machine's byte order.
#[pyfunction]
fn to_native(array: &Bound<'_, PyAny>) -> PyResult<usize> {
    Ok(BufferView::<Be<f32>>::from_object(array)?.map_to_vec(Be::get)?.len())
}

/// A vector in Rust, to copy to and from.
#[pyclass]
struct Local(Vec<u8>);

#[pymethods]
impl Local {
    #[new]
    fn new(len: usize) -> Self {
        Self(vec![1; len])
    }

    /// `Shared::copy_to_slice`.
    fn copy_from(&mut self, array: &Bound<'_, PyAny>) -> PyResult<()> {
        let view = BufferViewMut::<u8>::from_object(array)?;
        items(&view)?.copy_to_slice(&mut self.0);
        Ok(())
    }

    /// `Shared::copy_from_slice`.
    fn copy_to(&self, array: &Bound<'_, PyAny>) -> PyResult<()> {
        let view = BufferViewMut::<u8>::from_object(array)?;
        items(&view)?.copy_from_slice(&self.0);
        Ok(())
    }

    /// `memcpy`, which is right because no other code uses the array meanwhile.
    fn memcpy_from(&mut self, array: &Bound<'_, PyAny>) -> PyResult<()> {
        let view = BufferViewMut::<u8>::from_object(array)?;
        let items = items(&view)?;
        assert_eq!(items.len(), self.0.len());
        // SAFETY: both have this many bytes, and the benchmark has one thread.
        unsafe { self.0.as_mut_ptr().copy_from_nonoverlapping(items.as_ptr(), items.len()) };
        Ok(())
    }

    /// The other direction.
    fn memcpy_to(&self, array: &Bound<'_, PyAny>) -> PyResult<()> {
        let view = BufferViewMut::<u8>::from_object(array)?;
        let items = items(&view)?;
        assert_eq!(items.len(), self.0.len());
        // SAFETY: as above.
        unsafe { items.as_ptr().copy_from_nonoverlapping(self.0.as_ptr(), items.len()) };
        Ok(())
    }
}

/// The extension module.
#[pymodule]
mod access {
    #[pymodule_export]
    use super::{Local, for_each_chunk, sum, sum_in_a_loop, sum_in_memory_order, to_native, to_vec, update};
}
