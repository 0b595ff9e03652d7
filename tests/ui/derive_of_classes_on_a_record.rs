use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(Clone, Copy, ExportBuffer)]
#[repr(C)]
struct Particle {
    kind: u8,
    #[buffer(padding)]
    _pad: [u8; 3],
    charge: f32,
}

#[derive(ExportBuffer)]
#[pyclass]
struct Particles {
    data: ExportCell<Vec<Particle>>,
}

fn main() {}
