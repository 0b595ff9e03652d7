//! What the derive says of a class, and how its Rust value is reached from the Python object.

use std::marker::PhantomData;

use pyo3::exceptions::PyBufferError;
use pyo3::impl_::pycell::PyClassObjectBaseLayout;
use pyo3::impl_::pyclass::{NoopThreadChecker, PyClassImpl};
use pyo3::pyclass::boolean_struct::{False, True};
use pyo3::{Borrowed, Py, PyClass, PyErr, PyResult, Python, ffi};

use crate::cell::{ExportCell, Grant};
use crate::element::{self, Element};
use crate::exception::exception;
use crate::layout::{Descriptor, Dims, Order};
use crate::limits::MAX_NDIM;
use crate::request::Flags;
use crate::storage::{Access, Exportable};

/// How a class exports one cell, or a part of another object's.
///
/// `#[derive(ExportBuffer)]` implements it for a private type of its own and not for the class: so the class may be
/// public where what it stores is not.
///
/// # Safety
///
/// 1. `descriptor` answers always the same static, whose value is `descriptor::<Self>()`, and which is no other
///    exporter's.
/// 2. `cell` answers always the same field of the class. It runs no code but that, and does not unwind.
/// 3. `dims` runs no code of the user's and does not unwind, unless `SOURCE` is `Code`.
pub unsafe trait Exporter: Sized {
    /// The class.
    type Class: Class + Sendable;
    /// The field that is exported.
    type Cell: Slot<Self>;
    /// The declared numbers: extents, offset, strides; none where the shape is the storage's own.
    type Dims: Dims;
    /// In which order the indices run.
    const ORDER: Order = Order::C;
    /// Whether the class says that Python may only read. The storage may say so too.
    const READONLY: bool = false;
    /// Whether the memory stays where it is for good, once it was viewed.
    const PIN: bool = false;
    /// Where the shape comes from.
    const SOURCE: ShapeSource = ShapeSource::Storage;

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

/// What a class declares of its layout, where it declares anything.
///
/// Exporters call it. In its implementation, where the user's expressions stand, its method is in scope; so it has a name that
/// is nobody else's.
pub trait Declares {
    /// See [`Exporter::Dims`].
    type Dims: Dims;

    /// See [`Exporter::dims`].
    ///
    /// # Errors
    ///
    /// Whatever the expressions raise.
    fn __buffer_dims(&self) -> PyResult<Self::Dims>;
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

/// What a field can be that `#[buffer]` marks.
///
/// # Safety
///
/// The constants are true of the field, and what the memory consists of are elements of this type.
pub unsafe trait Source: sealed::Sealed {
    /// What the memory consists of.
    type Element: Element;
    /// Whether rows are allocated one by one.
    const ROWS: bool;
    /// Whether nobody may write what it holds, whatever the class declares.
    const READONLY: bool;
    /// Whether it is another object, of which a part is exported.
    const PART: bool;
    /// Whether that object is a part itself.
    const PART_OF_PART: bool;
}

/// A field that holds the memory itself.
///
/// # Safety
///
/// `cell` answers the field itself, and runs no code but that.
pub(super) unsafe trait Cell: Source {
    /// What the cell owns.
    type Storage: Exportable;

    /// Itself.
    fn cell(&self) -> &ExportCell<Self::Storage>;
}

// SAFETY: the memory is what the storage says it is.
unsafe impl<S: Exportable> Source for ExportCell<S> {
    type Element = S::Element;

    const ROWS: bool = S::INDIRECT;
    const READONLY: bool = <S::Access as Access>::READONLY;
    const PART: bool = false;
    const PART_OF_PART: bool = false;
}

// SAFETY: the field is the cell.
unsafe impl<S: Exportable> Cell for ExportCell<S> {
    type Storage = S;

    #[inline(always)]
    fn cell(&self) -> &ExportCell<S> {
        self
    }
}

// SAFETY: what a part shows is bytes until the other object is asked, for every view, and that says the rest.
unsafe impl<W: Exported> Source for Py<W> {
    type Element = u8;

    const ROWS: bool = false;
    // As the other object's class declares it.
    const READONLY: bool = false;
    const PART: bool = true;
    const PART_OF_PART: bool = W::ENTRY.with_grant.is_none();
}

mod sealed {
    pub trait Sealed {}

    impl<S: crate::storage::Exportable> Sealed for crate::cell::ExportCell<S> {}

