//! The owners of the elements that a cell exports.

mod access;
mod copied;
mod foreign;
mod frozen;
#[cfg(feature = "pickle")]
mod import;
#[cfg(feature = "pickle")]
mod imported;
mod own;
mod readonly;
mod rows;
mod stable;

use std::collections::TryReserveError;
use std::ptr::NonNull;

use crate::element::Element;

pub use self::access::{Access, MayWrite, ReadOnly, ReadWrite};
pub use self::copied::{FromElements, Replaceable};
pub use self::foreign::{ForeignBuffer, ForeignBufferError};
pub use self::frozen::Frozen;
#[cfg(feature = "pickle")]
pub(crate) use self::import::{Import, Left, Lefts};
#[cfg(feature = "pickle")]
pub use self::imported::VecOrImported;
pub use self::own::OwnLayout;
#[cfg(any(feature = "bytes", feature = "memmap2"))]
pub(crate) use self::readonly::of_slice;
pub use self::rows::{RowLengthError, Rows};
pub use self::stable::Stable;

/// Elements in one piece of memory, which one value owns or keeps alive.
///
/// | Storage | | Feature |
/// |---|---|---|
/// | `Vec<T>`, `Box<[T]>`, `[T; N]` | | |
/// | [`ForeignBuffer<T>`](ForeignBuffer) | memory of a C library, which frees it | |
/// | `aligned_vec::AVec<T>` | aligned to 64 bytes or more | `aligned-vec` |
/// | `smallvec::SmallVec<[T; N]>` | | `smallvec` |
/// | `ndarray::Array<T, D>` | with its shape and strides | `ndarray` |
/// | `memmap2::MmapMut` | bytes of a file | `memmap2` |
/// | `Arc<[T]>`, `Arc<Vec<T>>`, `&'static [T]` | read-only | |
/// | [`Frozen<T>`](Frozen) | anything that gives out a slice, read-only | |
/// | `bytes::Bytes` | read-only | `bytes` |
/// | `memmap2::Mmap` | bytes of a file, read-only | `memmap2` |
///
/// `T` is an [`Element`]. A class exports a read-only storage read-only, even without `readonly`.
///
/// # Mapped files
///
/// No lock of this process stops another process from changing a mapped file, which is why memmap2's constructors are
/// unsafe. What the other process writes shows in every view. If it makes the file shorter, reading or writing a page
/// that no longer exists is a fault (SIGBUS on Unix, an access violation on Windows) that neither Rust nor Python can
/// catch: it ends the process. Map only files that no other process changes, and copy the others.
///
/// # Arrays of ndarray
///
/// A class over an `Array` that declares neither a `shape` nor a `format` exports the array's own shape and strides: C
/// order, Fortran order, sliced, reversed. For the cell the array is one dimension: the memory from its lowest element
/// to its highest. `len` counts the elements of that memory, and the guards of `read` and `share` give access to it.
/// The guard of `read` also has a method `array`, which returns an `ArrayView`.
///
/// # Storages of your own
///
/// Implement `Storage` for a type that can return the address and the number of its elements. If the type contains a
/// storage, call that storage:
///
/// ```
/// use std::ptr::NonNull;
///
/// use buffer_runtime::{ReadWrite, Storage};
///
/// /// Samples, and how many there are in a second.
/// struct Sound {
///     rate: u32,
///     samples: Vec<i16>,
/// }
///
/// // SAFETY: all clauses are those of the Vec, which nothing else here touches.
/// unsafe impl Storage for Sound {
///     type Element = i16;
///     type Access = ReadWrite;
///
///     const RESIZABLE: bool = true;
///
///     unsafe fn raw(this: *mut Self) -> (NonNull<i16>, usize) {
///         // SAFETY: the caller vouches for `this`, and so for its field.
///         unsafe { Vec::raw(&raw mut (*this).samples) }
///     }
/// }
/// # let mut cell = buffer_runtime::ExportCell::new(Sound { rate: 44_100, samples: vec![1, 2] });
/// # cell.get_mut()?.rate = 48_000;
/// # assert_eq!(cell.len(), 2);
/// # Ok::<(), buffer_runtime::BorrowError>(())
/// ```
///
/// A `WriteGuard` of the cell is a `&mut Sound`, so that methods of `Sound` may change its length. With the feature
/// `test-kit` there is `test_kit::check_storage`, which finds most mistakes of an implementation; call it in a test,
/// and run the test under Miri for the rest. For memory of a C library use [`ForeignBuffer`], and for a shared handle
/// use [`Frozen`]: with these there is nothing to implement.
///
/// # Safety
///
/// For the memory that [`raw`](Self::raw) returns, and for as long as the storage is not moved, dropped or mutably
/// borrowed:
///
/// 1. It is initialised, aligned for `Element`, part of one allocation, at most `isize::MAX` bytes long, and its
///    address is not null, even when it is empty.
/// 2. It is valid for reads through the returned pointer, and for writes where `Access` is [`ReadWrite`].
/// 3. `raw` accesses no element, and makes no reference to one that outlives the call. (The cell calls it while no view
///    and no guard gives access to the elements.)
/// 4. `raw` and `layout` do not unwind, block, or call Python, and return the same when they are called again.
/// 5. Nothing else moves, frees or writes it; where `Access` is [`ReadWrite`], nothing else reads it either. A shared
///    handle is [`ReadOnly`].
/// 6. Dropping the storage is sound on any thread, attached to an interpreter or not.
/// 7. Where [`STABLE`](Self::STABLE) is `true`, nothing but the cell's own guards and views writes the memory: no C
///    library that still has its address, no other process that maps the same file, no device. This extends clause 5 to
///    writers outside this program's Rust code.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the storage of an `ExportCell`",
    label = "not memory of elements in one piece",
    note = "storages are `Vec<T>`, `Box<[T]>`, `[T; N]`, `ForeignBuffer<T>`, and read-only `Arc<[T]>`, `&'static [T]` and \
            `Frozen<T>`, where `T` is a number, a record, or an array of those; and for rows that are allocated one by \
            one `Rows<T>`",
    note = "for a struct with other fields besides, hold only its `Vec` in the `ExportCell`, and the rest in fields of the class"
)]
#[cfg_attr(
    not(all(feature = "bytes", feature = "memmap2", feature = "ndarray", feature = "smallvec")),
    diagnostic::on_unimplemented(
        note = "for `bytes::Bytes`, `memmap2::Mmap`, `ndarray::Array` and `smallvec::SmallVec` enable the feature of \
                `buffer-runtime` with the name of the crate, as in `features = [\"ndarray\"]`"
    )
)]
pub unsafe trait Storage: Send + 'static {
    /// What it stores.
    type Element: Element;

    /// [`ReadWrite`], or [`ReadOnly`] where other code may be reading the elements.
    type Access: Access;

    /// Whether [`layout`](Self::layout) is implemented.
    const STRIDED: bool = false;

    /// Whether dropping the storage only frees memory: it runs no other code, calls no Python, waits for nothing, and
    /// cannot panic. Safety does not depend on it.
    ///
    /// The guards of [`share_owned`](crate::ExportCell::share_owned) may be the last to hold a storage, on threads that
    /// are not attached to Python. Such a guard itself drops a storage for which this is `true`. It leaves any other
    /// storage to an attached thread: the next one that drops a cell, or that begins or ends a view on the slow path.
    const DROPS_PLAINLY: bool = false;

    /// Whether nobody but this crate and the consumers of its views writes the memory: see clause 7. Then Python may
    /// request stable views, and Rust gets a `&[T]` of their memory.
    ///
    /// `false` is always sound. For a storage that wraps another one, write `const STABLE: bool = <Vec<i16> as
    /// Storage>::STABLE;`. [`Stable`] makes the promise for a single value of a storage type.
    const STABLE: bool = false;

    /// Whether the number of its elements changes under a write guard, as that of a `Vec` does. Only the text of a
    /// [`BorrowError`](crate::BorrowError) depends on it.
    const RESIZABLE: bool = false;

    /// How many elements there always are, if that is known. Only messages at compile time depend on it.
    #[doc(hidden)]
    const LEN: Option<usize> = None;

    /// Returns the address and the number of its elements.
    ///
    /// # Safety
    ///
    /// `this` points to a valid storage to which no other reference exists.
    unsafe fn raw(this: *mut Self) -> (NonNull<Self::Element>, usize);

    /// Sets how the elements lie in the memory that `raw` returns, if not in one dimension, one after the other.
    /// Implement it together with [`STRIDED`](Self::STRIDED); safety does not depend on the numbers.
    ///
    /// # Safety
    ///
    /// As for [`raw`](Self::raw).
    unsafe fn layout(this: *mut Self, layout: &mut OwnLayout) {
        let _ = (this, layout);
    }
}

