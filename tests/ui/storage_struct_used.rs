use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

struct Track {
    rate: u32,
    samples: Vec<f32>,
}

#[derive(ExportBuffer)]
#[pyclass]
struct Sound {
    track: ExportCell<Track>,
}

#[pymethods]
impl Sound {
    fn append(&self, py: Python<'_>, sample: f32) -> PyResult<usize> {
        let mut track = self.track.write(py)?;
        track.samples.push(sample);
        Ok(track.samples.len() / track.rate as usize)
    }

    fn close(&mut self) -> PyResult<()> {
        self.track.get_mut()?.samples.clear();
        Ok(self.track.detach()?)
    }
}

fn main() {}
