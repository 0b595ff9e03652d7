//! Classes whose item type only DLPack can express.

use buffer_runtime::{ExportBuffer, ExportCell};
use half::bf16;
use pyo3::prelude::*;

/// Floats of 16 bits with the range of `f32`.
#[derive(ExportBuffer)]
#[pyclass(frozen, module = "buffer_tests_ext.edges")]
struct BrainFloats {
    data: ExportCell<Vec<bf16>>,
}

#[pymethods]
impl BrainFloats {
    #[new]
    fn new(values: Vec<f32>) -> Self {
        Self { data: ExportCell::new(values.into_iter().map(bf16::from_f32).collect()) }
    }

    fn tensors(&self) -> usize {
        self.data.tensors()
    }
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<BrainFloats>()
}