/// What an [`ExportCell`](crate::ExportCell) can store: any [`Storage`], whose elements are in one piece; [`Rows`], which are
/// allocated one by one; and, with the feature `pickle`, `VecOrImported`, a `Vec` or the memory in which an object has arrived.
///
/// # Safety
///
/// The clauses of [`Storage`] hold for the captured memory. The trait is sealed: nothing else can be captured.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the storage of an `ExportCell`",
    label = "not memory of elements in one piece",
    note = "storages are `Vec<T>`, `Box<[T]>`, `[T; N]`, `Rows<T>` and others, where `T` is a number, a record, or an array of those"
)]
pub unsafe trait Exportable: sealed::Sealed + Send + 'static {
    /// What it stores.
    type Element: Element;

    /// Whether the elements may be written.
    type Access: Access;

    #[doc(hidden)]
    const INDIRECT: bool;

    #[doc(hidden)]
    const STRIDED: bool;

    #[doc(hidden)]
    const DROPS_PLAINLY: bool;

    #[doc(hidden)]
    const STABLE: bool;

    #[doc(hidden)]
    const RESIZABLE: bool;

    #[doc(hidden)]
    const LEN: Option<usize>;

    // Whether the memory may be that of another exporter, as long as `is_imported` says so.
    #[doc(hidden)]
    const IMPORTS: bool = false;

    /// Returns where its memory is now, and sets in `own` how the elements lie there, if the storage has a layout of
    /// its own.
    ///
    /// # Safety
    ///
    /// As for [`Storage::raw`].
    #[doc(hidden)]
    unsafe fn capture(this: *mut Self, own: &mut OwnLayout) -> Captured;

    /// Whether its memory is that of another exporter.
    ///
    /// # Safety
    ///
    /// As for [`Storage::raw`].
    #[doc(hidden)]
    unsafe fn is_imported(this: *mut Self) -> bool {
        let _ = this;
        false
    }

    /// If the elements are in the memory of another exporter, copies them to a `Vec` and releases that memory.
    ///
    /// # Errors
    ///
    /// There is not enough memory; then nothing has changed.
    #[doc(hidden)]
    fn make_own(&mut self) -> Result<(), TryReserveError> {
        Ok(())
    }
}

