use buffer_runtime::BufferView;
use pyo3::prelude::*;

fn view<'py>(py: Python<'py>, object: Py<PyAny>) -> PyResult<BufferView<'py, f32>> {
    py.detach(|| Python::attach(|py| BufferView::from_object(object.bind(py))))
}

fn main() {}
