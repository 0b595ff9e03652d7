//! Classes whose shape is user code: it calls Python code, which may do anything.

use std::mem;
use std::panic;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use buffer_runtime::{ExportBuffer, ExportCell, Rows};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyMemoryView, PyString};

use super::watched::Bomb;

/// A callable from Python that returns the number of rows.
struct Asked(Mutex<Option<Py<PyAny>>>);

impl Asked {
    fn set(&self, callable: Py<PyAny>) {
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(callable);
        drop(before);
    }

    /// Calls it. If it returns a string, Rust performs the action of that name.
    fn rows(&self) -> PyResult<i64> {
        Python::attach(|py| {
            let callable = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|it| it.clone_ref(py));
            let Some(callable) = callable else { return Ok(1) };
            let answer = callable.call0(py)?.into_bound(py);
            let Ok(act) = answer.cast::<PyString>() else { return answer.extract() };
            match act.to_string().as_str() {
                "panic twice" => panic::panic_any(Bomb),
                "panic while detached" => py.detach(|| panic!("the shape panics while it is detached")),
                "detach" => {
                    py.detach(|| thread::sleep(Duration::from_millis(20)));
                    Ok(2)
                }
                _ => panic!("the shape panics"),
            }
        })
    }
}

macro_rules! shaped {
    ($(#[$attr:meta])* $name:ident, #[pyclass($($class:tt)*)], #[buffer($($option:tt)*)]) => {
        $(#[$attr])*
        #[derive(ExportBuffer)]
        #[pyclass($($class)*)]
        pub(crate) struct $name {
            #[buffer(shape = [self.asked.rows()?, _] $($option)*)]
            data: ExportCell<Vec<i32>>,
            asked: Asked,
        }

        #[pymethods]
        impl $name {
            /// `rows` is a callable that returns the number of rows.
            #[new]
            #[pyo3(signature = (values, rows=None))]
            fn new(values: Vec<i32>, rows: Option<Py<PyAny>>) -> Self {
                Self { data: ExportCell::new(values), asked: Asked(Mutex::new(rows)) }
            }

            fn ask(&self, rows: Py<PyAny>) {
                self.asked.set(rows);
            }

            fn views(&self) -> usize {
                self.data.views()
            }

            fn resize(&self, py: Python<'_>, len: usize) -> PyResult<()> {
                self.data.write(py)?.resize(len, 0);
                Ok(())
            }

            fn close(&self, py: Python<'_>) -> PyResult<usize> {
                Ok(self.data.close(py)?.len())
            }
        }
    };
}

shaped!(
    /// Frozen.
    Shaped,
    #[pyclass(frozen, weakref)],
    #[buffer()]
);
shaped!(
    /// Frozen and read-only.
    ReadOnlyShaped,
    #[pyclass(frozen)],
    #[buffer(, readonly)]
);
shaped!(
    /// Not frozen.
    MutableShaped,
    #[pyclass()],
    #[buffer()]
);

#[pymethods]
impl MutableShaped {
    /// A method that needs exclusive access to the object.
    fn resize_exclusively(&mut self, len: usize) -> PyResult<()> {
        self.data.get_mut()?.resize(len, 0);
        Ok(())
    }
}

/// Rows of items whose format Python code returns.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct AskedRows {
    #[buffer(format = self.format()?)]
    data: ExportCell<Rows<u8>>,
    asked: Py<PyAny>,
}

impl AskedRows {
    fn format(&self) -> PyResult<String> {
        Python::attach(|py| self.asked.call0(py)?.extract(py))
    }
}

#[pymethods]
impl AskedRows {
    /// `asked` is a callable that returns the format.
    #[new]
    fn new(asked: Py<PyAny>) -> Self {
        Self { data: ExportCell::new(Rows::new(0)), asked }
    }

    fn replace(&self, py: Python<'_>, rows: Vec<Vec<u8>>) -> PyResult<()> {
        *self.data.write(py)? = Rows::from_rows(rows).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(())
    }
}

/// Its shape views its own object: an infinite recursion with no Python frame in between.
#[derive(ExportBuffer)]
#[pyclass(frozen, weakref)]
struct SelfViewing {
    #[buffer(shape = [self.rows()?])]
    data: ExportCell<Vec<i32>>,
    me: Mutex<Option<Py<PyAny>>>,
}

impl SelfViewing {
    fn rows(&self) -> PyResult<usize> {
        Python::attach(|py| {
            let me = self.me.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|me| me.clone_ref(py));
            if let Some(me) = me {
                PyMemoryView::from(me.bind(py))?;
            }
            Ok(self.data.len())
        })
    }
}

#[pymethods]
impl SelfViewing {
    #[new]
    fn new() -> Self {
        Self { data: ExportCell::new(vec![1]), me: Mutex::new(None) }
    }

    /// Sets the object that the shape views: this object itself, or none.
    fn view(&self, me: Option<Py<PyAny>>) {
        let before = mem::replace(&mut *self.me.lock().unwrap_or_else(PoisonError::into_inner), me);
        drop(before);
    }

    fn views(&self) -> usize {
        self.data.views()
    }
}

/// `py.detach` for a while.
#[pyfunction]
fn detach(py: Python<'_>, milliseconds: u64) {
    py.detach(|| thread::sleep(Duration::from_millis(milliseconds)));
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<Shaped>()?;
    edges.add_class::<ReadOnlyShaped>()?;
    edges.add_class::<MutableShaped>()?;
    edges.add_class::<AskedRows>()?;
    edges.add_class::<SelfViewing>()?;
    edges.add_function(wrap_pyfunction!(detach, edges)?)
}
