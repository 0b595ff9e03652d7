//! Classes whose objects keep the memory in which they arrive, share theirs with Rust, or have arrays of ndarray.

use std::cell::RefCell;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use buffer_runtime::{ExportBuffer, ExportCell, VecOrImported};
use ndarray::{Array2, ArrayD, Axis, IxDyn, ShapeBuilder, Slice};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Memory that may be imported, beside memory that is not.
#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen, weakref, module = "buffer_tests_ext.edges")]
struct Shipment {
    #[buffer(get)]
    items: ExportCell<VecOrImported<u32>>,
    #[buffer(get)]
    sealed: ExportCell<Vec<u8>>,
}

#[pymethods]
impl Shipment {
    #[new]
    fn new(items: Vec<u32>) -> Self {
        Self { items: ExportCell::new(items.into()), sealed: ExportCell::new(b"sealed".into()) }
    }

    #[getter]
    fn is_imported(&self) -> bool {
        self.items.is_imported()
    }

    #[getter]
    fn holders(&self) -> Vec<String> {
        self.items.holders().iter().map(ToString::to_string).collect()
    }

    fn total(&self, py: Python<'_>) -> PyResult<u64> {
        let items = self.items.share_read(py)?;
        Ok(py.detach(|| items.iter().map(u64::from).sum()))
    }

    fn append(&self, py: Python<'_>, item: u32) -> PyResult<()> {
        self.items.write(py)?.push(item);
        Ok(())
    }

    fn double(&self, py: Python<'_>) -> PyResult<()> {
        self.items.share(py)?.update(|item| item * 2);
        Ok(())
    }

    /// `None` if the items are imported.
    fn as_slice(&self, py: Python<'_>) -> PyResult<Option<Vec<u32>>> {
        Ok(self.items.read(py)?.as_slice().map(<[u32]>::to_vec))
    }

    fn close(&self, py: Python<'_>) -> PyResult<Option<Vec<u32>>> {
        Ok(self.items.take(py)?.map(VecOrImported::into_vec))
    }
}

/// The same for methods that borrow mutably.
#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(module = "buffer_tests_ext.edges")]
struct MutableShipment {
    items: ExportCell<VecOrImported<u32>>,
}

thread_local! {
    /// What is dropped after Python has ended.
    static KEPT: RefCell<Vec<ExportCell<VecOrImported<u32>>>> = const { RefCell::new(Vec::new()) };
}

#[pymethods]
impl MutableShipment {
    #[new]
    fn new(items: Vec<u32>) -> Self {
        Self { items: ExportCell::new(items.into()) }
    }

    #[getter]
    fn is_imported(&self) -> bool {
        self.items.is_imported()
    }

    fn append(&mut self, item: u32) -> PyResult<()> {
        self.items.write_or_detach()?.push(item);
        Ok(())
    }

    fn detach(&mut self) -> PyResult<()> {
        Ok(self.items.detach()?)
    }

    /// Drops the items on a thread that is not attached, which this one waits for: attached, and with a mutex.
    fn drop_elsewhere(&mut self) {
        static MUTEX: Mutex<()> = Mutex::new(());
        let items = mem::take(&mut self.items);
        let guard = MUTEX.lock().unwrap_or_else(PoisonError::into_inner);
        thread::spawn(move || drop(items)).join().expect("a drop does not panic");
        drop(guard);
    }

    /// Drops the items when this thread ends, after Python.
    fn drop_after_python(&mut self) {
        let items = mem::take(&mut self.items);
        KEPT.with_borrow_mut(|kept| kept.push(items));
    }
}

/// What has a shape of its own, or is shared with Rust.
#[derive(ExportBuffer)]
#[buffer(pickle)]
#[pyclass(frozen, module = "buffer_tests_ext.edges")]
struct Arrays {
    #[buffer(get)]
    grid: ExportCell<Array2<f32>>,
    #[buffer(get)]
    pairs: ExportCell<ArrayD<[u8; 2]>>,
    /// Exported in another layout than its own.
    #[buffer(get, shape = [self.count])]
    declared: ExportCell<Array2<i16>>,
    count: usize,
    #[buffer(get)]
    shared: ExportCell<Arc<[f64]>>,
    #[buffer(get)]
    shared_vec: ExportCell<Arc<Vec<i64>>>,
}

fn small<T: TryFrom<usize>>(number: usize) -> T {
    T::try_from(number).ok().expect("it is a small number")
}

#[pymethods]
impl Arrays {
    /// With arrays in the order "C", "F", or "reversed", with gaps.
    #[new]
    fn new(order: &str) -> PyResult<Self> {
        let mut grid = Array2::from_shape_fn((3, 4).set_f(order == "F"), |(row, column)| {
            f32::from(small::<u8>(10 * row + column))
        });
        let mut pairs = ArrayD::from_shape_fn(IxDyn(&[2, 1, 3]), |at| [small(at[0]), small(at[2])]);
        match order {
            "C" | "F" => {}
            "reversed" => {
                grid.invert_axis(Axis(1));
                grid.slice_axis_inplace(Axis(0), Slice::new(0, None, 2));
                pairs.swap_axes(0, 2);
            }
            _ => return Err(PyValueError::new_err("another order")),
        }
        Ok(Self {
            grid: ExportCell::new(grid),
            pairs: ExportCell::new(pairs),
            declared: ExportCell::new(Array2::from_shape_fn((2, 3), |(row, column)| small(3 * row + column))),
            count: 6,
            shared: ExportCell::new(Arc::from([0.5, 1.5])),
            shared_vec: ExportCell::new(Arc::new(vec![-1, 1])),
        })
    }

    fn shape_of_declared(&self, py: Python<'_>) -> PyResult<(usize, usize)> {
        Ok(self.declared.read(py)?.array().dim())
    }
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<Shipment>()?;
    edges.add_class::<MutableShipment>()?;
    edges.add_class::<Arrays>()
}
