//! Classes with several exported fields, and parts that methods make.

use std::mem;

use buffer_runtime::{ExportBuffer, ExportCell, Part, Rows};
use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;

/// A buffer of its own that is also a property, and other properties of every kind of declaration.
#[derive(ExportBuffer)]
#[pyclass(frozen, subclass, module = "buffer_tests_ext.edges")]
struct Several {
    /// The values.
    #[buffer(get, own)]
    values: ExportCell<Vec<f64>>,
    /// A matrix of a row of three.
    ///
    /// In Fortran order.
    #[buffer(get, name = "matrix", shape = [_, self.ncols], order = "F")]
    cells: ExportCell<Vec<i32>>,
    #[buffer(get, readonly)]
    sealed: ExportCell<[u8; 4]>,
    #[buffer(get, shape = self.dims()?, format = self.format.as_str())]
    r#dyn: ExportCell<Vec<u8>>,
    #[buffer(get, pin)]
    pinned: ExportCell<Vec<u16>>,
    #[buffer(get)]
    rows: ExportCell<Rows<f32>>,
    hidden: ExportCell<Vec<u8>>,
    ncols: usize,
    format: String,
}

impl Several {
    fn dims(&self) -> PyResult<[usize; 2]> {
        match self.format.as_str() {
            "e" => return Err(PyValueError::new_err("no dims")),
            "i" => return Err(PyKeyboardInterrupt::new_err("stop")),
            _ => {}
        }
        Ok([2, self.r#dyn.len() / 2 / self.format_size()])
    }

    fn format_size(&self) -> usize {
        if self.format == "h" { 2 } else { 1 }
    }
}

#[pymethods]
impl Several {
    #[new]
    #[pyo3(signature = (format = "h"))]
    fn new(format: &str) -> PyResult<Self> {
        let rows = Rows::from_rows([[1.0, 2.0], [3.0, 4.0]]);
        let rows = rows.map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self {
            values: ExportCell::new(vec![1.0, 2.0, 3.0]),
            cells: ExportCell::new((0..6).collect()),
            sealed: ExportCell::new([1, 2, 3, 4]),
            r#dyn: ExportCell::new((0..8).collect()),
            pinned: ExportCell::new(vec![5, 6]),
            rows: ExportCell::new(rows),
            hidden: ExportCell::new(vec![0; 4]),
            ncols: 3,
            format: format.to_owned(),
        })
    }

    fn grow_values(&self, py: Python<'_>) -> PyResult<()> {
        self.values.write(py)?.push(0.0);
        Ok(())
    }

    fn grow_cells(&self, py: Python<'_>) -> PyResult<()> {
        self.cells.write(py)?.extend([0; 3]);
        Ok(())
    }

    fn grow_pinned(&self, py: Python<'_>) -> PyResult<()> {
        self.pinned.write(py)?.push(0);
        Ok(())
    }

    /// Grows both cells, or neither.
    fn grow_both(&self, py: Python<'_>) -> PyResult<()> {
        let mut values = self.values.write(py)?;
        let mut cells = self.cells.write(py)?;
        values.push(0.0);
        cells.extend([0; 3]);
        Ok(())
    }

    fn shrink_values(&self, py: Python<'_>) -> PyResult<()> {
        self.values.write(py)?.clear();
        Ok(())
    }

    fn close_values(&self, py: Python<'_>) -> PyResult<()> {
        self.values.close(py)?;
        Ok(())
    }

    /// Calls `then` while a guard of the values is alive.
    fn with_guard<'py>(&self, py: Python<'py>, kind: &str, then: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match kind {
            "write" => {
                let _guard = self.values.write(py)?;
                then.call0()
            }
            "read" => {
                let _guard = self.values.read(py)?;
                then.call0()
            }
            "share" => {
                let _guard = self.values.share(py)?;
                then.call0()
            }
            _ => Err(PyValueError::new_err("no such guard")),
        }
    }

    fn first_values(slf: &Bound<'_, Self>, count: usize) -> PyResult<Part> {
        Part::new(slf, |values| values.slice(0, ..count, 1))
    }

    fn column(slf: &Bound<'_, Self>, index: usize) -> PyResult<Part> {
        Part::of_field(slf, |several| &several.cells, |matrix| matrix.index(1, index))
    }

    fn block(slf: &Bound<'_, Self>, from: usize, until: usize, step: isize) -> PyResult<Part> {
        Part::of_field(slf, |several| &several.cells, |matrix| matrix.slice(1, from..until, step))
    }

    fn turned(slf: &Bound<'_, Self>) -> PyResult<Part> {
        Part::of_field(slf, |several| &several.cells, |matrix| Ok(matrix.transpose()))
    }

