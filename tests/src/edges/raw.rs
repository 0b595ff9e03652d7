//! Requests and releases as C code makes them: one `Py_buffer`, many of them, with an exception pending, or edited.

use std::ffi::c_int;
use std::ptr;
use std::thread;

use pyo3::exceptions::{PyAssertionError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

/// What is in `obj` before a request, to check what a refusal stores there.
const GARBAGE: usize = 0x5ca1_ab1e;

/// A `Py_buffer` and what it points to, both owned by this value, on any thread.
pub(super) struct Buffer(pub(super) ffi::Py_buffer);

// SAFETY: a Py_buffer is not bound to a thread; it is released while attached.
unsafe impl Send for Buffer {}
// SAFETY: it is only read through a shared reference.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Requests a view. If the request is refused, an exception is set.
    pub(super) fn request(object: &Bound<'_, PyAny>, flags: c_int) -> Option<Self> {
        let mut view = ffi::Py_buffer::new();
        view.obj = ptr::without_provenance_mut(GARBAGE);
        // SAFETY: attached, with an object and room for a view.
        let status = unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut view, flags) };
        if status == 0 {
            return Some(Self(view));
        }
        assert!(view.obj.is_null(), "a refusal leaves something in view->obj");
        None
    }

    /// Releases the view. The thread is attached.
    pub(super) fn release(mut self, _py: Python<'_>) {
        // SAFETY: attached, and the view was granted and not released before.
        unsafe { ffi::PyBuffer_Release(&raw mut self.0) };
    }

    pub(super) fn data(&self) -> *mut u8 {
        self.0.buf.cast()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len.unsigned_abs()
    }
}

/// One view, as C code holds it.
#[pyclass]
struct RawView {
    held: Option<Buffer>,
}

impl RawView {
    fn buffer(&self) -> PyResult<&Buffer> {
        self.held.as_ref().ok_or_else(|| PyValueError::new_err("released"))
    }
}

#[pymethods]
impl RawView {
    #[getter]
    fn readonly(&self) -> PyResult<bool> {
        Ok(self.buffer()?.0.readonly != 0)
    }

    #[getter]
    fn ndim(&self) -> PyResult<i32> {
        Ok(self.buffer()?.0.ndim)
    }

    #[getter]
    fn shape(&self) -> PyResult<Option<Vec<isize>>> {
        let view = &self.buffer()?.0;
        let axes = view.ndim.unsigned_abs() as usize;
        // SAFETY: a shape that is not NULL has `ndim` extents.
        Ok((!view.shape.is_null()).then(|| unsafe { std::slice::from_raw_parts(view.shape, axes) }.to_vec()))
    }

    fn tobytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let buffer = self.buffer()?;
        // SAFETY: a contiguous view has `len` bytes at `buf` while it is held.
        Ok(PyBytes::new(py, unsafe { std::slice::from_raw_parts(buffer.data(), buffer.len()) }))
    }

    /// Overwrites every field that a consumer may change: all but `obj` and `internal`.
    fn scribble(&mut self) -> PyResult<()> {
        let view = &mut self.held.as_mut().ok_or_else(|| PyValueError::new_err("released"))?.0;
        view.buf = ptr::null_mut();
        view.len = -1;
        view.itemsize = 0;
        view.readonly ^= 1;
        view.ndim = 77;
        view.format = ptr::null_mut();
        view.shape = ptr::null_mut();
        view.strides = ptr::null_mut();
        view.suboffsets = ptr::without_provenance_mut(GARBAGE);
        Ok(())
    }

    fn release(&mut self, py: Python<'_>) {
        if let Some(buffer) = self.held.take() {
            buffer.release(py);
        }
    }

    /// Releases on a thread whose state was made here, as programs that embed Python do. CPython's own record of the
    /// threads' states may not contain this state.
    fn release_on_embedders_thread(&mut self, py: Python<'_>) -> PyResult<()> {
        /// A thread state, to be sent to the thread that will use it.
        struct State(*mut ffi::PyThreadState);
        // SAFETY: no other thread uses it.
        unsafe impl Send for State {}

        let Some(buffer) = self.held.take() else { return Err(PyValueError::new_err("released")) };
        // SAFETY: attached.
        let interpreter = unsafe { ffi::PyInterpreterState_Get() };
        // SAFETY: attached, with the interpreter of this thread.
        let state = State(unsafe { ffi::PyThreadState_New(interpreter) });
        let thread = thread::spawn(move || {
            // Makes the closure capture both values, not only the raw pointers in them.
            let (state, mut buffer) = (state, buffer);
            // SAFETY: the state is new, and no thread uses it.
            unsafe { ffi::PyEval_AcquireThread(state.0) };
            // SAFETY: attached now, and the view was not released before.
            unsafe { ffi::PyBuffer_Release(&raw mut buffer.0) };
            // SAFETY: attached, and the state is not needed any more.
            unsafe { ffi::PyThreadState_Clear(state.0) };
            // SAFETY: attached with this state.
            unsafe { ffi::PyEval_ReleaseThread(state.0) };
            // SAFETY: cleared, and no thread uses it any more.
            unsafe { ffi::PyThreadState_Delete(state.0) };
        });
        py.detach(|| thread.join()).expect("releasing does not panic");
        Ok(())
    }

    /// Releases with `error` pending, and returns the exception that is pending afterwards.
    fn release_with_pending<'py>(&mut self, error: Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        let py = error.py();
        PyErr::from_value(error).restore(py);
        self.release(py);
        pending(py)
    }

    /// The same, with the last of `deferred` waiting in PyO3's pool.
    fn release_with_pending_and_deferred<'py>(
        &mut self,
        error: Bound<'py, PyAny>,
        deferred: &Bound<'py, PyList>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        defer_last(deferred)?;
        Ok(self.release_with_pending(error))
    }
}

