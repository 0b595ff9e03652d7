//! How a view begins: requests it, checks what the exporter reports, and makes a view of it.

use std::ffi::c_int;

use pyo3::exceptions::{PyBufferError, PyMemoryError};
use pyo3::prelude::*;
use pyo3::{PyErr, ffi};

use super::BufferView;
use super::held::Held;
use super::rejection::{Contradiction, Rejection};
use super::reported::Places;
use super::starts::Starts;
use super::walk::Walk;
use super::wanted::Wanted;
use crate::element::{self, Element, Viewable};
use crate::exception::{ClassName, exception};
use crate::shared::SharedRead;

/// Checks at compile time that foreign bytes can be read as a `T`.
///
/// The bytes need not have been written as a `T`, so every bit pattern must be a valid one. [`Viewable`] makes a
/// violation an error of `cargo check`. This function also checks generic records, and elements that are implemented by
/// hand.
pub(super) const fn check_element<T: Element>() {
    element::check::<T>();
    assert!(
        T::ANY_BITS,
        "other code may write any byte, and not every byte is a valid `bool`; view `u8` instead, where 0 is false and any other number is true"
    );
}

/// A view, with the pointer that only a writable view needs.
pub(super) struct Viewed<'py, T> {
    pub(super) view: BufferView<'py, T>,
    /// The first item of `dense`, if there is a `dense`.
    pub(super) data: *mut T,
}

/// Whether items will be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Read,
    Write,
}

impl Intent {
    pub(super) fn flags(self) -> c_int {
        match self {
            Self::Read => ffi::PyBUF_FULL_RO,
            Self::Write => ffi::PyBUF_FULL,
        }
    }
}

impl<'py, T> BufferView<'py, T> {
    pub(super) fn request(object: &Bound<'py, PyAny>, access: Intent) -> PyResult<Viewed<'py, T>>
    where
        T: Viewable,
    {
        Self::granted(object, access)?.map_err(|problem| raise(object, &problem))
    }

    /// Requests a view. The outer error is that of the exporter, which has not granted it.
    pub(super) fn granted(object: &Bound<'py, PyAny>, access: Intent) -> PyResult<Result<Viewed<'py, T>, Rejection>>
    where
        T: Viewable,
    {
        const { check_element::<T>() }
        let wanted = Wanted::of::<T>(access);
        let held = Held::request(object, access.flags(), wanted)?;
        Ok(Self::check(held, wanted, access))
    }

    pub(super) fn check(held: Held<'py>, wanted: Wanted, access: Intent) -> Result<Viewed<'py, T>, Rejection>
    where
        T: Viewable,
    {
        let claims = held.reported();
        let buf = claims.buf;
        let places = claims.check(wanted)?;
        if access == Intent::Write && held.readonly() {
            return Err(Contradiction::ReadOnly.into());
        }
        // SAFETY: the view is held, and these places come from its checked fields.
        let starts = unsafe { Starts::find(buf, &places, wanted) }?;
        if access == Intent::Write && (places.may_overlap(wanted) || starts.may_overlap(&places, wanted)) {
            return Err(Rejection::Overlapping { wanted });
        }
        let Places { c_contiguous, f_contiguous, len, .. } = places;
        let depth = places.suboffsets.len();
        let walk = Walk::new(starts, &places, wanted.size);
        let data = if len == 0 { std::ptr::dangling_mut() } else { buf.cast::<T>() };
        let dense = (c_contiguous || f_contiguous).then(|| {
            // SAFETY: if there are items, they are contiguous from `buf` on, which is aligned (`Places`, clause 4). The
            // exporter keeps them while the view is held, and every bit pattern is valid. All other code accesses them
            // as foreign code does. The view only lends the handle.
            unsafe { SharedRead::new(data, len) }
        });
        let shape = places.shape.into_iter().map(isize::cast_unsigned).collect();
        let strides = places.strides.into_boxed_slice();
        Ok(Viewed { view: Self { shape, strides, c_contiguous, f_contiguous, depth, walk, dense, held }, data })
    }
}

/// The exception for a rejected buffer.
pub(super) fn raise(object: &Bound<'_, PyAny>, problem: &Rejection) -> PyErr {
    let py = object.py();
    match problem {
        Rejection::NoRoom => exception::<PyMemoryError>(py, problem),
        Rejection::Unreadable { error, .. } if error.is_out_of_memory() => exception::<PyMemoryError>(py, problem),
        Rejection::Contradiction(contradiction) => match ClassName::of(object) {
            Ok(class) => exception::<PyBufferError>(
                py,
                format_args!(
                    "the buffer of this '{class}' contradicts itself: {contradiction}; this is a bug in its exporter"
                ),
            ),
            Err(error) => error,
        },
        _ => exception::<PyBufferError>(py, problem),
    }
}
