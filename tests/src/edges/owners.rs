//! Classes with the same storage and different layouts. Safe Rust swaps and replaces their cells, and changes them in
//! place.

use std::mem;

use buffer_runtime::{ExportBuffer, ExportCell, assert_exported};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use super::parted::Parted;
use super::watched::{Tally, Watched};

macro_rules! owner {
    ($(#[$attr:meta])* $name:ident, #[buffer($($option:tt)*)]) => {
        $(#[$attr])*
        #[derive(ExportBuffer)]
        #[pyclass(subclass, weakref)]
        pub(crate) struct $name {
            #[buffer($($option)*)]
            pub(super) data: ExportCell<Watched<i32>>,
        }

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = (values, tally=None, last_act=None, keeps=None))]
            fn new(
                values: Vec<i32>,
                tally: Option<&Tally>,
                last_act: Option<Bound<'_, PyAny>>,
                keeps: Option<Py<PyAny>>,
            ) -> PyResult<Self> {
                Ok(Self { data: ExportCell::new(Watched::with_end(values, tally, last_act, keeps)?) })
            }

            fn views(&self) -> usize {
                self.data.views()
            }

            /// Calls `callable` while this object is mutably borrowed, then appends 1 in the same borrow.
            fn call_then_grow(&mut self, callable: Bound<'_, PyAny>) -> PyResult<()> {
                callable.call0()?;
                self.data.get_mut()?.elements().push(1);
                Ok(())
            }

            fn close(&self, py: Python<'_>) -> PyResult<usize> {
                Ok(self.data.close(py)?.elements().len())
            }
        }
    };
}

owner!(
    /// One writable dimension.
    Owner,
    #[buffer()]
);
owner!(
    /// The same, read-only.
    ReadOnlyOwner,
    #[buffer(readonly)]
);
owner!(
    /// The same memory in two dimensions.
    TableOwner,
    #[buffer(shape = [_, 2])]
);

/// The base of a class that exports another storage.
#[derive(ExportBuffer)]
#[pyclass(subclass)]
struct Parent {
    #[buffer]
    data: ExportCell<Watched<i32>>,
}

/// Exports its own cell, not its base's.
#[derive(ExportBuffer)]
#[pyclass(extends = Parent, subclass)]
struct Child {
    #[buffer]
    data: ExportCell<Watched<f64>>,
}

#[pymethods]
impl Child {
    #[new]
    fn new(of_parent: Vec<i32>, parents: &Tally, own: Vec<f64>, owns: &Tally) -> PyResult<PyClassInitializer<Self>> {
        let parent = Parent { data: ExportCell::new(Watched::with_end(of_parent, Some(parents), None, None)?) };
        let child = Self { data: ExportCell::new(Watched::with_end(own, Some(owns), None, None)?) };
        Ok(PyClassInitializer::from(parent).add_subclass(child))
    }

    fn views(slf: PyRef<'_, Self>) -> (usize, usize) {
        (slf.as_super().data.views(), slf.data.views())
    }

    /// Drops both cells, even while views of them are alive.
    fn replace_both(mut slf: PyRefMut<'_, Self>) {
        slf.as_super().data = ExportCell::new(Watched::new(vec![0]));
        slf.data = ExportCell::new(Watched::new(vec![0.0]));
    }
}

/// Calls `change` with the cell of an object of any of the classes here.
fn with_cell<R>(object: &Bound<'_, PyAny>, change: impl FnOnce(&mut ExportCell<Watched<i32>>) -> R) -> PyResult<R> {
    if let Ok(owner) = object.cast::<Owner>() {
        Ok(change(&mut owner.try_borrow_mut()?.data))
    } else if let Ok(owner) = object.cast::<ReadOnlyOwner>() {
        Ok(change(&mut owner.try_borrow_mut()?.data))
    } else if let Ok(owner) = object.cast::<TableOwner>() {
        Ok(change(&mut owner.try_borrow_mut()?.data))
    } else if let Ok(owner) = object.cast::<Parent>() {
        Ok(change(&mut owner.try_borrow_mut()?.data))
    } else {
        Err(PyTypeError::new_err("not an owner"))
    }
}

/// `mem::swap` of two objects' cells.
#[pyfunction]
fn swap(one: &Bound<'_, PyAny>, other: &Bound<'_, PyAny>) -> PyResult<()> {
    with_cell(one, |one| with_cell(other, |other| mem::swap(one, other)))?
}

/// `mem::replace` of an object's cell by one of other values. The old cell is dropped at once, in the `&mut` borrow.
#[pyfunction]
fn replace(object: &Bound<'_, PyAny>, values: Vec<i32>) -> PyResult<()> {
    with_cell(object, |cell| drop(mem::replace(cell, ExportCell::new(Watched::new(values)))))
}

/// `mem::replace` of an object's cell by an empty one. The old cell stays alive without an object.
#[pyfunction]
fn part(object: &Bound<'_, PyAny>) -> PyResult<Parted> {
    with_cell(object, |cell| Parted::new(mem::replace(cell, ExportCell::new(Watched::new(Vec::new())))))
}

/// Appends a value through `&mut`.
#[pyfunction]
fn grow(object: &Bound<'_, PyAny>, value: i32) -> PyResult<()> {
    with_cell(object, |cell| {
        cell.get_mut()?.elements().push(value);
        Ok(())
    })?
}

/// Asserts that the linker has kept the slots of the classes here.
#[pyfunction]
fn assert_owners_exported(py: Python<'_>) -> PyResult<()> {
    assert_exported::<Owner>(py)?;
    assert_exported::<ReadOnlyOwner>(py)?;
    assert_exported::<TableOwner>(py)?;
    assert_exported::<Parent>(py)?;
    assert_exported::<Child>(py)
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<Owner>()?;
    edges.add_class::<ReadOnlyOwner>()?;
    edges.add_class::<TableOwner>()?;
    edges.add_class::<Parent>()?;
    edges.add_class::<Child>()?;
    edges.add_function(wrap_pyfunction!(swap, edges)?)?;
    edges.add_function(wrap_pyfunction!(replace, edges)?)?;
    edges.add_function(wrap_pyfunction!(part, edges)?)?;
    edges.add_function(wrap_pyfunction!(grow, edges)?)?;
    edges.add_function(wrap_pyfunction!(assert_owners_exported, edges)?)
}
