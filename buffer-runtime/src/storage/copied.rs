//! Storage that is made of copies of elements, while others may be writing those.

use std::collections::TryReserveError;
use std::ptr::NonNull;
use std::slice;

use super::{Access, Captured, Exportable, Rows, Storage};
use crate::element::Element;
use crate::shared::SharedRead;

/// A [`Storage`] that can be made of copies of elements, as
/// [`write_or_detach`](crate::ExportCell::write_or_detach) does it.
///
/// Implement it for a storage of your own, whose other fields then begin anew:
///
/// ```
/// # use std::collections::TryReserveError;
/// # use std::ptr::NonNull;
/// use buffer_runtime::{FromElements, SharedRead, Storage};
///
/// struct Samples {
///     items: Vec<f32>,
/// }
///
/// # // SAFETY: as for the Vec that it owns.
/// # unsafe impl Storage for Samples {
/// #     type Element = f32;
/// #     type Access = buffer_runtime::ReadWrite;
/// #     unsafe fn raw(this: *mut Self) -> (NonNull<f32>, usize) {
/// #         unsafe { Vec::raw(&raw mut (*this).items) }
/// #     }
/// # }
/// impl FromElements for Samples {
///     fn from_elements(elements: &SharedRead<f32>) -> Result<Self, TryReserveError> {
///         Ok(Self { items: elements.to_vec()? })
///     }
/// }
/// ```
pub trait FromElements: Storage + Sized {
    /// Copies the elements.
    ///
    /// # Errors
    ///
    /// There is no memory for so many.
    fn from_elements(elements: &SharedRead<Self::Element>) -> Result<Self, TryReserveError>;
}

/// What an [`ExportCell`](crate::ExportCell) can hold and replace by a copy: storages that are [`FromElements`], which `Vec<T>`,
/// `Box<[T]>` and `[T; N]` are, or [`Rows`].
#[diagnostic::on_unimplemented(
    message = "a copy of `{Self}` cannot be made of its elements",
    label = "not `FromElements`",
    note = "implement `FromElements` for it, or store a `Vec<T>`, `Box<[T]>`, `[T; N]` or `Rows<T>`"
)]
pub trait Replaceable: Exportable + Sized {
    /// Copies what was captured.
    ///
    /// # Errors
    ///
    /// There is no memory for so much.
    ///
    /// # Safety
    ///
    /// It was captured from a storage that is alive and does not change meanwhile. Nobody refers to its elements, nor writes
    /// them but as valid ones.
    #[doc(hidden)]
    unsafe fn copy_of(captured: Captured) -> Result<Self, TryReserveError>;
}

#[diagnostic::do_not_recommend]
impl<S: FromElements> Replaceable for S {
    unsafe fn copy_of(captured: Captured) -> Result<Self, TryReserveError> {
        let (data, len) = (captured.data.cast().as_ptr(), captured.len);
        if <<S as Storage>::Access as Access>::READONLY {
            // Others may hold shared references to the elements, and the pointer may come from one: then it is good for plain
            // reads and not for atomics, which may write. So what is shown is a copy.
            // SAFETY: the caller vouches for a storage's elements, which are aligned, initialised and in one allocation
            // (Storage, clause 1). Nobody writes what is read-only (clause 5).
            let elements = unsafe { slice::from_raw_parts(data, len) };
            let mut copies = Vec::new();
            copies.try_reserve_exact(len)?;
            copies.extend_from_slice(elements);
            // SAFETY: the copies stay where they are, and are left alone, while the handle lives.
            let elements = unsafe { SharedRead::new(copies.as_mut_ptr(), len) };
            return S::from_elements(&elements);
        }
        // SAFETY: the caller vouches for a storage's elements, which are aligned, initialised and in one allocation (Storage,
        // clause 1), and stay where they are while the handle lives.
        let elements = unsafe { SharedRead::new(data, len) };
        S::from_elements(&elements)
    }
}

impl<T: Element> Replaceable for Rows<T> {
    unsafe fn copy_of(captured: Captured) -> Result<Self, TryReserveError> {
        let table = captured.data.cast::<NonNull<T>>();
        let mut rows = Self::new(captured.row_len);
        rows.try_reserve(captured.len)?;
        for index in 0..captured.len {
            // SAFETY: the caller vouches for rows that do not change, whose table has so many entries.
            let entry = unsafe { table.add(index) };
            // SAFETY: as above; no consumer writes the table, which is no item of the buffer.
            let first = unsafe { entry.read() };
            // SAFETY: a row has so many initialised elements (Rows, invariant 1), for which the caller vouches.
            let row = unsafe { SharedRead::new(first.as_ptr(), captured.row_len) };
            rows.push(row.to_vec()?).expect("the copy of a row is as long as all rows");
        }
        Ok(rows)
    }
}

impl<T: Element> FromElements for Vec<T> {
    fn from_elements(elements: &SharedRead<T>) -> Result<Self, TryReserveError> {
        elements.to_vec()
    }
}

impl<T: Element> FromElements for Box<[T]> {
    fn from_elements(elements: &SharedRead<T>) -> Result<Self, TryReserveError> {
        elements.to_vec().map(Vec::into_boxed_slice)
    }
}

impl<T: Element, const N: usize> FromElements for [T; N] {
    fn from_elements(elements: &SharedRead<T>) -> Result<Self, TryReserveError> {
        Ok(std::array::from_fn(|index| elements.get(index)))
    }
}
