use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Sound {
    track: ExportCell<Track>,
}

struct Track {
    rate: u32,
    samples: Vec<f32>,
}

#[pymethods]
impl Sound {
    #[new]
    fn new(rate: u32) -> Self {
        Self { track: ExportCell::new(Track { rate, samples: Vec::new() }) }
    }
}

fn main() {}
