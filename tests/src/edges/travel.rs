//! Classes whose objects can be pickled and copied.

use std::collections::TryReserveError;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use buffer_runtime::{Be, BufferElement, ExportBuffer, ExportCell, FromElements, ReadWrite, Rows, SharedRead, Storage};
use bytes::Bytes;
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;
use smallvec::SmallVec;

/// Every kind of field: a matrix, a cell that is not exported, values, and a field that a copy starts with its default.
#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen, subclass, weakref, module = "buffer_tests_ext.edges")]
struct Traveller {
    ncols: usize,
    label: Option<String>,
    #[buffer(shape = [_, self.ncols])]
    data: ExportCell<Vec<f32>>,
    notes: ExportCell<Box<[u8]>>,
    companion: Py<PyAny>,
    #[buffer(default)]
    calls: AtomicUsize,
    #[buffer(default)]
    scratch: ExportCell<Vec<u64>>,
}

#[pymethods]
impl Traveller {
    #[new]
    #[pyo3(signature = (rows, ncols = 2, label = None, companion = None))]
    fn new(py: Python<'_>, rows: usize, ncols: usize, label: Option<String>, companion: Option<Py<PyAny>>) -> Self {
        Self {
            ncols,
            label,
            data: ExportCell::new((0_u16..1000).cycle().take(rows * ncols).map(f32::from).collect()),
            notes: ExportCell::new(b"notes".as_slice().into()),
            companion: companion.unwrap_or_else(|| py.None()),
            calls: AtomicUsize::new(7),
            scratch: ExportCell::new(vec![1, 2, 3]),
        }
    }

    #[getter]
    fn fields(&self, py: Python<'_>) -> (usize, Option<String>, Py<PyAny>, usize, usize) {
        let companion = self.companion.clone_ref(py);
        (self.ncols, self.label.clone(), companion, self.calls.load(Ordering::Relaxed), self.scratch.len())
    }

    fn notes(&self, py: Python<'_>) -> PyResult<Vec<u8>> {
        Ok(self.notes.read(py)?.to_vec())
    }

    fn views(&self) -> (usize, usize) {
        (self.data.views(), self.notes.views())
    }

    fn add_row(&self, py: Python<'_>) -> PyResult<()> {
        let mut data = self.data.write(py)?;
        let len = data.len() + self.ncols;
        data.resize(len, 0.0);
        Ok(())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.data.close(py)?;
        Ok(())
    }

    fn in_write(&self, py: Python<'_>, call: &Bound<'_, PyAny>) -> PyResult<()> {
        let _guard = self.data.write(py)?;
        call.call0().map(drop)
    }
}

/// A Rust subclass. A pickle by its base class would lack its fields.
#[pyclass(frozen, subclass, extends = Traveller, module = "buffer_tests_ext.edges")]
struct RustTraveller {
    more: String,
}

#[pymethods]
impl RustTraveller {
    #[new]
    fn new(py: Python<'_>) -> PyClassInitializer<Self> {
        let base = Traveller::new(py, 1, 2, None, None);
        PyClassInitializer::from(base).add_subclass(Self { more: "more".to_owned() })
    }

    #[getter]
    fn more(&self) -> &str {
        &self.more
    }
}

/// A Rust subclass that defines how it is pickled.
#[pyclass(frozen, extends = Traveller, module = "buffer_tests_ext.edges")]
struct Reducing;

#[pymethods]
impl Reducing {
    #[new]
    fn new(py: Python<'_>) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Traveller::new(py, 1, 2, None, None)).add_subclass(Self)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, ()) {
        (slf.get_type().into_any(), ())
    }
}

/// Not frozen, with methods that borrow the object mutably.
#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(module = "buffer_tests_ext.edges")]
struct MutableTraveller {
    data: ExportCell<Vec<i64>>,
    #[pyo3(get, set)]
    rate: f64,
}

#[pymethods]
impl MutableTraveller {
    #[new]
    fn new(len: i64) -> Self {
        Self { data: ExportCell::new((0..len).collect()), rate: 0.5 }
    }

    fn in_borrow(&mut self, call: &Bound<'_, PyAny>) -> PyResult<()> {
        self.rate += 1.0;
        call.call0().map(drop)
    }
}

/// A class that is in no module.
#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen, subclass)]
struct Nowhere {
    data: ExportCell<Vec<u8>>,
}

#[pymethods]
impl Nowhere {
    #[new]
    fn new() -> Self {
        Self { data: ExportCell::new(vec![1, 2, 3]) }
    }
}

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Stop {
    #[buffer(rename = "a=b")]
    km: Be<u32>,
    wait: [f32; 2],
}

/// A user's storage, which does not implement `FromElements::from_vec`.
struct Owned(Vec<f64>);

// SAFETY: all clauses are those of the Vec, which nothing else here touches.
unsafe impl Storage for Owned {
    type Element = f64;
    type Access = ReadWrite;

    unsafe fn raw(this: *mut Self) -> (NonNull<f64>, usize) {
        // SAFETY: the caller vouches for `this`.
        let vec = unsafe { &raw mut (*this).0 };
        // SAFETY: the caller vouches for `this`, and so for its field.
        unsafe { Vec::raw(vec) }
    }
}

