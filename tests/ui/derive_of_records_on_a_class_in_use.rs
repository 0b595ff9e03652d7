use buffer_runtime::{BufferElement, ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(Clone, Copy, BufferElement)]
#[pyclass]
#[repr(C)]
struct Particle {
    charge: f32,
}

#[derive(ExportBuffer)]
#[pyclass]
struct Particles {
    data: ExportCell<Vec<Particle>>,
}

fn main() {}
