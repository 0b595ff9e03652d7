use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

#[derive(Clone, Copy)]
#[repr(C)]
struct Point {
    x: f32,
}

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Points {
    data: ExportCell<Vec<Point>>,
}

#[pymethods]
impl Points {
    fn append(&self, py: Python<'_>, x: f32) -> PyResult<()> {
        self.data.write(py)?.push(Point { x });
        Ok(())
    }

    fn shift(&self, py: Python<'_>, by: f32) -> PyResult<()> {
        let data = self.data.share(py)?;
        py.detach(|| data.update(|point| Point { x: point.x + by }));
        Ok(())
    }

    fn first(&self, py: Python<'_>) -> PyResult<f32> {
        Ok(self.data.read(py)?[0].x)
    }
}

fn main() {}