impl FromElements for Owned {
    fn from_elements(elements: &SharedRead<f64>) -> Result<Self, TryReserveError> {
        Ok(Self(elements.to_vec()?))
    }
}

/// One object with every storage.
#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen, module = "buffer_tests_ext.edges")]
struct Luggage {
    #[buffer(get)]
    boxed: ExportCell<Box<[i16]>>,
    #[buffer(get)]
    array: ExportCell<[u32; 3]>,
    #[buffer(get)]
    small: ExportCell<SmallVec<[u8; 4]>>,
    #[buffer(get)]
    owned: ExportCell<Owned>,
    #[buffer(get)]
    bytes: ExportCell<Bytes>,
    #[buffer(get)]
    rows: ExportCell<Rows<u16>>,
    #[buffer(get)]
    stops: ExportCell<Vec<Stop>>,
    #[buffer(get)]
    nested: ExportCell<Vec<[[u8; 2]; 3]>>,
    #[buffer(get)]
    long: ExportCell<Vec<i64>>,
    #[buffer(get, readonly)]
    sealed: ExportCell<Vec<u8>>,
}

#[pymethods]
impl Luggage {
    #[new]
    fn new() -> PyResult<Self> {
        let rows = Rows::from_rows([[1, 2, 3], [4, 5, 6]]).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self {
            boxed: ExportCell::new([-1, 2].into()),
            array: ExportCell::new([1, 2, 3]),
            small: ExportCell::new(SmallVec::from_slice(&[1, 2, 3, 4, 5])),
            owned: ExportCell::new(Owned(vec![0.5, 1.5])),
            bytes: ExportCell::new(Bytes::from_static(b"bytes")),
            rows: ExportCell::new(rows),
            stops: ExportCell::new(vec![Stop { km: 7.into(), wait: [0.5, 1.0] }]),
            nested: ExportCell::new(vec![[[1, 2], [3, 4], [5, 6]]]),
            long: ExportCell::new(vec![-1, i64::MAX]),
            sealed: ExportCell::new(vec![9]),
        })
    }
}

/// A layout that leaves gaps, computed from the fields.
#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen, module = "buffer_tests_ext.edges")]
struct Gaps {
    len: usize,
    step: isize,
    start: usize,
    format: String,
    #[buffer(shape = [self.len], strides = [self.step], offset = self.start, format = self.format.as_str())]
    data: ExportCell<Vec<u8>>,
}

#[pymethods]
impl Gaps {
    #[new]
    fn new(bytes: Vec<u8>, len: usize, step: isize, start: usize, format: String) -> Self {
        Self { len, step, start, format, data: ExportCell::new(bytes) }
    }
}

/// In Fortran order, in a tuple struct.
#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen, module = "buffer_tests_ext.edges")]
struct Columned(#[buffer(shape = [_, 2], order = "F")] ExportCell<Vec<i32>>, u8);

#[pymethods]
impl Columned {
    #[new]
    fn new() -> Self {
        Self(ExportCell::new((0..6).collect()), 3)
    }

    #[getter]
    fn one(&self) -> u8 {
        self.1
    }
}

/// A part of another object, which is pickled with it.
#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen, module = "buffer_tests_ext.edges")]
struct Excerpt {
    from: usize,
    #[buffer(shape = [2], strides = [4], offset = self.from * 4)]
    of: Py<Traveller>,
}

#[pymethods]
impl Excerpt {
    #[new]
    fn new(of: Py<Traveller>, from: usize) -> Self {
        Self { from, of }
    }

    #[getter]
    fn of(&self, py: Python<'_>) -> Py<Traveller> {
        self.of.clone_ref(py)
    }
}

/// A value whose conversions call Python, fail or panic.
struct Odd(Py<PyAny>);

impl<'py> IntoPyObject<'py> for &Odd {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.0.bind(py).call1(("give",))
    }
}

impl<'py> FromPyObject<'_, 'py> for Odd {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match value.extract::<&str>() {
            Ok("memory") => Err(PyMemoryError::new_err("no memory")),
            Ok("panic") => panic!("a panic while unpickling"),
            Ok("wrong") => Err(PyValueError::new_err("wrong")),
            _ => Ok(Self(value.to_owned().unbind())),
        }
    }
}

#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen, module = "buffer_tests_ext.edges")]
struct OddTraveller {
    odd: Odd,
    data: ExportCell<Vec<u8>>,
}

#[pymethods]
impl OddTraveller {
    #[new]
    fn new(odd: Py<PyAny>) -> Self {
        Self { odd: Odd(odd), data: ExportCell::new(vec![1]) }
    }

    fn grow(&self, py: Python<'_>) -> PyResult<()> {
        self.data.write(py)?.push(1);
        Ok(())
    }
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<Traveller>()?;
    edges.add_class::<RustTraveller>()?;
    edges.add_class::<Reducing>()?;
    edges.add_class::<MutableTraveller>()?;
    edges.add_class::<Nowhere>()?;
    edges.add_class::<Luggage>()?;
    edges.add_class::<Gaps>()?;
    edges.add_class::<Columned>()?;
    edges.add_class::<Excerpt>()?;
    edges.add_class::<OddTraveller>()
}
