//! What the derive declares about a class that is pickled.

use std::ffi::CStr;

use pyo3::{Borrowed, PyAny, PyResult, PyTypeInfo, Python, ffi};

use super::field::Instance;
use super::{Arrived, Given};
use crate::export::{Class, ClassTable, Entry};

/// How the objects of a class are taken apart and put together.
///
/// As for an exporter, `#[derive(ExportBuffer)]` implements this trait for a private type, not for the class.
///
/// # Safety
///
/// `CELLS` are entries of exporters of this class, and `INSTANCE` is that of [`Root`](super::Root) for this class.
pub unsafe trait Pickled: Sized {
    /// The class.
    type Class: Class + PyTypeInfo + 'static;
    /// The cells, with the names of their fields.
    const CELLS: &'static [(&'static CStr, Entry<Self::Class>)];
    /// The number of other fields, which `give` adds.
    const FIELDS: usize;
    /// Makes an object from a value.
    const INSTANCE: Instance<Self::Class>;

    /// Adds the values of the fields that are not cells to `given`.
    ///
    /// # Errors
    ///
    /// What the conversion of a value raises.
    fn give(value: &Self::Class, given: &Given<'_>) -> PyResult<()>;

    /// Makes a value from the fields in `arrived`.
    ///
    /// # Errors
    ///
    /// `UnpicklingError` if a field is missing or wrong.
    fn rebuild(arrived: &Arrived<'_, '_>) -> PyResult<Self::Class>;
}

/// The declarations of a [`Pickled`], for code that does not depend on the class.
///
/// Invariants:
///
/// 1. All functions belong to the same class.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// How many cells and other fields there are.
    pub(super) fields: usize,
    class: fn(Python<'_>) -> *mut ffi::PyTypeObject,
    cell: fn(usize) -> Option<(&'static CStr, &'static ClassTable)>,
    give: unsafe fn(&Given<'_>, *mut ffi::PyObject) -> PyResult<()>,
    make: unsafe fn(&Arrived<'_, '_>, *mut ffi::PyTypeObject) -> PyResult<*mut ffi::PyObject>,
}

impl Table {
    pub(super) const fn of<T: Pickled>() -> Self {
        Self {
            name: <T::Class as Class>::NAME,
            fields: T::CELLS.len() + T::FIELDS,
            class: T::Class::type_object_raw,
            cell: cell::<T>,
            give: give::<T>,
            make: make::<T>,
        }
    }

    /// The class itself.
    pub(super) fn class<'py>(&self, py: Python<'py>) -> Borrowed<'static, 'py, PyAny> {
        let class = (self.class)(py);
        // SAFETY: attached, as the token proves; PyO3 never frees the class.
        unsafe { Borrowed::from_ptr(py, class.cast()) }
    }

    /// The cells, by the names of their fields.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&'static CStr, &'static ClassTable)> {
        (0..).map_while(self.cell)
    }

    /// Adds the values of an object's other fields to `given`.
    ///
    /// # Safety
    ///
    /// The object is of the class or of a subclass.
    pub(super) unsafe fn give(&self, given: &Given<'_>, object: *mut ffi::PyObject) -> PyResult<()> {
        // SAFETY: the caller vouches for the object.
        unsafe { (self.give)(given, object) }
    }

    /// Makes an object from the fields in `arrived`.
    ///
    /// # Safety
    ///
    /// `class` is the class, or a subclass to which no Rust code has added fields.
    pub(super) unsafe fn make(
        &self,
        arrived: &Arrived<'_, '_>,
        class: *mut ffi::PyTypeObject,
    ) -> PyResult<*mut ffi::PyObject> {
        // SAFETY: the caller vouches for the class.
        unsafe { (self.make)(arrived, class) }
    }
}

fn cell<T: Pickled>(index: usize) -> Option<(&'static CStr, &'static ClassTable)> {
    T::CELLS.get(index).map(|(name, entry)| (*name, entry.table()))
}

/// # Safety
///
/// As for [`Table::give`].
unsafe fn give<T: Pickled>(given: &Given<'_>, object: *mut ffi::PyObject) -> PyResult<()> {
    let mut done = Ok(());
    // SAFETY: the caller vouches for the object.
    let reached = unsafe { T::Class::reach(given.py(), object, |value| done = T::give(value, given)) };
    reached.map_err(|unreached| unreached.of_class(given.py(), <T::Class as Class>::NAME)).and(done)
}

/// # Safety
///
/// As for [`Table::make`].
unsafe fn make<T: Pickled>(arrived: &Arrived<'_, '_>, class: *mut ffi::PyTypeObject) -> PyResult<*mut ffi::PyObject> {
    let value = T::rebuild(arrived)?;
    // SAFETY: the caller vouches for the class.
    unsafe { T::INSTANCE(value, arrived.py(), class) }
}