impl Drop for RawView {
    fn drop(&mut self) {
        if let Some(buffer) = self.held.take() {
            Python::attach(|py| buffer.release(py));
        }
    }
}

/// Takes the exception that is set.
fn pending(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    PyErr::take(py).map(|error| error.into_value(py).into_bound(py).into_any())
}

/// Requests a view. If it is refused, raises the exception that was set.
#[pyfunction]
fn request(object: &Bound<'_, PyAny>, flags: c_int) -> PyResult<RawView> {
    let py = object.py();
    match Buffer::request(object, flags) {
        None => Err(PyErr::fetch(py)),
        Some(buffer) if PyErr::occurred(py) => {
            drop(PyErr::take(py));
            buffer.release(py);
            Err(PyAssertionError::new_err("granted, and an exception is set"))
        }
        granted => Ok(RawView { held: granted }),
    }
}

/// The view, if it was granted, and the exception that is pending afterwards.
type Answered<'py> = (Option<RawView>, Option<Bound<'py, PyAny>>);

/// Requests a view with `error` pending.
#[pyfunction]
fn request_with_pending<'py>(object: &Bound<'py, PyAny>, flags: c_int, error: Bound<'py, PyAny>) -> Answered<'py> {
    let py = object.py();
    PyErr::from_value(error).restore(py);
    let granted = Buffer::request(object, flags);
    (granted.map(|buffer| RawView { held: Some(buffer) }), pending(py))
}

/// Puts the last object of a list into PyO3's pool, where references that are dropped on a detached thread wait for an
/// attached thread.
fn defer_last(list: &Bound<'_, PyList>) -> PyResult<()> {
    let object = list.call_method0("pop")?.unbind();
    thread::spawn(move || drop(object)).join().expect("dropping a reference does not panic");
    Ok(())
}

/// The same, with the last of `deferred` waiting in PyO3's pool.
#[pyfunction]
fn request_with_pending_and_deferred<'py>(
    object: &Bound<'py, PyAny>,
    flags: c_int,
    error: Bound<'py, PyAny>,
    deferred: &Bound<'py, PyList>,
) -> PyResult<Answered<'py>> {
    defer_last(deferred)?;
    Ok(request_with_pending(object, flags, error))
}

/// Makes a request that will be refused, then another one while the exception of the refusal is pending.
#[pyfunction]
fn request_twice<'py>(object: &Bound<'py, PyAny>, first: c_int, second: c_int) -> PyResult<Answered<'py>> {
    if let Some(buffer) = Buffer::request(object, first) {
        buffer.release(object.py());
        return Err(PyAssertionError::new_err("the first request was granted"));
    }
    let granted = Buffer::request(object, second);
    Ok((granted.map(|buffer| RawView { held: Some(buffer) }), pending(object.py())))
}

/// Calls the slot itself with a NULL view.
#[pyfunction]
fn request_into_null(object: &Bound<'_, PyAny>) -> PyResult<()> {
    let class = object.get_type_ptr();
    // SAFETY: attached; the slots of any class may be read.
    let slot = unsafe { ffi::PyType_GetSlot(class, ffi::Py_bf_getbuffer) };
    assert!(!slot.is_null(), "not an exporter");
    // SAFETY: this slot has this type.
    let getbuffer: ffi::getbufferproc = unsafe { std::mem::transmute(slot) };
    // SAFETY: attached, with an object of the class; the view may be NULL.
    match unsafe { getbuffer(object.as_ptr(), ptr::null_mut(), 0) } {
        0 => Ok(()),
        _ => Err(PyErr::fetch(object.py())),
    }
}

/// Gets and releases `count` views, one after the other.
#[pyfunction]
fn pairs(object: &Bound<'_, PyAny>, count: usize, flags: c_int) -> PyResult<()> {
    for _ in 0..count {
        let Some(buffer) = Buffer::request(object, flags) else { return Err(PyErr::fetch(object.py())) };
        buffer.release(object.py());
    }
    Ok(())
}

/// Many views of one object at once.
#[pyclass]
struct Crowd {
    views: Vec<Buffer>,
}

#[pymethods]
impl Crowd {
    /// Makes room for `capacity` views, touching the memory.
    #[new]
    fn new(capacity: usize) -> Self {
        let mut views: Vec<Buffer> = (0..capacity).map(|_| Buffer(ffi::Py_buffer::new())).collect();
        views.clear();
        Self { views }
    }

    fn __len__(&self) -> usize {
        self.views.len()
    }

    /// Gets as many views as there is room for.
    fn fill(&mut self, object: &Bound<'_, PyAny>, flags: c_int) -> PyResult<()> {
        while self.views.len() < self.views.capacity() {
            let Some(buffer) = Buffer::request(object, flags) else { return Err(PyErr::fetch(object.py())) };
            self.views.push(buffer);
        }
        Ok(())
    }

    /// Releases some, the first ones first.
    fn release(&mut self, py: Python<'_>, count: usize) {
        self.views.drain(..count).for_each(|buffer| buffer.release(py));
    }
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_class::<RawView>()?;
    edges.add_class::<Crowd>()?;
    edges.add_function(wrap_pyfunction!(request, edges)?)?;
    edges.add_function(wrap_pyfunction!(request_with_pending, edges)?)?;
    edges.add_function(wrap_pyfunction!(request_with_pending_and_deferred, edges)?)?;
    edges.add_function(wrap_pyfunction!(request_twice, edges)?)?;
    edges.add_function(wrap_pyfunction!(request_into_null, edges)?)?;
    edges.add_function(wrap_pyfunction!(pairs, edges)?)
}
