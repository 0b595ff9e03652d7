//! What expanded code may name. Not public API.

pub use pyo3;
pub use pyo3::{Bound, Py, PyAny, PyResult};
pub use std::option::Option;
pub use std::result::Result::Ok;

pub use crate::__submit_slots as submit_slots;
pub use crate::layout::{Descriptor, Dim, Order};
pub use crate::py::slots::slots;
pub use crate::py::{Exporter, ShapeSource, array};
