//! What the derive says of a class, and how its Rust value is reached from the Python object.

use pyo3::impl_::pycell::PyClassObjectBaseLayout;
use pyo3::impl_::pyclass::{NoopThreadChecker, PyClassImpl};
use pyo3::pyclass::boolean_struct::{False, True};
use pyo3::{Borrowed, PyClass, PyResult, Python, ffi};

use crate::cell::ExportCell;
use crate::element::Element;
use crate::layout::{Descriptor, DimArray, MAX_NDIM, Order, Placement};
use crate::storage::Storage;

/// How a class exports one cell.
///
/// `#[derive(ExportBuffer)]` implements it for a private type of its own and not for the class: so the class may be
/// public where what it stores is not.
pub trait Exporter {
    /// The class.
    type Class: Class + Sendable;
    /// The field that is exported.
    type Cell: Cell;
    /// The declared numbers: extents, offset, strides; an empty array where the shape is the storage's own.
    type Dims: DimArray;
    /// In which order the indices run.
    const ORDER: Order;
    /// What is declared beyond the shape.
    const PLACEMENT: Placement;
    /// Whether Python may only read.
    const READONLY: bool;
    /// Where the shape comes from.
    const SOURCE: ShapeSource;

    /// The class's own static.
    fn descriptor() -> &'static Descriptor;

    /// The exported field. Nothing but a field access.
    fn cell(class: &Self::Class) -> &Self::Cell;

    /// Evaluates the declared extents.
    ///
    /// # Errors
    ///
    /// Whatever the expressions raise.
    fn dims(class: &Self::Class) -> PyResult<Self::Dims>;
}

/// Where a class's shape comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeSource {
    /// From the storage itself.
    Storage,
    /// From literals, constants, `_` and integer fields of the class: evaluating them runs no user code.
    Fields,
    /// From expressions that may call Python, re-enter, panic, or raise.
    Code,
}

/// The field that `#[buffer]` marks.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be exported as a buffer: views of it would dangle when it moves",
    label = "not an `ExportCell`",
    note = "write `ExportCell<{Self}>`, which keeps the memory in place while Python views it"
)]
pub trait Cell: sealed::Sealed {
    /// What the cell owns.
    type Storage: Storage;

    /// Itself.
    fn cell(&self) -> &ExportCell<Self::Storage>;
}

impl<S: Storage> Cell for ExportCell<S> {
    type Storage = S;

    #[inline(always)]
    fn cell(&self) -> &ExportCell<S> {
        self
    }
}

mod sealed {
    pub trait Sealed {}

    impl<S: crate::storage::Storage> Sealed for crate::cell::ExportCell<S> {}
}

/// A Python class, frozen or not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a Python class",
    label = "this struct needs `#[pyclass]`",
    note = "write `#[pyclass(frozen)]` below `#[derive(ExportBuffer)]`"
)]
pub trait Class: Sized {
    /// Its name in Python.
    const NAME: &'static str;

    /// Calls `with` on the value of an object, which stays borrowed meanwhile.
    ///
    /// # Errors
    ///
    /// It cannot be borrowed.
    ///
    /// # Safety
    ///
    /// `object` is an object of this class or of a subclass.
    unsafe fn reach<R>(
        py: Python<'_>,
        object: *mut ffi::PyObject,
        with: impl FnOnce(&Self) -> R,
    ) -> Result<R, Unreached>;
}

// Named after nothing of PyO3's, so that an error speaks of a class and not of PyO3's traits.
#[diagnostic::do_not_recommend]
impl<T: PyClass<Frozen: Reach<T>>> Class for T {
    const NAME: &'static str = <T as PyClass>::NAME;