mod sealed {
    pub trait Sealed {}

    impl<S: super::Storage> Sealed for S {}

    impl<T: super::Element> Sealed for super::Rows<T> {}

    #[cfg(feature = "pickle")]
    impl<T: super::Element> Sealed for super::VecOrImported<T> {}
}

/// Where the memory of a storage is.
#[derive(Debug, Clone, Copy)]
pub struct Captured {
    /// The elements; or, where rows are allocated one by one, the pointers to the rows.
    pub(crate) data: NonNull<u8>,
    /// How many elements or rows there are.
    pub(crate) len: usize,
    /// How many elements a row has; 0 where there are no rows.
    pub(crate) row_len: usize,
}

// SAFETY: the memory is what `raw` returns.
unsafe impl<S: Storage> Exportable for S {
    type Element = <S as Storage>::Element;
    type Access = <S as Storage>::Access;

    const INDIRECT: bool = false;
    const STRIDED: bool = <S as Storage>::STRIDED;
    const DROPS_PLAINLY: bool = <S as Storage>::DROPS_PLAINLY || !std::mem::needs_drop::<S>();
    const STABLE: bool = <S as Storage>::STABLE;
    const RESIZABLE: bool = <S as Storage>::RESIZABLE;
    const LEN: Option<usize> = <S as Storage>::LEN;

