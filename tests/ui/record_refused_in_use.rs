use buffer_runtime::{BufferElement, ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(Clone, Copy, BufferElement)]
#[repr(C)]
struct Particle {
    kind: u8,
    #[buffer(pad)]
    _pad: [u8; 3],
    charge: f32,
}

#[derive(ExportBuffer)]
#[pyclass]
struct Particles {
    data: ExportCell<Vec<Particle>>,
}

fn main() {}
