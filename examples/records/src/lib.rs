//! Particles that Rust moves while numpy shows them.
//!
//! `numpy.asarray(Particles(1000))` is a structured array on the memory of a `Vec<Particle>`. `step` updates the
//! memory while numpy may read and write the array. Only `resize`, which may move the memory, is refused while a view
//! is alive.

mod limits;

use buffer_runtime::{BufferElement, ExportBuffer, ExportCell};
use pyo3::exceptions::{PyMemoryError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::limits::{exception, nested};

/// To numpy it is `[("id", "u4"), ("charge", "f4"), ("position", "f8", (3,)), ("velocity", "f8", (3,))]`.
#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    id: u32,
    charge: f32,
    position: [f64; 3],
    velocity: [f64; 3],
}

impl Particle {
    fn at_rest(id: u32) -> Self {
        Self { id, charge: 0.0, position: [0.0; 3], velocity: [0.0; 3] }
    }
}

/// Particles, exported as one structured array of ids, charges, positions and velocities.
#[derive(ExportBuffer)]
#[pyclass(frozen, subclass, weakref, module = "records")]
struct Particles {
    data: ExportCell<Vec<Particle>>,
}

#[pymethods]
impl Particles {
    /// `n` particles at rest at the origin, with the ids from 0 to n - 1.
    #[new]
    fn new(n: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut particles = Vec::new();
        resize(&mut particles, count(n)?)?;
        Ok(Self { data: ExportCell::new(particles) })
    }

    /// Moves every particle by its velocity times `dt`. Views may be alive. Other threads run meanwhile.
    fn step(&self, dt: &Bound<'_, PyAny>) -> PyResult<()> {
        let (py, dt) = (dt.py(), seconds(dt)?);
        let particles = self.data.share(py)?;
        py.detach(|| {
            particles.for_each_chunk(|chunk| {
                for particle in chunk {
                    for (x, v) in particle.position.iter_mut().zip(particle.velocity) {
                        *x += v * dt;
                    }
                }
            });
        });
        Ok(())
    }

    /// Removes the last particles, or adds some at rest. Raises `BufferError` while any view is alive.
    fn resize(&self, n: &Bound<'_, PyAny>) -> PyResult<()> {
        let (py, n) = (n.py(), count(n)?);
        resize(&mut *self.data.write(py)?, n)
    }

    fn __len__(&self) -> usize {
        self.data.len()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!("<{} of {}>", slf.get_type().name()?, slf.get().data.len()))
    }
}

/// Reads the argument `n`: a number of particles, small enough that each can have an id.
fn count(n: &Bound<'_, PyAny>) -> PyResult<u32> {
    let wrong = || exception::<PyValueError>(format_args!("n must be from 0 to {}, since ids are uint32", u32::MAX));
    // If the number does not fit in an `i64`, Python itself raises the exception. For a `u32`, PyO3 would make a string
    // for the exception, and panic if there is no memory for it.
    let n = nested(|| n.extract::<i64>()).map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(n.py()) {
            wrong()
        } else {
            expected("n must be an integer", n, error)
        }
    })?;
    u32::try_from(n).map_err(|_| wrong())
}

/// Reads the argument `dt`.
fn seconds(dt: &Bound<'_, PyAny>) -> PyResult<f64> {
    nested(|| dt.extract()).map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(dt.py()) {
            return exception::<PyValueError>("dt is too large for a float64");
        }
        expected("dt must be a real number", dt, error)
    })
}

/// Replaces a `TypeError` by one that names the expected type. Any other exception comes from the object, and is kept.
fn expected(what: &str, value: &Bound<'_, PyAny>, error: PyErr) -> PyErr {
    if !error.is_instance_of::<PyTypeError>(value.py()) {
        return error;
    }
    let kind = value.get_type().name();
    kind.map_or_else(|error| error, |kind| exception::<PyTypeError>(format_args!("{what}, not {kind}")))
}

fn resize(particles: &mut Vec<Particle>, n: u32) -> PyResult<()> {
    let new = (n as usize).saturating_sub(particles.len());
    // Without memory, `reserve` would abort the interpreter.
    particles.try_reserve(new).map_err(|_| exception::<PyMemoryError>(format_args!("no memory for {n} particles")))?;
    particles.truncate(n as usize);
    particles.extend((0..n).skip(particles.len()).map(Particle::at_rest));
    Ok(())
}

/// The stub `records.pyi` documents this module for Python.
#[pymodule]
mod records {
    #[pymodule_export]
    use super::Particles;
}
