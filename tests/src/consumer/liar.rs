//! An exporter that fills a `Py_buffer` with whatever a test sets, whether it is true or not.

use std::ffi::{CString, c_int};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::exceptions::{PyBufferError, PyKeyError};
use pyo3::ffi;
use pyo3::prelude::*;

/// The memory that it exports, aligned for any element.
#[repr(align(64))]
struct Memory([u8; 256]);

/// The fields that it reports. Arrays and the format are NULL where they are `None`.
#[expect(clippy::struct_excessive_bools, reason = "each is a lie of its own")]
#[pyclass]
struct Liar {
    memory: Box<Memory>,
    /// Pointers to rows in the memory. If there are any, they are exported instead of the memory. A negative offset
    /// gives NULL.
    rows: Vec<*const u8>,
    #[pyo3(get, set)]
    offset: isize,
    #[pyo3(get, set)]
    len: isize,
    #[pyo3(get, set)]
    itemsize: isize,
    #[pyo3(get, set)]
    ndim: c_int,
    #[pyo3(get, set)]
    readonly: bool,
    #[pyo3(get, set)]
    null_buf: bool,
    #[pyo3(get, set)]
    null_obj: bool,
    /// Grants the request, but also leaves an exception set.
    #[pyo3(get, set)]
    raises: bool,
    /// Grants a view of this object instead.
    #[pyo3(get, set)]
    lends: Option<Py<PyAny>>,
    /// Leaves an exception set after a release.
    #[pyo3(get, set)]
    release_raises: bool,
    format: Option<CString>,
    shape: Option<Vec<isize>>,
    strides: Option<Vec<isize>>,
    suboffsets: Option<Vec<isize>>,
    granted: AtomicUsize,
    released: AtomicUsize,
    asked: Mutex<Vec<c_int>>,
}

// SAFETY: the pointers point into the object's own memory.
unsafe impl Send for Liar {}
// SAFETY: as above; nothing here writes through them.
unsafe impl Sync for Liar {}

#[pymethods]
impl Liar {
    /// Starts with true fields: four doubles 1, 2, 3, 4.
    #[new]
    fn new() -> Self {
        let mut memory = Memory([0; 256]);
        for (place, value) in memory.0.chunks_exact_mut(8).zip([1.0_f64, 2.0, 3.0, 4.0]) {
            place.copy_from_slice(&value.to_ne_bytes());
        }
        Self {
            memory: Box::new(memory),
            rows: Vec::new(),
            offset: 0,
            len: 32,
            itemsize: 8,
            ndim: 1,
            readonly: false,
            null_buf: false,
            null_obj: false,
            raises: false,
            lends: None,
            release_raises: false,
            format: Some(c"d".to_owned()),
            shape: Some(vec![4]),
            strides: Some(vec![8]),
            suboffsets: None,
            granted: AtomicUsize::new(0),
            released: AtomicUsize::new(0),
            asked: Mutex::new(Vec::new()),
        }
    }

    #[setter]
    fn format(&mut self, format: Option<Vec<u8>>) -> PyResult<()> {
        self.format = format.map(CString::new).transpose()?;
        Ok(())
    }

    #[setter]
    fn shape(&mut self, shape: Option<Vec<isize>>) {
        self.shape = shape;
    }

    #[setter]
    fn strides(&mut self, strides: Option<Vec<isize>>) {
        self.strides = strides;
    }

    #[setter]
    fn suboffsets(&mut self, suboffsets: Option<Vec<isize>>) {
        self.suboffsets = suboffsets;
    }

    #[setter]
    fn rows(&mut self, offsets: Vec<isize>) {
        let start = (&raw const *self.memory).cast::<u8>();
        let row = |offset| if offset < 0 { ptr::null() } else { start.wrapping_byte_offset(offset) };
        self.rows = offsets.into_iter().map(row).collect();
    }

    /// How many views are alive.
    #[getter]
    fn alive(&self) -> usize {
        self.granted.load(Ordering::Relaxed) - self.released.load(Ordering::Relaxed)
    }

    #[getter]
    fn granted(&self) -> usize {
        self.granted.load(Ordering::Relaxed)
    }

    /// The flags of all requests.
    #[getter]
    fn asked(&self) -> Vec<c_int> {
        self.asked.lock().expect("no panic").clone()
    }

    unsafe fn __getbuffer__(slf: PyRefMut<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let py = slf.py();
        slf.asked.lock().expect("no panic").push(flags);
        if let Some(lent) = &slf.lends {
            // SAFETY: attached, with an object that is alive, and the consumer's own view.
            let status = unsafe { ffi::PyObject_GetBuffer(lent.as_ptr(), view, flags) };
            return if status == 0 { Ok(()) } else { Err(PyErr::fetch(py)) };
        }
        let array = |array: &Option<Vec<isize>>| array.as_ref().map_or(ptr::null_mut(), |it| it.as_ptr().cast_mut());
        let start = if slf.rows.is_empty() {
            (&raw const *slf.memory).cast::<u8>().wrapping_byte_offset(slf.offset).cast_mut()
        } else {
            slf.rows.as_ptr().cast_mut().cast()
        };
        let filled = ffi::Py_buffer {
            buf: if slf.null_buf { ptr::null_mut() } else { start.cast() },
            obj: if slf.null_obj { ptr::null_mut() } else { slf.as_ptr() },
            len: slf.len,
            itemsize: slf.itemsize,
            readonly: c_int::from(slf.readonly),
            ndim: slf.ndim,
            format: slf.format.as_ref().map_or(ptr::null_mut(), |format| format.as_ptr().cast_mut()),
            shape: array(&slf.shape),
            strides: array(&slf.strides),
            suboffsets: array(&slf.suboffsets),
            ..ffi::Py_buffer::new()
        };
        // SAFETY: the view is the consumer's own; its old fields may have any value.
        unsafe { view.write(filled) };
        // SAFETY: attached, with an object or NULL.
        unsafe { ffi::Py_XINCREF(filled.obj) };
        slf.granted.fetch_add(usize::from(!slf.null_obj), Ordering::Relaxed);
        if slf.raises {
            PyBufferError::new_err("raised by an exporter that has granted").restore(py);
        }
        Ok(())
    }

    unsafe fn __releasebuffer__(&self, py: Python<'_>, _view: *mut ffi::Py_buffer) {
        self.released.fetch_add(1, Ordering::Relaxed);
        if self.release_raises {
            PyKeyError::new_err("raised by a release").restore(py);
        }
    }
}

pub(super) fn add(consumer: &Bound<'_, PyModule>) -> PyResult<()> {
    consumer.add_class::<Liar>()
}
