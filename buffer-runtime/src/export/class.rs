//! What the derive declares about a class.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr::NonNull;

use pyo3::{Py, PyResult, ffi};

use super::reach::{Class, Sendable};
use super::table::{ClassTable, Shows};
use crate::cell::{ExportCell, Header};
use crate::element::Element;
use crate::layout::{Descriptor, Evaluated, Order};
use crate::storage::{Access, Exportable};

/// How a class exports one cell, or a part of another object's memory.
///
/// `#[derive(ExportBuffer)]` implements it for a private type, not for the class. So the class may be public while the
/// type of its field is private.
///
/// # Safety
///
/// 1. `descriptor` always returns the same static. Its value is what the function `descriptor` returns, and no
///    other exporter uses it.
/// 2. `field` always returns the address of the same field of the class, which is a `Cell`. It runs no other code, and
///    does not unwind.
/// 3. `dims` runs no user code and does not unwind, unless `SOURCE` is `Code`.
pub unsafe trait Exporter: Sized {
    /// The class.
    type Class: Class + Sendable;
    /// The field that is exported.
    type Cell: Slot<Self>;
    /// What is declared, which may borrow the class.
    type Dims<'a>: Evaluated;
    /// The number of declared dimensions; `None` if it is the storage's, or known only at run time.
    const NDIM: Option<usize> = None;
    /// The order of the items: C or Fortran.
    const ORDER: Order = Order::C;
    /// Whether the class declares that Python may only read. The storage may declare this too.
    const READONLY: bool = false;
    /// Whether the memory stays in place until the object dies, once it was viewed.
    const PIN: bool = false;
    /// Where the shape comes from.
    const SOURCE: ShapeSource = ShapeSource::Storage;
    /// The name of the property that exports the field, if there is one.
    const PROPERTY: Option<&'static CStr> = None;

    /// How views of its objects begin.
    const ENTRY: Entry<Self::Class> = Entry::of::<Self>();

    /// The class's own static.
    fn descriptor() -> &'static Descriptor;

    /// The address of the exported field. Only a field access.
    ///
    /// The address is untyped, so that a type of the class or of the cell that cannot be used causes no second error
    /// here.
    fn field(class: &Self::Class) -> NonNull<()>;

    /// The exported field.
    #[inline(always)]
    fn cell(class: &Self::Class) -> &Self::Cell {
        // SAFETY: the address is that of a field of this type (2), which is borrowed together with the class.
        unsafe { Self::field(class).cast().as_ref() }
    }

    /// Evaluates what is declared: extents, offset, strides and format. Nothing is, if the shape comes from the storage.
    ///
    /// # Errors
    ///
    /// Whatever the expressions raise.
    fn dims(class: &Self::Class) -> PyResult<Self::Dims<'_>>;
}

/// The address of a field, for [`Exporter::field`].
#[inline(always)]
pub fn address<C>(field: &C) -> NonNull<()> {
    NonNull::from(field).cast()
}

/// What a class declares about its layout, if it declares anything.
///
/// A class implements this trait for each of its exporters, which are numbered. Exporters call it. Its implementation
/// contains the user's expressions, and its method is in scope there. So the method has a name that no user's method
/// has.
pub trait Declares<const EXPORTER: usize = 0> {
    /// See [`Exporter::Dims`].
    type Dims<'a>: Evaluated
    where
        Self: 'a;

    /// See [`Exporter::dims`].
    ///
    /// # Errors
    ///
    /// Whatever the expressions raise.
    fn __buffer_dims(&self) -> PyResult<Self::Dims<'_>>;
}

/// Where a class's shape comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeSource {
    /// From the storage itself.
    Storage,
    /// From literals, constants, `_`, and fields of the class that are integers, texts or a `bool`: evaluating them
    /// runs no user code.
    Fields,
    /// From expressions that may call Python, re-enter, panic, or raise.
    Code,
}

/// The type of a field that `#[buffer]` marks.
///
/// # Safety
///
/// The constants are true for the field, and its memory consists of elements of the declared type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be exported as a buffer: views of it would dangle when it moves",
    label = "not an `ExportCell`",
    note = "store the memory in an `ExportCell`, as in `ExportCell<Vec<f32>>`, which keeps it in place while Python views it",
    note = "an `ExportCell` locks and shares by itself, and may be closed; it needs no `Mutex`, `Arc` or `Option`"
)]
pub unsafe trait Source: sealed::Sealed {
    /// The element type of the memory.
    type Element: Element;
    /// Whether rows are allocated one by one.
    const ROWS: bool;
    /// Whether the memory has a layout of its own, as an array of `ndarray` has.
    const STRIDED: bool;
    /// How many items there always are, if that is known. Only messages at compile time depend on it.
    const ITEMS: Option<usize>;
    /// Whether the memory may not be written, whatever the class declares.
    const READONLY: bool;
    /// Whether the field is another object, and a part of that object is exported.
    const PART: bool;
    /// Whether that object is a part itself.
    const PART_OF_PART: bool;
}

/// A field that owns the memory.
///
/// # Safety
///
/// `cell` returns the field itself, and runs no other code.
pub(super) unsafe trait Cell: Source {
    /// What the cell owns.
    type Storage: Exportable;