    unsafe fn capture(this: *mut Self, own: &mut OwnLayout) -> Captured {
        if <S as Storage>::STRIDED {
            own.clear();
            // SAFETY: as the caller vouches.
            unsafe { S::layout(this, own) };
            own.split(size_of::<<S as Storage>::Element>(), <S as Storage>::Element::SHAPE.extents());
        }
        // SAFETY: as the caller vouches.
        let (data, len) = unsafe { S::raw(this) };
        Captured { data: data.cast(), len, row_len: 0 }
    }
}

// SAFETY: rows own their memory, as `Rows` documents; the clauses of `Storage` hold for each row and for the table of
// pointers.
#[diagnostic::do_not_recommend]
unsafe impl<T: Element> Exportable for Rows<T> {
    type Element = T;
    type Access = ReadWrite;

    const INDIRECT: bool = true;
    const STRIDED: bool = false;
    const DROPS_PLAINLY: bool = true;
    const STABLE: bool = true;
    const RESIZABLE: bool = true;
    const LEN: Option<usize> = None;

    unsafe fn capture(this: *mut Self, _own: &mut OwnLayout) -> Captured {
        // SAFETY: the caller vouches for valid rows without other references. No reference to an element is made.
        let rows = unsafe { &mut *this };
        rows.capture()
    }
}

// SAFETY: a Vec owns one allocation of initialised elements (1, 2, 5, 7) and drops on any thread since T: Send (6);
// `as_mut_ptr` makes no slice, does not unwind, and returns the same until the Vec is changed (3, 4).
unsafe impl<T: Element> Storage for Vec<T> {
    type Element = T;
    type Access = ReadWrite;

    const DROPS_PLAINLY: bool = true;
    const STABLE: bool = true;
    const RESIZABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for a valid Vec without other references. No reference to an element is made.
        let vec = unsafe { &mut *this };
        let len = vec.len();
        // SAFETY: the pointer of a Vec is never null.
        (unsafe { NonNull::new_unchecked(vec.as_mut_ptr()) }, len)
    }
}

// SAFETY: as for Vec; the only slice is a raw one (3).
unsafe impl<T: Element> Storage for Box<[T]> {
    type Element = T;
    type Access = ReadWrite;

    const DROPS_PLAINLY: bool = true;
    const STABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for a valid Box without other references; `&raw` makes no reference to an element.
        let slice: *mut [T] = unsafe { &raw mut **this };
        // SAFETY: the pointer of a Box is never null.
        (unsafe { NonNull::new_unchecked(slice.cast::<T>()) }, slice.len())
    }
}

// SAFETY: the elements lie in the storage itself, which stays where it is until it is moved or dropped (1, 2, 5, 7); a
// cast makes no reference and cannot fail (3, 4), and T: Send (6).
unsafe impl<T: Element, const N: usize> Storage for [T; N] {
    type Element = T;
    type Access = ReadWrite;

    const STABLE: bool = true;
    const LEN: Option<usize> = Some(N);

    unsafe fn raw(this: *mut Self) -> (NonNull<T>, usize) {
        // SAFETY: the caller vouches for a valid array, whose address is not null.
        (unsafe { NonNull::new_unchecked(this.cast::<T>()) }, N)
    }
}
