//! An RGB image that Rust fills while numpy shows it, and whose crops and channels are parts of its memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use buffer_runtime::{ExportBuffer, ExportCell, Part};
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;

/// An image of red, green and blue bytes, exported as an array of shape `(height, width, 3)`.
#[derive(ExportBuffer)]
#[pyclass(frozen, subclass, weakref, module = "image")]
struct Image {
    /// Changes only under a write guard of the pixels.
    width: AtomicUsize,
    #[buffer(shape = [_, self.width.load(Ordering::Relaxed), 3])]
    pixels: ExportCell<Vec<[u8; 3]>>,
}

#[pymethods]
impl Image {
    /// A black image.
    #[new]
    fn new(height: usize, width: usize) -> PyResult<Self> {
        Ok(Self { pixels: ExportCell::new(black(height, width)?), width: AtomicUsize::new(width) })
    }

    /// The pixels from `(y, x)` on, as an array of shape `(height, width, 3)`, without a copy.
    fn crop(slf: &Bound<'_, Self>, y: usize, x: usize, height: usize, width: usize) -> PyResult<Part> {
        let (bottom, right) = (y.saturating_add(height), x.saturating_add(width));
        Part::new(slf, |image| image.slice(0, y..bottom, 1)?.slice(1, x..right, 1))
    }

    /// The red (0), green (1) or blue (2) bytes, as an array of shape `(height, width)`, without a copy.
    fn channel(slf: &Bound<'_, Self>, index: usize) -> PyResult<Part> {
        Part::new(slf, |image| image.index(2, index))
    }

    /// Gives all pixels one colour. Views may be alive; they show the colour.
    fn fill(&self, py: Python<'_>, red: u8, green: u8, blue: u8) -> PyResult<()> {
        let pixels = self.pixels.share(py)?;
        py.detach(|| pixels.fill([red, green, blue]));
        Ok(())
    }

    /// Cuts the image, or extends it by black pixels at the right and at the bottom. Raises `BufferError` while the
    /// image, a crop or a channel is viewed.
    fn resize(&self, py: Python<'_>, height: usize, width: usize) -> PyResult<()> {
        let mut pixels = self.pixels.write(py)?;
        let mut resized = black(height, width)?;
        let before = self.width.load(Ordering::Relaxed);
        for (to, from) in resized.chunks_exact_mut(width).zip(pixels.chunks_exact(before)) {
            let common = width.min(before);
            to[..common].copy_from_slice(&from[..common]);
        }
        *pixels = resized;
        self.width.store(width, Ordering::Relaxed);
        Ok(())
    }

    #[getter]
    fn height(&self) -> usize {
        self.pixels.len() / self.width()
    }

    #[getter]
    fn width(&self) -> usize {
        self.width.load(Ordering::Relaxed)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let this = slf.get();
        Ok(format!("<{} of {} x {} pixels>", slf.get_type().name()?, this.height(), this.width()))
    }
}

fn black(height: usize, width: usize) -> PyResult<Vec<[u8; 3]>> {
    for (extent, name) in [(height, "height"), (width, "width")] {
        if extent == 0 {
            return Err(PyValueError::new_err(format!("{name} must be at least 1, not 0")));
        }
    }
    let mut pixels = Vec::new();
    let count = height.saturating_mul(width);
    let reserved = pixels.try_reserve_exact(count);
    reserved.map_err(|_| PyMemoryError::new_err(format!("no memory for {height} x {width} pixels")))?;
    pixels.resize(count, [0; 3]);
    Ok(pixels)
}

/// The stub `image.pyi` documents this module for Python.
#[pymodule]
mod image {
    #[pymodule_export]
    use super::Image;
}
