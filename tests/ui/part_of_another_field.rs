use buffer_runtime::{ExportBuffer, ExportCell, Part};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Samples {
    rate: u32,
    data: ExportCell<Vec<f64>>,
}

fn first(samples: &Bound<'_, Samples>) -> PyResult<Part> {
    Part::of_field(samples, |samples| &samples.rate, |all| all.index(0, 0))
}

fn main() {}
