//! The table of a class: what granting a view needs to know about the class, for code that does not depend on its type.
//!
//! Only the fast path of a request is compiled for each class. Everything else is compiled once, and finds the class's
//! functions in this table.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr::NonNull;

use pyo3::{Py, PyResult, Python, ffi};

use super::class::{Cell, Exported, Exporter, ShapeSource, Slot, Source, readonly};
use super::code::{Evaluate, evaluate_cell, evaluate_part};
#[cfg(feature = "dlpack")]
use super::grant::{GrantAtOnce, with_grant_at_once};
use super::reach::{Class, Unreached};
use super::whole::Whole;
use crate::cell::Header;
use crate::layout::{Descriptor, Evaluated, Memory};

/// What granting a view needs to know about a class.
///
/// Invariants:
///
/// 1. All functions belong to the same exporter. `reach` passes the address of a value of its class, and the other
///    functions take such an address.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on one another")]
pub struct ClassTable {
    name: &'static str,
    pub(super) descriptor: fn() -> &'static Descriptor,
    pub(super) source: ShapeSource,
    /// Whether all views are read-only.
    pub(super) readonly: bool,
    /// Whether the memory stays in place until the object dies, once it was viewed.
    pub(super) pin: bool,
    pub(super) shows: Shows,
    /// How a view whose layout runs the user's expressions begins, in a class with such expressions.
    pub(super) evaluate: Option<Evaluate>,
    /// `bf_getbuffer` for objects of the class.
    pub(crate) getbuffer: ffi::getbufferproc,
    /// The name of the property that exports the field.
    property: Option<&'static CStr>,
    /// Whether rows are allocated one by one.
    #[cfg_attr(not(feature = "pickle"), expect(dead_code, reason = "only a pickle asks"))]
    rows: bool,
    /// How a view of a cell is granted without user code, if the class exports a cell.
    #[cfg(feature = "dlpack")]
    pub(crate) grant_at_once: Option<GrantAtOnce>,
    /// Whether the memory has a layout of its own.
    #[cfg_attr(not(all(feature = "pickle", feature = "ndarray")), expect(dead_code, reason = "only a pickle asks"))]
    strided: bool,
    reach: unsafe fn(Python<'_>, *mut ffi::PyObject, WithValue<'_>) -> Result<(), Unreached>,
    dims: unsafe fn(NonNull<()>, WithDims<'_>) -> PyResult<()>,
}

/// A function to call with the value of an object.
type WithValue<'a> = &'a mut dyn FnMut(NonNull<()>);

/// A function to call with the declared numbers of an object.
pub(super) type WithDims<'a> = &'a mut dyn FnMut(&dyn Evaluated);

/// Whose memory the views of a class show.
#[derive(Debug)]
pub(super) enum Shows {
    /// A cell of the class.
    Cell(unsafe fn(NonNull<()>) -> NonNull<Header>),
    /// A part of another object, which the function returns with the table of what the part is taken from.
    Part(unsafe fn(NonNull<()>) -> (*mut ffi::PyObject, &'static ClassTable)),
}

impl ClassTable {
    pub(super) const fn of_cell<T: Exporter<Cell: Cell>>() -> Self {
        let table = Self::of::<T>(Shows::Cell(cell::<T>), Some(evaluate_cell::<T>));
        #[cfg(feature = "dlpack")]
        let table = Self { grant_at_once: Some(with_grant_at_once::<T>), ..table };
        table
    }

    pub(super) const fn of_part<T: Exporter<Cell = Py<W>>, W: Exported>() -> Self {
        let table = Self::of::<T>(Shows::Part(whole::<T, W>), Some(evaluate_part::<T, W>));
        Self { readonly: table.readonly || W::ENTRY.table.readonly, ..table }
    }

    /// The table of a class whose objects each show a part of some object.
    pub(crate) const fn of_chosen<T: Exporter<Cell = Whole>>() -> Self {
        Self::of::<T>(Shows::Part(chosen_whole::<T>), None)
    }

    const fn of<T: Exporter>(shows: Shows, evaluate: Option<Evaluate>) -> Self {
        Self {
            name: T::Class::NAME,
            descriptor: T::descriptor,
            source: T::SOURCE,
            readonly: readonly::<T>(),
            pin: T::PIN,
            shows,
            evaluate: if matches!(T::SOURCE, ShapeSource::Code) { evaluate } else { None },
            getbuffer: <T::Cell as Slot<T>>::GETBUFFER,
            property: T::PROPERTY,
            rows: <T::Cell as Source>::ROWS,
            #[cfg(feature = "dlpack")]
            grant_at_once: None,
            strided: <T::Cell as Source>::STRIDED,
            reach: reach::<T>,
            dims: dims::<T>,
        }
    }

    /// Whether the memory stays in place until the object dies, once it was viewed.
    #[cfg(feature = "dlpack")]
    pub(crate) fn pins(&self) -> bool {
        self.pin
    }

    /// The name of the property that exports the field.
    pub(crate) fn property(&self) -> Option<&'static CStr> {
        self.property
    }

    /// Whether rows are allocated one by one.
    #[cfg(feature = "pickle")]
    pub(crate) fn has_rows(&self) -> bool {
        self.rows
    }

    /// Whether the memory has a layout of its own.
    #[cfg(all(feature = "pickle", feature = "ndarray"))]
    pub(crate) fn is_strided(&self) -> bool {
        self.strided
    }

    /// What the class declares at compile time.
    #[cfg(feature = "pickle")]
    pub(crate) fn descriptor(&self) -> &'static Descriptor {
        (self.descriptor)()
    }

