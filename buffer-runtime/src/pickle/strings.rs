//! Python objects that are the same in every pickle of a class, and are made once: the names of the fields, the formats
//! of the cells' elements, and the method that builds objects. Within a pickle, each of them is stored once.

use std::ffi::CStr;
use std::fmt;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::format::Portable;
use crate::exception::string;
use crate::lookup::Name;
use crate::pending::raised;

/// What is made once for a class.
pub struct Strings {
    pub(super) fields: &'static [FieldName],
    /// `Class.__buffer_rebuild__`
    rebuild: PyOnceLock<Py<PyAny>>,
}

/// The name of a field that is pickled and, if it is a cell, the format of its elements.
pub struct FieldName {
    pub(super) name: Name,
    format: PyOnceLock<Py<PyAny>>,
}

impl fmt::Debug for Strings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fields).finish()
    }
}

impl fmt::Debug for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

impl Strings {
    /// For a class with these fields.
    #[must_use]
    pub const fn new(fields: &'static [FieldName]) -> Self {
        Self { fields, rebuild: PyOnceLock::new() }
    }

    /// The method that builds objects of a class. For the class itself (not a subclass), it is looked up once.
    pub(super) fn rebuild<'py>(&self, class: &Bound<'py, PyAny>, is_itself: bool) -> PyResult<Bound<'py, PyAny>> {
        static REBUILD: Name = Name::new(c"__buffer_rebuild__");
        if !is_itself {
            return REBUILD.of(class);
        }
        let py = class.py();
        let rebuild = self.rebuild.get_or_try_init(py, || REBUILD.of(class).map(Bound::unbind));
        Ok(rebuild?.bind(py).clone())
    }
}

impl FieldName {
    /// The name is UTF-8.
    #[must_use]
    pub const fn new(name: &'static CStr) -> Self {
        Self { name: Name::new(name), format: PyOnceLock::new() }
    }

    /// The format of the elements, which are always the same.
    pub(super) fn format<'py>(
        &self,
        py: Python<'py>,
        elements: impl FnOnce() -> Portable,
    ) -> PyResult<&Bound<'py, PyAny>> {
        let format = self.format.get_or_try_init(py, || {
            let format = string(py, &elements()).ok_or_else(|| raised(py))?;
            Ok::<_, PyErr>(format.unbind())
        });
        Ok(format?.bind(py))
    }
}