    impl<W: super::Exported> Sealed for pyo3::Py<W> {}
}

/// Which `bf_getbuffer` a class has, by the kind of its field.
///
/// # Safety
///
/// The functions may be called attached, with any object of the class of the exporter `T`. What they grant is as a `Py_buffer`
/// has to be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be exported as a buffer: views of it would dangle when it moves",
    label = "not an `ExportCell`",
    note = "write `ExportCell<{Self}>`, which keeps the memory in place while Python views it",
    note = "an `ExportCell` stands by itself: it locks, it shares, and it may be empty or closed, and so needs no `Mutex`, `Arc` \
            or `Option` around it or inside"
)]
pub unsafe trait Slot<T>: Source {
    /// The slot's function.
    const GETBUFFER: ffi::getbufferproc;
    /// How views of its objects begin for those that show parts of them; none where it is a part itself.
    const WITH_GRANT: Option<WithGrant>;
}

/// Grants a view of the memory of an object, and calls `with` on it while the object is borrowed.
///
/// To be called with an object of the class or of a subclass.
#[derive(Debug, Clone, Copy)]
pub struct WithGrant(pub(super) unsafe fn(Python<'_>, *mut ffi::PyObject, Flags, With<'_>) -> PyResult<()>);

/// What is done with a view that is granted.
pub(super) type With<'a> = &'a mut dyn FnMut(Grant<'_>);

/// How views of a class's objects begin, for those that show parts of them.
#[derive(Debug)]
pub struct Entry<C> {
    /// None where the class shows a part itself.
    pub(super) with_grant: Option<WithGrant>,
    /// Whether its views are read-only, whoever asks.
    pub(super) readonly: bool,
    /// Whether the memory stays in place once it was viewed.
    pub(super) pin: bool,
    class: PhantomData<fn(&C)>,
}

impl<C> Entry<C> {
    /// That of the class of an exporter.
    #[must_use]
    pub const fn of<T: Exporter<Class = C>>() -> Self {
        Self {
            with_grant: <T::Cell as Slot<T>>::WITH_GRANT,
            readonly: readonly::<T>(),
            pin: T::PIN,
            class: PhantomData,
        }
    }
}

/// A class that exports a buffer, so that others can export parts of its objects.
///
/// # Safety
///
/// `ENTRY` is that of an exporter of this class.
#[diagnostic::on_unimplemented(
    message = "no part of a `{Self}` can be exported, since it exports no buffer itself",
    label = "does not derive `ExportBuffer`",
    note = "put `#[derive(ExportBuffer)]` on `{Self}`, or hold the memory itself in an `ExportCell`"
)]
pub unsafe trait Exported: Sized {
    /// Where views of its objects begin.
    const ENTRY: Entry<Self>;
}

/// A field whose memory may be read as items of any format.
pub trait HoldsBytes {}

impl<S: Exportable<Element: Byte>> HoldsBytes for ExportCell<S> {}

/// The element of a storage of bytes.
#[diagnostic::on_unimplemented(
    message = "`format` says what bytes are, but the elements of this storage are `{Self}`, which has a format of its own",
    label = "not storage of `u8`",
    note = "store bytes, as in `ExportCell<Vec<u8>>`, or remove `format`"
)]
pub trait Byte {}

impl Byte for u8 {}

impl<W: Exported> HoldsBytes for Py<W> {}

/// Compiles only for a field that holds bytes.
pub const fn holds_bytes<C: HoldsBytes>() {}

/// A Python class, frozen or not.
///
/// # Safety
///
/// `reach` calls `with` at most once, and on nothing but the value of the object, of which nobody has a mutable reference
/// meanwhile. Apart from that it runs no code of the user's.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a Python class",
    label = "this struct needs `#[pyclass]`",
    note = "write `#[pyclass(frozen)]` below `#[derive(ExportBuffer)]`"
)]
pub unsafe trait Class: Sized {
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
// SAFETY: all of it is what `Reach` promises.
#[diagnostic::do_not_recommend]
unsafe impl<T: PyClass<Frozen: Reach<T>>> Class for T {
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
///
/// # Safety
///
/// What the name says.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is `unsendable`, but views of its buffer may be released on any thread",
    label = "remove `unsendable` from its `#[pyclass]`"
)]
pub unsafe trait Sendable {}

// SAFETY: PyO3 checks no thread of such a class, and asks that its value be `Send` and `Sync`.
#[diagnostic::do_not_recommend]
unsafe impl<T: PyClassImpl<ThreadChecker = NoopThreadChecker>> Sendable for T {}

