use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass]
struct Sound {
    track: ExportCell<Track>,
}

struct Track {
    rate: u32,
    samples: Vec<f32>,
}

fn main() {}
