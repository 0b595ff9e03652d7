use buffer_runtime::{BufferElement, ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    kind: u8,
    charge: f32,
    spin: u8,
    mass: f64,
    alive: u8,
}

#[derive(ExportBuffer)]
#[pyclass]
struct Particles {
    data: ExportCell<Vec<Particle>>,
}

fn main() {}