/// Why the value of an object cannot be borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// A `&mut self` method of it is running.
    MutablyBorrowed,
    /// It belongs to another thread.
    BoundToThread,
}

impl Unreached {
    /// What an object of this class raises.
    pub(super) fn of<C: Class>(self, py: Python<'_>) -> PyErr {
        let class = C::NAME;
        let why = match self {
            Self::MutablyBorrowed => {
                "is mutably borrowed; ask when the `&mut self` method that is running has returned"
            }
            Self::BoundToThread => "has an `unsendable` base class; ask on the thread that made it",
        };
        exception::<PyBufferError>(py, format_args!("cannot grant a view: this `{class}` {why}"))
    }
}

/// How the value of a class is reached: at once in a frozen class, through its borrow flag in another.
///
/// # Safety
///
/// As for [`Class`].
pub unsafe trait Reach<T: PyClass> {
    /// Calls `with` on the value, which stays borrowed meanwhile.
    ///
    /// # Errors
    ///
    /// It cannot be borrowed.
    fn reach<R>(object: Borrowed<'_, '_, T>, with: impl FnOnce(&T) -> R) -> Result<R, Unreached>;
}

// SAFETY: nobody has a mutable reference to the value of a frozen class.
unsafe impl<T: PyClass<Frozen = Self> + Sync> Reach<T> for True {
    #[inline(always)]
    fn reach<R>(object: Borrowed<'_, '_, T>, with: impl FnOnce(&T) -> R) -> Result<R, Unreached> {
        Ok(with(object.get()))
    }
}

// SAFETY: PyO3 lends the value while it lends it mutably to nobody.
unsafe impl<T: PyClass<Frozen = Self>> Reach<T> for False {
    #[inline(always)]
    fn reach<R>(object: Borrowed<'_, '_, T>, with: impl FnOnce(&T) -> R) -> Result<R, Unreached> {
        // A Rust base class may be `unsendable`: then PyO3's borrow panics on other threads, and no slot may.
        // SAFETY: an object of class `T`, as `Borrowed` says, has the layout of `T`, and lives as long as this borrow of it.
        let layout = unsafe { &*object.as_ptr().cast::<T::Layout>() };
        layout.check_threadsafe().map_err(|_| Unreached::BoundToThread)?;
        object.try_borrow().map(|value| with(&value)).map_err(|_| Unreached::MutablyBorrowed)
    }
}

/// Whether Python may only read, by the class or by what it stores.
pub(super) const fn readonly<T: Exporter>() -> bool {
    T::READONLY || <T::Cell as Source>::READONLY
}

/// Collects what is known of a class at compile time.
///
/// # Panics
///
/// At compile time, when an element is not what it promises, Python may write what is not valid in it, or the declaration
/// cannot be one of such a field.
#[track_caller]
pub const fn descriptor<T: Exporter>() -> Descriptor {
    element::check::<<T::Cell as Source>::Element>();
    assert!(
        readonly::<T>() || <T::Cell as Source>::Element::ANY_BITS,
        "Python may write any byte, and not every one is a valid `bool`; mark the field `#[buffer(readonly)]`, or \
         store `u8` instead of `bool`"
    );
    let natural = matches!(T::SOURCE, ShapeSource::Storage);
    assert!(
        !(<T::Cell as Source>::PART && natural),
        "a part of another object needs a `shape`; write one, as in `shape = [self.nrows]`"
    );
    assert!(
        !(<T::Cell as Source>::PART && T::PIN),
        "the memory is another object's, which alone can keep it in place; write `pin` in that object's class"
    );
    assert!(
        !<T::Cell as Source>::PART_OF_PART,
        "a part of a part cannot be exported; hold the object whose memory it is, and declare the layout over all of it"
    );
    assert!(
        !<T::Cell as Source>::ROWS || natural || T::Dims::AT_RUN_TIME,
        "rows that are allocated one by one have a shape of their own; remove `shape`, `strides` and `offset`"
    );
    let inner = <T::Cell as Source>::Element::SHAPE;
    let own = inner.extents().len() + if <T::Cell as Source>::ROWS { 2 } else { 1 };
    let ndim = if natural { own } else { T::Dims::NDIM };
    assert!(own <= MAX_NDIM && ndim <= MAX_NDIM, "a buffer has at most 64 dimensions");
    Descriptor {
        format: <T::Cell as Source>::Element::FORMAT,
        itemsize: <T::Cell as Source>::Element::ITEMSIZE,
        order: T::ORDER,
        readonly: readonly::<T>(),
        inner,
        natural,
    }
}
