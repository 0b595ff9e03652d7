//! Exporters of other code: classes with slots written by hand, which may be bases beside our classes.

use std::ffi::{c_int, c_uint};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

/// The bytes that they export.
static BYTES: [u8; 7] = *b"foreign";
/// How often views of the class with a release slot were released.
static RELEASES: AtomicUsize = AtomicUsize::new(0);

/// # Safety
///
/// As for `bf_getbuffer`.
unsafe extern "C" fn getbuffer(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer, flags: c_int) -> c_int {
    let bytes = (&raw const BYTES).cast_mut().cast();
    // SAFETY: as the caller vouches; the bytes are exported read-only.
    unsafe { ffi::PyBuffer_FillInfo(view, slf, bytes, 7, 1, flags) }
}

/// As `getbuffer`, but stores a value of its own in `internal`: an aligned address, as C code might.
///
/// # Safety
///
/// As for `bf_getbuffer`.
unsafe extern "C" fn getbuffer_with_internal(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> c_int {
    // SAFETY: as the caller vouches.
    let status = unsafe { getbuffer(slf, view, flags) };
    if status == 0 {
        // SAFETY: the view was just filled.
        unsafe { (*view).internal = (&raw const RELEASES).cast_mut().cast() };
    }
    status
}

unsafe extern "C" fn releasebuffer(_slf: *mut ffi::PyObject, _view: *mut ffi::Py_buffer) {
    RELEASES.fetch_add(1, Ordering::Relaxed);
}

/// Makes a class without fields, so that any class may be a base beside it.
fn class<'py>(edges: &Bound<'py, PyModule>, name: &'static str, slots: &mut [ffi::PyType_Slot]) -> PyResult<()> {
    let py: Python<'py> = edges.py();
    let full_name = std::ffi::CString::new(format!("buffer_tests_ext.edges.{name}"))?;
    let mut spec = ffi::PyType_Spec {
        // Leaked, since the class may keep the pointer for ever.
        name: full_name.into_raw(),
        #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a few words")]
        basicsize: size_of::<ffi::PyObject>() as c_int,
        itemsize: 0,
        #[expect(clippy::cast_possible_truncation, reason = "both flags are among the lower 32 bits")]
        flags: (ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_BASETYPE) as c_uint,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: attached, with a valid specification whose slots end in a zero.
    let class = unsafe { ffi::PyType_FromSpec(&raw mut spec) };
    // SAFETY: an owned reference, or NULL with an exception set.
    let class = unsafe { Bound::from_owned_ptr_or_err(py, class) }?;
    edges.add(name, class)
}

const GET: ffi::PyType_Slot =
    ffi::PyType_Slot { slot: ffi::Py_bf_getbuffer, pfunc: getbuffer as ffi::getbufferproc as *mut _ };
const GET_WITH_INTERNAL: ffi::PyType_Slot =
    ffi::PyType_Slot { slot: ffi::Py_bf_getbuffer, pfunc: getbuffer_with_internal as ffi::getbufferproc as *mut _ };
const RELEASE: ffi::PyType_Slot =
    ffi::PyType_Slot { slot: ffi::Py_bf_releasebuffer, pfunc: releasebuffer as ffi::releasebufferproc as *mut _ };
const END: ffi::PyType_Slot = ffi::PyType_Slot { slot: 0, pfunc: ptr::null_mut() };

/// How often a foreign view was released by its own exporter.
#[pyfunction]
fn foreign_releases() -> usize {
    RELEASES.load(Ordering::Relaxed)
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    class(edges, "ForeignWithoutRelease", &mut [GET, END])?;
    class(edges, "ForeignWithInternal", &mut [GET_WITH_INTERNAL, END])?;
    class(edges, "ForeignWithRelease", &mut [GET, RELEASE, END])?;
    edges.add_function(wrap_pyfunction!(foreign_releases, edges)?)
}
