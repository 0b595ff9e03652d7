//! Storages that are made from copies of elements, while consumers may be writing to the originals.

use std::collections::TryReserveError;
use std::ptr::NonNull;
use std::slice;

use super::{Access, Captured, Exportable, Rows, Storage};
use crate::element::Element;
use crate::shared::SharedRead;

/// A [`Storage`] that can be made from copies of elements, as [`write_or_detach`](crate::ExportCell::write_or_detach)
/// requires.
///
/// Implement it for a storage of your own. The other fields of the copy start with new values:
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
    /// There is not enough memory for the copies.
    fn from_elements(elements: &SharedRead<Self::Element>) -> Result<Self, TryReserveError>;

    /// Makes a storage from elements that are copies already, such as those from a pickle. The default implementation
    /// copies them a second time.
    ///
    /// # Errors
    ///
    /// There is not enough memory.
    fn from_vec(mut elements: Vec<Self::Element>) -> Result<Self, TryReserveError> {
        // SAFETY: the elements stay where they are, and nothing else accesses them, while the handle lives.
        let elements = unsafe { SharedRead::new(elements.as_mut_ptr(), elements.len()) };
        Self::from_elements(&elements)
    }
}

/// What an [`ExportCell`](crate::ExportCell) can store and replace by a copy: storages that implement [`FromElements`],
/// such as `Vec<T>`, `Box<[T]>` and `[T; N]`, and [`Rows`].
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
    /// There is not enough memory for the copies.
    ///
    /// # Safety
    ///
    /// `captured` is the memory of a storage that is alive and does not change meanwhile. There is no mutable reference
    /// to its elements, and every write to them leaves valid elements.
    #[doc(hidden)]
    unsafe fn copy_of(captured: Captured) -> Result<Self, TryReserveError>;
}

#[diagnostic::do_not_recommend]
impl<S: FromElements> Replaceable for S {
    unsafe fn copy_of(captured: Captured) -> Result<Self, TryReserveError> {
        let (data, len) = (captured.data.cast().as_ptr(), captured.len);
        if <<S as Storage>::Access as Access>::READONLY {
            // Other code may have shared references to the elements, and the pointer may come from one: then it is
            // valid for plain reads but not for atomics, which may write. So `from_elements` gets a copy.
            // SAFETY: the caller vouches for a storage's elements, which are aligned, initialised and in one allocation
            // (Storage, clause 1). Nothing writes read-only elements (clause 5).
            let elements = unsafe { slice::from_raw_parts(data, len) };
            let mut copies = Vec::new();
            copies.try_reserve_exact(len)?;
            copies.extend_from_slice(elements);
            // SAFETY: the copies stay where they are, and nothing else accesses them, while the handle lives.
            let elements = unsafe { SharedRead::new(copies.as_mut_ptr(), len) };
            return S::from_elements(&elements);
        }
        // SAFETY: the caller vouches for a storage's elements, which are aligned, initialised and in one allocation
        // (Storage, clause 1), and stay where they are while the handle lives.
        let elements = unsafe { SharedRead::new(data, len) };
        S::from_elements(&elements)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Element> Replaceable for Rows<T> {
    unsafe fn copy_of(captured: Captured) -> Result<Self, TryReserveError> {
        let table = captured.data.cast::<NonNull<T>>();
        let mut rows = Self::new(captured.row_len);
        rows.try_reserve(captured.len)?;
        for index in 0..captured.len {
            // SAFETY: the caller vouches for rows that do not change, whose table has `len` entries.
            let entry = unsafe { table.add(index) };
            // SAFETY: as above; no consumer writes the table, because it is not part of the buffer's items.
            let first = unsafe { entry.read() };
            // SAFETY: the caller vouches for the rows, each of which has `row_len` initialised elements (Rows,
            // invariant 1).
            let row = unsafe { SharedRead::new(first.as_ptr(), captured.row_len) };
            rows.push(row.to_vec()?).expect("the copy of a row is as long as all rows");
        }
        Ok(rows)
    }
}

impl<T: Element> FromElements for Vec<T> {
    fn from_elements(elements: &SharedRead<T>) -> Result<Self, TryReserveError> {
        Ok(elements.to_vec()?)
    }

    fn from_vec(elements: Self) -> Result<Self, TryReserveError> {
        Ok(elements)
    }
}

impl<T: Element> FromElements for Box<[T]> {
    fn from_elements(elements: &SharedRead<T>) -> Result<Self, TryReserveError> {
        Ok(elements.to_vec()?.into_boxed_slice())
    }

    fn from_vec(elements: Vec<T>) -> Result<Self, TryReserveError> {
        Ok(elements.into_boxed_slice())
    }
}

impl<T: Element, const N: usize> FromElements for [T; N] {
    fn from_elements(elements: &SharedRead<T>) -> Result<Self, TryReserveError> {
        Ok(std::array::from_fn(|index| elements.get(index)))
    }
}