    /// The field itself.
    fn cell(&self) -> &ExportCell<Self::Storage>;
}

// SAFETY: the storage vouches for its memory.
unsafe impl<S: Exportable> Source for ExportCell<S> {
    type Element = S::Element;

    const ROWS: bool = S::INDIRECT;
    const STRIDED: bool = S::STRIDED;
    const ITEMS: Option<usize> = match S::LEN {
        Some(len) => Some(len.saturating_mul(S::Element::SHAPE.scalars())),
        None => None,
    };
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

// SAFETY: memory of any element type is bytes. Each view of a part gets the other object's own format and access at run
// time, from a view of that object.
unsafe impl<W: Exported> Source for Py<W> {
    type Element = u8;

    const ROWS: bool = false;
    const STRIDED: bool = false;
    const ITEMS: Option<usize> = None;
    // The other object's class declares it.
    const READONLY: bool = false;
    const PART: bool = true;
    const PART_OF_PART: bool = matches!(W::ENTRY.table.shows, Shows::Part(..));
}

pub(super) mod sealed {
    pub trait Sealed {}

    impl<S: crate::storage::Exportable> Sealed for crate::cell::ExportCell<S> {}

    impl<W: super::Exported> Sealed for pyo3::Py<W> {}
}

/// The two slots of a class, chosen by the type of its field.
///
/// # Safety
///
/// The functions may be called attached, with any object of the class of the exporter `T`. The views that they grant
/// satisfy the buffer protocol. `RELEASEBUFFER` ends the views of every exporter of this crate.
pub unsafe trait Slot<T>: Source {
    /// `bf_getbuffer`.
    const GETBUFFER: ffi::getbufferproc;
    /// `bf_releasebuffer`.
    const RELEASEBUFFER: ffi::releasebufferproc;
    /// The class's table for code that does not depend on its type.
    const TABLE: &'static ClassTable;
}

/// The table of a class, for the parts of its objects.
#[derive(Debug)]
pub struct Entry<C> {
    pub(super) table: &'static ClassTable,
    class: PhantomData<fn(&C)>,
}

impl<C> Entry<C> {
    /// The entry of the class of an exporter.
    #[must_use]
    pub const fn of<T: Exporter<Class = C>>() -> Self {
        Self { table: <T::Cell as Slot<T>>::TABLE, class: PhantomData }
    }

    pub(crate) fn table(&self) -> &'static ClassTable {
        self.table
    }

    /// The block of the exported cell of a value; `None` if a part of another object is exported.
    pub(crate) fn block_of(&self, value: &C) -> Option<NonNull<Header>> {
        match self.table.shows {
            // SAFETY: the value is of the table's class, as the type of this entry says.
            Shows::Cell(cell) => Some(unsafe { cell(NonNull::from(value).cast()) }),
            Shows::Part(_) => None,
        }
    }
}

/// A class that exports a buffer, so that other classes can export parts of its objects.
///
/// # Safety
///
/// `ENTRY` is the entry of an exporter of this class.
#[diagnostic::on_unimplemented(
    message = "no part of a `{Self}` can be exported, since it exports no buffer itself",
    label = "does not derive `ExportBuffer`",
    note = "put `#[derive(ExportBuffer)]` on `{Self}`, or hold the memory itself in an `ExportCell`",
    note = "for a part of a field with `#[buffer(get)]`, call `Part::of_field`"
)]
pub unsafe trait Exported: Sized {
    /// How views of its objects begin.
    const ENTRY: Entry<Self>;
}

/// A class with any exported fields: its own buffer, and properties.
///
/// # Safety
///
/// `ENTRIES` are entries of exporters of this class.
#[diagnostic::on_unimplemented(
    message = "`{Self}` exports no field as a buffer",
    label = "does not derive `ExportBuffer`",
    note = "put `#[derive(ExportBuffer)]` on `{Self}`, and `#[buffer(get)]` on the field"
)]
pub unsafe trait Exports: Sized + 'static {
    /// How views of each exported field begin.
    const ENTRIES: &'static [Entry<Self>];
}

/// A field of type `C` whose memory may be read as items of any format. It is implemented for every type: if only `C`
/// implemented it, the compiler would show the line of the implementation.
pub trait HoldsBytes<C> {
    /// Compiles only for a field that holds bytes. Every type has this constant where a user imports all names of the
    /// crate, so nothing that the derives use has its name.
    const BYTES: () = ();
}

impl<T, S: Exportable<Element: Byte>> HoldsBytes<ExportCell<S>> for T {}

/// The element of a storage of bytes.
#[diagnostic::on_unimplemented(
    message = "`format` is for a storage of bytes, but the elements of this storage are `{Self}`, which has a format of its own",
    label = "not storage of `u8`",
    note = "store bytes, as in `ExportCell<Vec<u8>>`, or remove `format`"
)]
pub trait Byte {}

#[diagnostic::do_not_recommend]
impl Byte for u8 {}

impl<T, W: Exported> HoldsBytes<Py<W>> for T {}

/// Whether Python may only read, because of the class or of its field.
pub(super) const fn readonly<T: Exporter>() -> bool {
    T::READONLY || <T::Cell as Source>::READONLY
}