    /// Calls `with` on an object's value, which stays borrowed during the call.
    ///
    /// # Safety
    ///
    /// `object` is an object of the class or of a subclass.
    ///
    /// # Errors
    ///
    /// The exception of `with`, or `BufferError` if the value cannot be borrowed.
    pub(super) unsafe fn reach(
        &'static self,
        py: Python<'_>,
        object: *mut ffi::PyObject,
        mut with: impl FnMut(Reached<'_>) -> PyResult<()>,
    ) -> PyResult<()> {
        let mut result = Ok(());
        // SAFETY: the caller vouches for the object.
        match unsafe { self.reach_at_once(py, object, |class| result = with(class)) } {
            Ok(()) => result,
            Err(unreached) => Err(unreached.of_class(py, self.name)),
        }
    }

    /// The same for a caller that raises no exception if the value cannot be borrowed.
    ///
    /// # Safety
    ///
    /// As for [`reach`](Self::reach).
    ///
    /// # Errors
    ///
    /// The value cannot be borrowed.
    pub(super) unsafe fn reach_at_once(
        &'static self,
        py: Python<'_>,
        object: *mut ffi::PyObject,
        mut with: impl FnMut(Reached<'_>),
    ) -> Result<(), Unreached> {
        let mut call = |value| with(Reached { value, table: self, borrow: PhantomData });
        // SAFETY: the caller vouches for the object.
        unsafe { (self.reach)(py, object, &mut call) }
    }
}

/// The value of an object, which is borrowed for `'a`.
#[derive(Clone, Copy)]
pub(super) struct Reached<'a> {
    /// Of the class that the table belongs to.
    value: NonNull<()>,
    pub(super) table: &'static ClassTable,
    borrow: PhantomData<&'a ()>,
}

impl Reached<'_> {
    /// # Safety
    ///
    /// The value is of the table's class or of a subclass, and is borrowed as long as this is used.
    pub(super) unsafe fn of(value: NonNull<()>, table: &'static ClassTable) -> Self {
        Self { value, table, borrow: PhantomData }
    }

    /// Evaluates the declared numbers, and calls `with` on them.
    ///
    /// # Errors
    ///
    /// Whatever the expressions raise.
    pub(super) fn dims(self, with: WithDims<'_>) -> PyResult<()> {
        // SAFETY: the value is of the table's class (invariant 1).
        unsafe { (self.table.dims)(self.value, with) }
    }

    /// The block of the cell, whose owner stays borrowed; `None` in a class that shows a part.
    pub(super) fn block(self) -> Option<NonNull<Header>> {
        match self.table.shows {
            // SAFETY: the value is of the table's class (invariant 1).
            Shows::Cell(cell) => Some(unsafe { cell(self.value) }),
            Shows::Part(..) => None,
        }
    }

    /// The object whose part the class shows, and the table of its class; `None` in a class that exports a cell.
    pub(super) fn whole(self) -> Option<(*mut ffi::PyObject, &'static ClassTable)> {
        match self.table.shows {
            Shows::Cell(_) => None,
            // SAFETY: the value is of the table's class (invariant 1).
            Shows::Part(whole) => Some(unsafe { whole(self.value) }),
        }
    }

    /// The size of the cell's memory; `None` in a class that shows a part, whose size needs a view of the whole.
    pub(super) fn memory(self) -> Option<Memory> {
        // SAFETY: the owner is borrowed, and keeps its block alive.
        self.block().map(|block| unsafe { Header::memory(block) })
    }
}

/// # Safety
///
/// As for [`ClassTable::reach`].
unsafe fn reach<T: Exporter>(py: Python<'_>, object: *mut ffi::PyObject, with: WithValue<'_>) -> Result<(), Unreached> {
    // SAFETY: the caller vouches for the object.
    unsafe { T::Class::reach(py, object, |class| with(NonNull::from(class).cast())) }
}

/// # Safety
///
/// `value` is a borrowed value of `T::Class`.
unsafe fn cell<T: Exporter<Cell: Cell>>(value: NonNull<()>) -> NonNull<Header> {
    // SAFETY: the caller vouches for the value.
    T::cell(unsafe { value.cast().as_ref() }).cell().address()
}

/// # Safety
///
/// `value` is a borrowed value of `T::Class`.
unsafe fn whole<T: Exporter<Cell = Py<W>>, W: Exported>(
    value: NonNull<()>,
) -> (*mut ffi::PyObject, &'static ClassTable) {
    // SAFETY: the caller vouches for the value.
    let whole = T::cell(unsafe { value.cast().as_ref() });
    (whole.as_ptr(), W::ENTRY.table)
}

/// # Safety
///
/// `value` is a borrowed value of `T::Class`.
unsafe fn chosen_whole<T: Exporter<Cell = Whole>>(value: NonNull<()>) -> (*mut ffi::PyObject, &'static ClassTable) {
    // SAFETY: the caller vouches for the value.
    let whole = T::cell(unsafe { value.cast().as_ref() });
    (whole.owner.as_ptr(), whole.table)
}

/// # Safety
///
/// `value` is a borrowed value of `T::Class`.
unsafe fn dims<T: Exporter>(value: NonNull<()>, with: WithDims<'_>) -> PyResult<()> {
    // SAFETY: the caller vouches for the value.
    match T::dims(unsafe { value.cast().as_ref() }) {
        Ok(dims) => {
            with(&dims);
            Ok(())
        }
        Err(error) => Err(error),
    }
}
