//! A tensor whose memory belongs to Rust: torch, JAX and numpy compute on it in place, through DLPack or through the
//! buffer protocol.
//!
//! While one of their tensors or any view is alive, `resize` raises `BufferError` instead of moving the memory.

use aligned_vec::{AVec, RuntimeAlign};
use buffer_runtime::{BufferView, BufferViewMut, ExportBuffer, ExportCell, Viewable};
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;

/// The alignment that JAX requires, and that of the largest item.
const ALIGNED: usize = 64;
const NATURAL: usize = 8;

/// The type of an item.
#[derive(Clone, Copy)]
enum Dtype {
    Float32,
    Float64,
    Int32,
    Int64,
}

impl Dtype {
    fn named(name: &str) -> PyResult<Self> {
        match name {
            "float32" => Ok(Self::Float32),
            "float64" => Ok(Self::Float64),
            "int32" => Ok(Self::Int32),
            "int64" => Ok(Self::Int64),
            _ => Err(PyValueError::new_err("dtype must be 'float32', 'float64', 'int32' or 'int64'")),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
        }
    }

    fn format(self) -> &'static str {
        match self {
            Self::Float32 => "f",
            Self::Float64 => "d",
            Self::Int32 => "i",
            Self::Int64 => "q",
        }
    }

    fn size(self) -> usize {
        match self {
            Self::Float32 | Self::Int32 => 4,
            Self::Float64 | Self::Int64 => 8,
        }
    }
}

/// A tensor of any shape, in C order.
#[derive(ExportBuffer)]
#[pyclass(weakref, module = "tensor")]
struct Tensor {
    shape: Vec<usize>,
    dtype: Dtype,
    #[buffer(shape = self.shape.as_slice(), format = self.dtype.format())]
    data: ExportCell<AVec<u8, RuntimeAlign>>,
}

#[pymethods]
impl Tensor {
    /// A tensor of zeros. If it is aligned, its memory begins at a multiple of 64 bytes, whatever its size is.
    #[new]
    #[pyo3(signature = (shape, dtype = "float32", aligned = true))]
    fn new(shape: Vec<usize>, dtype: &str, aligned: bool) -> PyResult<Self> {
        let dtype = Dtype::named(dtype)?;
        let size = size_of(&shape, dtype)?;
        let mut data = AVec::new(if aligned { ALIGNED } else { NATURAL });
        grow(&mut data, size)?;
        Ok(Self { shape, dtype, data: ExportCell::new(data) })
    }

    /// The extents, in items.
    #[getter]
    fn shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    /// The name of the type of an item.
    #[getter]
    fn dtype(&self) -> &'static str {
        self.dtype.name()
    }

    /// How many tensors of other libraries show the memory.
    #[getter]
    fn tensors(&self) -> usize {
        self.data.tensors()
    }

    /// Sets all items, even while other libraries use them.
    fn fill(slf: &Bound<'_, Self>, x: &Bound<'_, PyAny>) -> PyResult<()> {
        let dtype = slf.try_borrow()?.dtype;
        match dtype {
            Dtype::Float32 => fill_with::<f32>(slf, x.extract()?),
            Dtype::Float64 => fill_with::<f64>(slf, x.extract()?),
            Dtype::Int32 => fill_with::<i32>(slf, x.extract()?),
            Dtype::Int64 => fill_with::<i64>(slf, x.extract()?),
        }
    }

    /// Gives the tensor another shape. It keeps the first items in C order; those that are added are zero.
    ///
    /// Raises `BufferError` while a tensor or a view of the memory is alive; then nothing has changed.
    fn resize(&mut self, shape: Vec<usize>) -> PyResult<()> {
        let size = size_of(&shape, self.dtype)?;
        let mut data = self.data.get_mut()?;
        data.truncate(size);
        grow(&mut data, size)?;
        self.shape = shape;
        Ok(())
    }

    /// Adds the items of a buffer or a tensor of the same shape and dtype, in place.
    fn add(slf: &Bound<'_, Self>, obj: &Bound<'_, PyAny>) -> PyResult<()> {
        let dtype = slf.try_borrow()?.dtype;
        match dtype {
            Dtype::Float32 => add_items(slf, obj, |a: f32, b| a + b),
            Dtype::Float64 => add_items(slf, obj, |a: f64, b| a + b),
            Dtype::Int32 => add_items(slf, obj, i32::wrapping_add),
            Dtype::Int64 => add_items(slf, obj, i64::wrapping_add),
        }
    }

    fn __repr__(&self) -> String {
        format!("<Tensor of shape {:?}, {}>", self.shape, self.dtype.name())
    }
}

/// The size in bytes of items in a shape.
fn size_of(shape: &[usize], dtype: Dtype) -> PyResult<usize> {
    let size = shape.iter().try_fold(dtype.size(), |size, &extent| size.checked_mul(extent));
    size.filter(|&size| isize::try_from(size).is_ok())
        .ok_or_else(|| PyMemoryError::new_err("no memory has room for such a shape"))
}

/// Adds zeros up to a size.
fn grow(data: &mut AVec<u8, RuntimeAlign>, size: usize) -> PyResult<()> {
    let missing = size.saturating_sub(data.len());
    data.try_reserve(missing).map_err(|_| PyMemoryError::new_err("no memory for so many items"))?;
    data.resize(size, 0);
    Ok(())
}

fn fill_with<T: Viewable>(tensor: &Bound<'_, Tensor>, x: T) -> PyResult<()> {
    BufferViewMut::<T>::from_object(tensor.as_any())?.fill(x);
    Ok(())
}

fn add_items<T: Viewable>(tensor: &Bound<'_, Tensor>, obj: &Bound<'_, PyAny>, sum: impl Fn(T, T) -> T) -> PyResult<()> {
    let own = BufferViewMut::<T>::from_object(tensor.as_any())?;
    let other = BufferView::<T>::from_object(obj)?;
    if own.shape() != other.shape() {
        let text = format!("the shapes differ: {:?} and {:?}", own.shape(), other.shape());
        return Err(PyValueError::new_err(text));
    }
    let mut items = other.iter();
    own.update(|item| items.next().map_or(item, |other| sum(item, other)));
    Ok(())
}

/// The stub `tensor.pyi` documents this module for Python.
#[pymodule]
mod tensor {
    #[pymodule_export]
    use super::Tensor;
}
