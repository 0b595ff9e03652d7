//! A class for each variation in something other than storage, layout and element.
//!
//! Unless its purpose needs another form, a class is `Class(content, *extents)` of float32, as in `product`.

use std::mem;

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::content::Content;

/// The methods of the classes here: the expression with which the constructor makes the object from its arguments, and
/// the name of the cell.
macro_rules! methods {
    ($class:ident($content:ident $(, $argument:ident: $type:ty)*) => $value:expr, $cell:tt $(, $more:item)*) => {
        #[pymethods]
        impl $class {
            #[new]
            fn new($content: &[u8] $(, $argument: $type)*) -> PyResult<Self> {
                Ok($value)
            }

            fn replace(&self, py: Python<'_>, content: &[u8]) -> PyResult<()> {
                *self.$cell.write(py)? = Content::from_bytes(content)?;
                Ok(())
            }

            fn views(&self) -> usize {
                self.$cell.views()
            }

            $($more)*
        }
    };
}

/// A cell with `content` in its storage.
fn cell<S: Content>(content: &[u8]) -> PyResult<ExportCell<S>> {
    S::from_bytes(content).map(ExportCell::new)
}

/// Not frozen: accessed through PyO3's borrow flag.
#[pyclass(subclass, weakref)]
#[derive(ExportBuffer)]
struct NotFrozen {
    columns: usize,
    #[buffer(shape = [_, self.columns])]
    data: ExportCell<Vec<f32>>,
}

methods!(NotFrozen(content, columns: usize) => Self { columns, data: cell(content)? }, data);

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct TupleStruct(ExportCell<Vec<f32>>);

methods!(TupleStruct(content) => Self(cell(content)?), 0);

#[derive(ExportBuffer)]
#[pyclass]
struct TupleStructWithShape(usize, #[buffer(shape = [self.0, _], order = "F")] ExportCell<Vec<f32>>);

methods!(TupleStructWithShape(content, rows: usize) => Self(rows, cell(content)?), 1);

/// The field is found by its type, among others that are not cells.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Unmarked {
    before: usize,
    data: ExportCell<Vec<f32>>,
    after: usize,
}

methods!(
    Unmarked(content) => Self { before: 1, data: cell(content)?, after: 2 }, data,
    #[getter]
    fn sum(&self) -> usize {
        self.before + self.after
    }
);

/// One of two cells is exported.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Marked {
    other: ExportCell<Vec<f32>>,
    #[buffer]
    data: ExportCell<Vec<f32>>,
}

methods!(
    Marked(content) => Self { other: ExportCell::default(), data: cell(content)? }, data,
    fn other_views(&self) -> usize {
        self.other.views()
    }
);

/// One extent is inferred. The other may be a number that no shape can contain.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Inferred {
    columns: i64,
    #[buffer(shape = [_, self.columns])]
    data: ExportCell<Vec<f32>>,
}

methods!(Inferred(content, columns: i64) => Self { columns, data: cell(content)? }, data);

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct InferredLast {
    rows: u16,
    #[buffer(shape = [self.rows, _], order = "F")]
    data: ExportCell<Vec<f32>>,
}

methods!(InferredLast(content, rows: u16) => Self { rows, data: cell(content)? }, data);

/// No extent is inferred, and each may be a number that no shape can contain.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Declared {
    planes: i64,
    rows: i64,
    columns: u64,
    #[buffer(shape = [self.planes, self.rows, self.columns])]
    data: ExportCell<Vec<f32>>,
}

methods!(
    Declared(content, planes: i64, rows: i64, columns: u64) => Self { planes, rows, columns, data: cell(content)? },
    data
);

/// Expressions, which are treated as user code.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Expression {
    extents: Vec<usize>,
    #[buffer(shape = [self.extents[0], self.columns()?], order = "F")]
    data: ExportCell<Vec<f32>>,
}

impl Expression {
    fn columns(&self) -> PyResult<usize> {
        self.extents.last().copied().ok_or_else(|| PyValueError::new_err("no extents"))
    }
}

methods!(
    Expression(content, rows: usize, columns: usize) => Self { extents: vec![rows, columns], data: cell(content)? },
    data
);

const COLUMNS: u8 = 4;

/// Extents that are not fields, over a storage that has another shape of its own.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Constants {
    #[buffer(shape = [2, 3, COLUMNS as usize])]
    data: ExportCell<[[f32; 6]; 4]>,
}

methods!(Constants(content) => Self { data: cell(content)? }, data);

/// As many dimensions as there can be.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Dimensions64 {
    first: usize,
    #[buffer(shape = [
        self.first, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, _,
    ])]
    data: ExportCell<Vec<f32>>,
}

methods!(Dimensions64(content, first: usize) => Self { first, data: cell(content)? }, data);

type Seven<T> = [[[[[[[T; 1]; 1]; 1]; 1]; 1]; 1]; 1];
type SixtyThree<T> = Seven<Seven<Seven<Seven<Seven<Seven<Seven<Seven<Seven<T>>>>>>>>>;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct NestedArrays64 {
    data: ExportCell<Vec<SixtyThree<f32>>>,
}

methods!(NestedArrays64(content) => Self { data: cell(content)? }, data);

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct EmptyArray {
    data: ExportCell<[f32; 0]>,
}

methods!(EmptyArray(content) => Self { data: cell(content)? }, data);

/// There is no `__array__`, which would tell numpy why a view is refused.
#[derive(ExportBuffer)]
#[buffer(no_array)]
#[pyclass(frozen)]
struct NoArray {
    data: ExportCell<Vec<f32>>,
}

methods!(NoArray(content) => Self { data: cell(content)? }, data);

/// `begin` leaks a read guard, so that later views are read-only.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct ReadFromRust {
    rows: usize,
    columns: usize,
    #[buffer(shape = [self.rows, self.columns])]
    data: ExportCell<Vec<f32>>,
}

methods!(
    ReadFromRust(content, rows: usize, columns: usize) => Self { rows, columns, data: cell(content)? }, data,
    fn begin(&self, py: Python<'_>) -> PyResult<()> {
        mem::forget(self.data.read(py)?);
        Ok(())
    }
);

pub(super) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<NotFrozen>()?;
    module.add_class::<TupleStruct>()?;
    module.add_class::<TupleStructWithShape>()?;
    module.add_class::<Unmarked>()?;
    module.add_class::<Marked>()?;
    module.add_class::<Inferred>()?;
    module.add_class::<InferredLast>()?;
    module.add_class::<Declared>()?;
    module.add_class::<Expression>()?;
    module.add_class::<Constants>()?;
    module.add_class::<Dimensions64>()?;
    module.add_class::<NestedArrays64>()?;
    module.add_class::<EmptyArray>()?;
    module.add_class::<NoArray>()?;
    module.add_class::<ReadFromRust>()
}