    #[inline(always)]
    unsafe fn reach<R>(
        py: Python<'_>,
        object: *mut ffi::PyObject,
        with: impl FnOnce(&Self) -> R,
    ) -> Result<R, Unreached> {
        // SAFETY: the caller vouches for the object.
        let object = unsafe { Borrowed::from_ptr(py, object) };
        // SAFETY: the caller vouches for its class.
        <T::Frozen as Reach<T>>::reach(unsafe { object.cast_unchecked() }, with)
    }
}

/// A class whose objects may be used on every thread, since views may be released on every thread.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is `unsendable`, but views of its buffer may be released on any thread",
    label = "remove `unsendable` from its `#[pyclass]`"
)]
pub trait Sendable {}

#[diagnostic::do_not_recommend]
impl<T: PyClassImpl<ThreadChecker = NoopThreadChecker>> Sendable for T {}

/// Why the value of an object cannot be borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// A `&mut self` method of it is running.
    MutablyBorrowed,
    /// It belongs to another thread.
    BoundToThread,
}

/// How the value of a class is reached: at once in a frozen class, through its borrow flag in another.
pub trait Reach<T: PyClass> {
    /// Calls `with` on the value, which stays borrowed meanwhile.
    ///
    /// # Errors
    ///
    /// It cannot be borrowed.
    fn reach<R>(object: Borrowed<'_, '_, T>, with: impl FnOnce(&T) -> R) -> Result<R, Unreached>;
}

impl<T: PyClass<Frozen = Self> + Sync> Reach<T> for True {
    #[inline(always)]
    fn reach<R>(object: Borrowed<'_, '_, T>, with: impl FnOnce(&T) -> R) -> Result<R, Unreached> {
        Ok(with(object.get()))
    }
}

impl<T: PyClass<Frozen = Self>> Reach<T> for False {
    #[inline(always)]
    fn reach<R>(object: Borrowed<'_, '_, T>, with: impl FnOnce(&T) -> R) -> Result<R, Unreached> {
        // A Rust base class may be `unsendable`: then PyO3's borrow panics on other threads, and no slot may.
        // SAFETY: an object of class `T`, as `Borrowed` says, has the layout of `T`, and lives as long as this borrow of it.
        let layout = unsafe { &*object.as_ptr().cast::<T::Layout>() };
        layout.check_threadsafe().map_err(|_| Unreached::BoundToThread)?;
        object.try_borrow().map(|value| with(&value)).map_err(|_| Unreached::MutablyBorrowed)
    }
}

impl Descriptor {
    /// Collects what is known of a class at compile time.
    ///
    /// # Panics
    ///
    /// At compile time, when an element has no bytes.
    pub const fn of<T: Exporter>() -> Self {
        let inner = <T as Derived>::Element::SHAPE;
        let itemsize = <T as Derived>::Element::ITEMSIZE;
        assert!(
            itemsize > 0 && inner.scalars() > 0,
            "the element has a size of 0 bytes, which no buffer can describe; give its arrays a length above 0"
        );
        assert!(size_of::<<T as Derived>::Element>() == itemsize * inner.scalars(), "the element has padding");
        assert!(T::NDIM <= MAX_NDIM, "a buffer has at most 64 dimensions");
        Self {
            format: <T as Derived>::Element::FORMAT,
            itemsize,
            ndim: T::NDIM,
            order: T::ORDER,
            placement: T::PLACEMENT,
            readonly: T::READONLY,
            inner,
            natural: matches!(T::SOURCE, ShapeSource::Storage),
        }
    }
}

/// What follows from what the derive says.
pub(super) trait Derived {
    /// An element of the exported storage.
    type Element: Element;
    /// How many dimensions the buffer has.
    const NDIM: usize;
}

impl<T: Exporter> Derived for T {
    type Element = <<T::Cell as Cell>::Storage as Storage>::Element;

    const NDIM: usize = match T::SOURCE {
        ShapeSource::Storage => Self::Element::SHAPE.extents().len() + 1,
        ShapeSource::Fields | ShapeSource::Code => T::PLACEMENT.ndim(T::Dims::LEN),
    };
}
