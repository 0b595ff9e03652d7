//! Classes with the memory of the benchmark's matrix, whose views cost more than those of `ours`; and loops in Rust:
//! the guards, and the users' expressions alone.

use std::hint::black_box;

use buffer_runtime::{ExportBuffer, ExportCell, ScopedView};
use pyo3::prelude::*;

const ITEM: usize = size_of::<f32>();

/// The same matrix as in `ours`.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Matrix {
    ncols: usize,
    #[buffer(shape = [_, self.ncols])]
    data: ExportCell<Vec<f32>>,
}

#[pymethods]
impl Matrix {
    #[new]
    fn new(ncols: usize, nrows: usize) -> Self {
        Self { ncols, data: ExportCell::new(vec![0.0; ncols * nrows]) }
    }

    fn view(slf: Bound<'_, Self>) -> PyResult<ScopedView> {
        ScopedView::new(slf.as_any())
    }

    fn write(&self, py: Python<'_>, n: usize) -> PyResult<()> {
        for _ in 0..n {
            black_box(&mut *black_box(self).data.write(py)?);
        }
        Ok(())
    }

    fn read(&self, py: Python<'_>, n: usize) -> PyResult<()> {
        for _ in 0..n {
            black_box(&*black_box(self).data.read(py)?);
        }
        Ok(())
    }

    fn share(&self, py: Python<'_>, n: usize) -> PyResult<()> {
        for _ in 0..n {
            black_box(&*black_box(self).data.share(py)?);
        }
        Ok(())
    }
}

/// Every second column, by strides and an offset that are fields.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Strided {
    nrows: usize,
    ncols: usize,
    row_step: usize,
    column_step: usize,
    offset: usize,
    #[buffer(shape = [self.nrows, self.ncols], strides = [self.row_step, self.column_step], offset = self.offset)]
    data: ExportCell<Vec<f32>>,
}

#[pymethods]
impl Strided {
    #[new]
    fn new(ncols: usize, nrows: usize) -> Self {
        Self {
            nrows,
            ncols: ncols / 2,
            row_step: ncols * ITEM,
            column_step: 2 * ITEM,
            offset: ITEM,
            data: ExportCell::new(vec![0.0; ncols * nrows]),
        }
    }
}

/// The matrix by a list of the user's expressions.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct ListByCode {
    ncols: usize,
    #[buffer(shape = [_, self.columns()])]
    data: ExportCell<Vec<f32>>,
}

impl ListByCode {
    fn columns(&self) -> usize {
        black_box(self.ncols)
    }
}

#[pymethods]
impl ListByCode {
    #[new]
    fn new(ncols: usize, nrows: usize) -> Self {
        Self { ncols, data: ExportCell::new(vec![0.0; ncols * nrows]) }
    }

    fn expression(&self, n: usize) {
        for _ in 0..n {
            black_box(black_box(self).columns());
        }
    }
}

/// The matrix by one expression of the user's, whose number of dimensions is known at run time.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct ShapeByCode {
    ncols: usize,
    #[buffer(shape = self.dims())]
    data: ExportCell<Vec<f32>>,
}

impl ShapeByCode {
    fn dims(&self) -> [usize; 2] {
        black_box([self.data.len() / self.ncols, self.ncols])
    }
}

#[pymethods]
impl ShapeByCode {
    #[new]
    fn new(ncols: usize, nrows: usize) -> Self {
        Self { ncols, data: ExportCell::new(vec![0.0; ncols * nrows]) }
    }

    fn expression(&self, n: usize) {
        for _ in 0..n {
            black_box(black_box(self).dims());
        }
    }
}

/// The matrix over bytes, in a format that is known at run time.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Formatted {
    ncols: usize,
    format: String,
    #[buffer(format = self.format, shape = [_, self.ncols])]
    data: ExportCell<Vec<u8>>,
}

#[pymethods]
impl Formatted {
    #[new]
    #[pyo3(signature = (ncols, nrows, format = "f"))]
    fn new(ncols: usize, nrows: usize, format: &str) -> Self {
        Self { ncols, format: format.to_owned(), data: ExportCell::new(vec![0; ITEM * ncols * nrows]) }
    }
}

/// The second row of a matrix, by fields.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Part {
    ncols: usize,
    offset: usize,
    #[buffer(shape = [self.ncols], offset = self.offset)]
    whole: Py<Matrix>,
}

#[pymethods]
impl Part {
    #[new]
    fn new(py: Python<'_>, ncols: usize, nrows: usize) -> PyResult<Self> {
        Ok(Self { ncols, offset: ncols * ITEM, whole: Py::new(py, Matrix::new(ncols, nrows))? })
    }
}

/// The same by the user's expressions.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct PartByCode {
    index: usize,
    #[buffer(shape = [self.ncols()], offset = self.index * self.ncols() * ITEM)]
    whole: Py<Matrix>,
}

impl PartByCode {
    fn ncols(&self) -> usize {
        self.whole.get().ncols
    }
}

#[pymethods]
impl PartByCode {
    #[new]
    fn new(py: Python<'_>, ncols: usize, nrows: usize) -> PyResult<Self> {
        Ok(Self { index: 1, whole: Py::new(py, Matrix::new(ncols, nrows))? })
    }

    fn expression(&self, n: usize) {
        for _ in 0..n {
            let this = black_box(self);
            black_box(([this.ncols()], this.index * this.ncols() * ITEM));
        }
    }
}

/// The same part, chosen by a function at run time.
#[pyfunction(name = "Chosen")]
fn chosen(py: Python<'_>, ncols: usize, nrows: usize) -> PyResult<buffer_runtime::Part> {
    let whole = Bound::new(py, Matrix::new(ncols, nrows))?;
    buffer_runtime::Part::new(&whole, |matrix| matrix.index(0, 1))
}

/// The matrix as a property.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Several {
    ncols: usize,
    #[buffer(get, shape = [_, self.ncols])]
    data: ExportCell<Vec<f32>>,
}

/// The value of the property.
#[pyfunction(name = "Property")]
fn property(py: Python<'_>, ncols: usize, nrows: usize) -> PyResult<Bound<'_, PyAny>> {
    Bound::new(py, Several { ncols, data: ExportCell::new(vec![0.0; ncols * nrows]) })?.getattr("data")
}

/// The extension module.
#[pymodule]
mod others {
    #[pymodule_export]
    use super::{Formatted, ListByCode, Matrix, Part, PartByCode, Several, ShapeByCode, Strided, chosen, property};
}
