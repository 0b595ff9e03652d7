//! What the derive declares about a class that is pickled.

use pyo3::impl_::pyclass::PyClassImpl;
use pyo3::{Borrowed, PyAny, PyResult, PyTypeInfo, Python, ffi};

use super::field::Instance;
use super::strings::{FieldName, Strings};
use super::{Arrived, Given};
use crate::export::{Class, ClassTable, Entry};

/// How the objects of a class are taken apart and put together.
///
/// As for an exporter, `#[derive(ExportBuffer)]` implements this trait for a private type, not for the class.
///
/// # Safety
///
/// `CELLS` are entries of exporters of this class, and `INSTANCE` is that of [`Root`](super::Root) for this class.
/// `STRINGS` returns those of this class, which no other class has.
pub unsafe trait Pickled: Sized {
    /// The class.
    type Class: Class + PyClassImpl + PyTypeInfo + 'static;
    /// The cells, each with the index of its field in the strings.
    const CELLS: &'static [(usize, Entry<Self::Class>)];
    /// The names of all fields that are pickled: those of the cells, and those that `give` adds. (A function, because no
    /// constant can refer to what is made once.)
    const STRINGS: fn() -> &'static Strings;
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
    class: fn(Python<'_>) -> *mut ffi::PyTypeObject,
    has_dict: fn() -> bool,
    strings: fn() -> &'static Strings,
    cell: fn(usize) -> Option<(usize, &'static ClassTable)>,
    give: unsafe fn(&Given<'_>, *mut ffi::PyObject) -> PyResult<()>,
    make: unsafe fn(&Arrived<'_, '_>, *mut ffi::PyTypeObject) -> PyResult<*mut ffi::PyObject>,
}

impl Table {
    pub(super) const fn of<T: Pickled>() -> Self {
        Self {
            name: <T::Class as Class>::NAME,
            class: T::Class::type_object_raw,
            has_dict: || T::Class::dict_offset().is_some(),
            strings: T::STRINGS,
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

    /// Whether the objects of the class have a `__dict__`.
    pub(super) fn has_dict(&self) -> bool {
        (self.has_dict)()
    }

    pub(super) fn strings(&self) -> &'static Strings {
        (self.strings)()
    }

    /// The cells, by the names of their fields.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&'static FieldName, &'static ClassTable)> {
        let fields = self.strings().fields;
        (0..).map_while(self.cell).filter_map(|(index, cell)| Some((fields.get(index)?, cell)))
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

fn cell<T: Pickled>(index: usize) -> Option<(usize, &'static ClassTable)> {
    T::CELLS.get(index).map(|(index, entry)| (*index, entry.table()))
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
