//! Storages from the bytes that Python passes to a constructor.

use buffer_runtime::{Element, Storage};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A storage that can be made from the bytes that its buffer will show.
pub(super) trait Content: Storage {
    /// `ValueError` where the bytes are not a whole number of elements, or not the number that the storage has.
    fn from_bytes(bytes: &[u8]) -> PyResult<Self>
    where
        Self: Sized;
}

impl<T: Item> Content for Vec<T> {
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        let elements = bytes.chunks_exact(size_of::<T>());
        if !elements.remainder().is_empty() {
            return Err(PyValueError::new_err(format!("{} bytes leave a remainder", bytes.len())));
        }
        Ok(elements.map(T::from_bytes).collect())
    }
}

impl<T: Item> Content for Box<[T]> {
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        Vec::from_bytes(bytes).map(Self::from)
    }
}

impl<T: Item, const N: usize> Content for [T; N] {
    fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
        Vec::from_bytes(bytes)?
            .try_into()
            .map_err(|elements: Vec<T>| PyValueError::new_err(format!("{} elements instead of {N}", elements.len())))
    }
}

/// An element that can be made from its bytes, whose number must be its size.
pub(super) trait Item: Element {
    fn from_bytes(bytes: &[u8]) -> Self;
}

macro_rules! scalars {
    ($($scalar:ident)*) => {$(
        impl Item for $scalar {
            fn from_bytes(bytes: &[u8]) -> Self {
                Self::from_ne_bytes(bytes.try_into().expect("the bytes of one scalar"))
            }
        }
    )*};
}

scalars!(i8 u8 i16 u16 i32 u32 i64 u64 isize usize f32 f64);

impl<E: Item, const N: usize> Item for [E; N] {
    fn from_bytes(bytes: &[u8]) -> Self {
        std::array::from_fn(|index| E::from_bytes(&bytes[index * size_of::<E>()..][..size_of::<E>()]))
    }
}
