//! Finds the type of an element by its name.

use buffer_runtime::Viewable;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

/// An element that can be converted to a Python object and back.
pub(super) trait Value:
    Viewable + for<'py> IntoPyObjectExt<'py> + for<'py> FromPyObjectOwned<'py, Error: Into<PyErr>>
{
}

impl<T: Viewable + for<'py> IntoPyObjectExt<'py> + for<'py> FromPyObjectOwned<'py, Error: Into<PyErr>>> Value for T {}

/// Evaluates `$body` with `$type` as the element of that name.
macro_rules! with_element {
    ($name:expr, $type:ident => $body:expr) => {
        with_element!(
            $name, $type => $body,
            i8, u8, i16, u16, i32, u32, i64, u64, isize, usize, f32, f64,
            [f32; 3], [i32; 2], [u8; 4], [[i16; 2]; 3], [f64; 1]
        )
    };
    ($name:expr, $type:ident => $body:expr, $($element:ty),*) => {
        match $name {
            $(stringify!($element) => {
                type $type = $element;
                $body
            })*
            other => Err(pyo3::exceptions::PyValueError::new_err(format!("no element is named {other}"))),
        }
    };
}

pub(super) use with_element;
