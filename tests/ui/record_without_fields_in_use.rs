use buffer_runtime::{BufferElement, ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle;

#[derive(ExportBuffer)]
#[pyclass]
struct Particles {
    data: ExportCell<Vec<Particle>>,
}

fn main() {}
