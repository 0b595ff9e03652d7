//! The Python side: the only code that touches a `Py_buffer`.

pub mod array;
mod class;
mod cold;
mod export;
mod part;
mod scoped;
pub(crate) mod slots;
mod view;

use pyo3::PyErr;
use pyo3::exceptions::{PyBufferError, PyMemoryError};

pub use self::class::{Byte, Bytes, Class, Exported, Exporter, Sendable, ShapeSource, holds_bytes};
pub use self::scoped::ScopedView;
pub use self::slots::{Entry, Slot, assert_exported};
#[cfg(fuzzing)]
pub use self::view::fuzz;
pub use self::view::{BufferView, BufferViewMut, Items};

use crate::contain::Text;
use crate::error::{BorrowError, ViewError};
use crate::format::FormatError;
use crate::storage::ForeignBufferError;

impl From<BorrowError> for PyErr {
    fn from(error: BorrowError) -> Self {
        let text = Text::from(error.to_string());
        if error.is_out_of_memory() { PyMemoryError::new_err(text) } else { PyBufferError::new_err(text) }
    }
}

impl From<ViewError> for PyErr {
    fn from(error: ViewError) -> Self {
        PyBufferError::new_err(Text::from(error.to_string()))
    }
}

/// As what the declaration of a layout raises.
impl From<FormatError> for PyErr {
    fn from(error: FormatError) -> Self {
        PyBufferError::new_err(Text::from(format!("cannot grant a view: {error}")))
    }
}

impl From<ForeignBufferError> for PyErr {
    fn from(error: ForeignBufferError) -> Self {
        let text = Text::from(error.to_string());
        match error {
            ForeignBufferError::Misaligned { .. } => PyBufferError::new_err(text),
            ForeignBufferError::Null { .. }
            | ForeignBufferError::TooLong { .. }
            | ForeignBufferError::PastTheEnd { .. } => PyMemoryError::new_err(text),
        }
    }
}
