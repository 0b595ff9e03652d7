//! A heat equation that Rust steps in place while Python looks at it.
//!
//! `numpy.asarray(Plate(200, 300))` shows the temperatures of a plate without a copy. `step` computes the next ones
//! with Python detached, and numpy may read and write the array meanwhile: a heater is an assignment to a part of the
//! array.

mod arguments;
mod diffusion;
mod limits;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, TryLockError};

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError};
use pyo3::prelude::*;

use crate::diffusion::{Diffusion, ROWS};
use crate::limits::exception;

/// How many cells are computed between two checks for signals, such as that of Ctrl-C: some milliseconds of work.
const CELLS_BETWEEN_CHECKS: usize = 1 << 22;

/// Temperatures on a plate, exported as a float64 array of shape `(height, width)`.
#[derive(ExportBuffer)]
#[pyclass(frozen, subclass, weakref, module = "heat")]
struct Plate {
    height: usize,
    width: usize,
    steps: AtomicU64,
    #[buffer(shape = [self.height, self.width])]
    cells: ExportCell<Box<[f64]>>,
    /// Room for some rows, in use by one call of `step` at a time.
    rows: Mutex<Vec<f64>>,
}

#[pymethods]
impl Plate {
    /// A plate of temperature 0. `step` does not change the outermost cells.
    #[new]
    fn new(height: &Bound<'_, PyAny>, width: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (height, width) = (arguments::extent(height, "height")?, arguments::extent(width, "width")?);
        // The allocator returns zeroed memory, which costs nothing until it is used.
        let zeros = |height: usize| {
            let zeros = height.checked_mul(width).and_then(|len| bytemuck::try_zeroed_vec(len).ok());
            zeros.ok_or_else(|| exception::<PyMemoryError>(format_args!("no memory for {height} x {width} float64")))
        };
        let (cells, rows) = (ExportCell::new(zeros(height)?.into_boxed_slice()), Mutex::new(zeros(ROWS)?));
        Ok(Self { height, width, steps: AtomicU64::new(0), cells, rows })
    }

    /// Advances the temperatures by `n` steps. Views may be alive. Other threads run meanwhile.
    ///
    /// In each step, an inner cell takes over `rate` of its difference to each of its four neighbours. Ctrl-C ends the
    /// call after some of the steps; `steps` counts them.
    #[pyo3(signature = (n = None, rate = None), text_signature = "($self, n=1, rate=0.2)")]
    fn step(&self, py: Python<'_>, n: Option<&Bound<'_, PyAny>>, rate: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let mut left = n.map_or(Ok(1), arguments::steps)?;
        let rate = rate.map_or(Ok(0.2), arguments::rate)?;

        // Waiting would be a deadlock if a signal handler of this thread called `step`.
        let mut rows = match self.rows.try_lock() {
            Ok(rows) => rows,
            // After a panic, the rows contain numbers that the next step replaces.
            Err(TryLockError::Poisoned(rows)) => rows.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let text = "another call of step is at work on this plate; call step again when it has returned";
                return Err(exception::<PyRuntimeError>(text));
            }
        };
        let cells = self.cells.share(py)?;
        let mut diffusion = Diffusion { cells: &cells, rows: &mut rows, width: self.width, rate };
        let most = (CELLS_BETWEEN_CHECKS / cells.len()).max(1) as u64;
        while left > 0 {
            let now = left.min(most);
            py.detach(|| {
                for _ in 0..now {
                    diffusion.step();
                }
            });
            left -= now;
            self.steps.fetch_add(now, Ordering::Relaxed);
            py.check_signals()?;
        }
        Ok(())
    }

    /// How many steps were computed so far, by all calls of `step`.
    #[getter]
    fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let this = slf.get();
        Ok(format!("<{} of {} x {} after {} steps>", slf.get_type().name()?, this.height, this.width, this.steps()))
    }
}

/// The stub `heat.pyi` documents this module for Python.
#[pymodule]
mod heat {
    #[pymodule_export]
    use super::Plate;
}
