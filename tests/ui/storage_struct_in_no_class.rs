use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Sound {
    samples: ExportCell<Vec<f32>>,
}

struct Track {
    samples: Vec<f32>,
}

fn main() {
    let _ = ExportCell::new(Track { samples: Vec::new() });
}