    fn reshaped(slf: &Bound<'_, Self>, shape: Vec<usize>) -> PyResult<Part> {
        Part::of_field(slf, |several| &several.r#dyn, |all| all.reshape(&shape))
    }

    fn sealed_part(slf: &Bound<'_, Self>) -> PyResult<Part> {
        Part::of_field(slf, |several| &several.sealed, |sealed| sealed.reverse(0))
    }

    fn row(slf: &Bound<'_, Self>) -> PyResult<Part> {
        Part::of_field(slf, |several| &several.rows, |rows| rows.index(0, 0))
    }

    fn hidden_part(slf: &Bound<'_, Self>) -> PyResult<Part> {
        Part::of_field(slf, |several| &several.hidden, Ok)
    }

    /// A layout of other memory.
    fn part_of_other_items(slf: &Bound<'_, Self>) -> PyResult<Part> {
        let other = buffer_runtime::Layout { itemsize: 4, shape: Some(&[2]), strides: None, offset: 0 }.check(8);
        Part::new(slf, |_| other)
    }

    fn wrong_part(slf: &Bound<'_, Self>) -> PyResult<Part> {
        let other = buffer_runtime::Layout { itemsize: 8, shape: Some(&[100]), strides: None, offset: 0 }.check(800);
        Part::new(slf, |_| other)
    }

    #[staticmethod]
    fn part_of(part: &Bound<'_, Part>, start: usize, stop: usize) -> PyResult<Part> {
        Part::of_part(part, |layout| layout.slice(0, start..stop, 1))
    }
}

/// Properties alone: the object itself exports no buffer.
#[derive(ExportBuffer)]
#[pyclass(module = "buffer_tests_ext.edges")]
struct Columns {
    #[buffer(get)]
    x: ExportCell<Vec<i64>>,
    #[buffer(get)]
    y: ExportCell<Vec<i64>>,
    /// A part of another object.
    #[buffer(get, shape = [2], strides = [16], offset = 8)]
    odd: Py<Whole>,
}

#[pymethods]
impl Columns {
    #[new]
    fn new(py: Python<'_>, whole: Py<Whole>) -> Self {
        let _ = py;
        Self { x: ExportCell::new(vec![1, 2]), y: ExportCell::new(vec![3, 4]), odd: whole }
    }

    fn swap(&mut self) {
        mem::swap(&mut self.x, &mut self.y);
    }

    fn renew(&mut self) {
        self.x = ExportCell::new(vec![7]);
    }

    /// Calls `then` while this object is mutably borrowed.
    fn borrowed<'py>(slf: PyRefMut<'py, Self>, then: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let _borrowed = slf;
        then.call0()
    }
}

/// The object whose memory a property of `Columns` and a declared part show.
#[derive(ExportBuffer)]
#[pyclass(frozen, module = "buffer_tests_ext.edges")]
struct Whole {
    data: ExportCell<Vec<f64>>,
}

#[pymethods]
impl Whole {
    #[new]
    fn new() -> Self {
        Self { data: ExportCell::new((0..4).map(f64::from).collect()) }
    }

    fn head(slf: &Bound<'_, Self>, count: usize) -> PyResult<Part> {
        Part::of_field(slf, |whole| &whole.data, |all| all.slice(0, ..count, 1))
    }

    fn grow(&self, py: Python<'_>) -> PyResult<()> {
        self.data.write(py)?.push(0.0);
        Ok(())
    }

    fn views(&self) -> usize {
        self.data.views()
    }
}

/// A declared part, from which parts are taken.
#[derive(ExportBuffer)]
#[pyclass(frozen, module = "buffer_tests_ext.edges")]
struct Evens {
    #[buffer(shape = [2], strides = [16], readonly = self.sealed)]
    whole: Py<Whole>,
    sealed: bool,
}

#[pymethods]
impl Evens {
    #[new]
    fn new(whole: Py<Whole>, sealed: bool) -> Self {
        Self { whole, sealed }
    }

    fn last(slf: &Bound<'_, Self>) -> PyResult<Part> {
        Part::new(slf, |evens| evens.slice(0, 1.., 1))
    }
}

/// A declared part that is read-only by its declaration, from which parts are taken.
#[derive(ExportBuffer)]
#[pyclass(frozen, module = "buffer_tests_ext.edges")]
struct SealedEvens {
    #[buffer(get, own, name = "all", shape = [2], strides = [16], readonly)]
    whole: Py<Whole>,
}

#[pymethods]
impl SealedEvens {
    #[new]
    fn new(whole: Py<Whole>) -> Self {
        Self { whole }
    }

    fn last(slf: &Bound<'_, Self>) -> PyResult<Part> {
        Part::new(slf, |evens| evens.slice(0, 1.., 1))
    }
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<Several>()?;
    edges.add_class::<Columns>()?;
    edges.add_class::<Whole>()?;
    edges.add_class::<Evens>()?;
    edges.add_class::<SealedEvens>()
}
