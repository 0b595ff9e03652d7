//! A stand-in for the interpreter under Miri, which cannot run Python: the functions of the C API that views and cells
//! call.
//!
//! PyO3 declares those functions, and Miri resolves them to the definitions here. The definitions treat reference
//! counts, views and exceptions as CPython does, so that tests run this crate and PyO3 unchanged. Objects that are made
//! here export buffers through the slots that tests give them; the rest of the object model is missing.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};

use pyo3::{Bound, PyAny, Python, ffi};

/// An object with slots and a value. Dropping it checks that no other reference is left.
pub(crate) struct Object<T>(NonNull<Body<T>>);

#[repr(C)]
struct Body<T> {
    head: ffi::PyObject,
    value: T,
    class: ffi::PyTypeObject,
    slots: ffi::PyBufferProcs,
}

// SAFETY: only attached threads change the reference count; the slots of the test are responsible for any other access.
unsafe impl<T: Send> Send for Object<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Object<T> {}

impl<T> Object<T> {
    pub(crate) fn new(value: T, get: ffi::getbufferproc, release: ffi::releasebufferproc) -> Self {
        Self::with_flags(value, 0, ffi::PyBufferProcs { bf_getbuffer: Some(get), bf_releasebuffer: Some(release) })
    }

    fn with_flags(value: T, flags: std::ffi::c_ulong, slots: ffi::PyBufferProcs) -> Self {
        // SAFETY: all zeros is a valid type object: its fields are numbers, pointers (NULL) and optional functions
        // (`None`).
        let mut class: ffi::PyTypeObject = unsafe { std::mem::zeroed() };
        class.ob_base.ob_base = ffi::PyObject_HEAD_INIT;
        #[allow(clippy::useless_conversion, reason = "an atomic where there is no GIL")]
        {
            class.tp_flags = flags.into();
        }
        let object = Box::into_raw(Box::new(Body { head: ffi::PyObject_HEAD_INIT, value, class, slots }));
        // SAFETY: the object is new, and nothing else refers to it.
        unsafe { (*object).class.tp_as_buffer = &raw mut (*object).slots };
        // SAFETY: as above.
        unsafe { (*object).head.ob_type = &raw mut (*object).class };
        // SAFETY: the pointer of a Box is not null.
        Self(unsafe { NonNull::new_unchecked(object) })
    }

    pub(crate) fn as_ptr(&self) -> *mut ffi::PyObject {
        self.0.as_ptr().cast()
    }

    pub(crate) fn bind<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        // SAFETY: attached, as the token proves; the object is alive.
        unsafe { Bound::from_borrowed_ptr(py, self.as_ptr()) }
    }

    /// Replaces the value, and returns the old one. There are no references to the old value, but there may be views.
    pub(crate) fn replace(&mut self, value: T) -> T {
        // SAFETY: the object is alive, and this handle is exclusive.
        let place = unsafe { &raw mut (*self.0.as_ptr()).value };
        // SAFETY: as above.
        unsafe { place.replace(value) }
    }

    pub(crate) fn value(&self) -> &T {
        // SAFETY: the object is alive.
        unsafe { value_of(self.as_ptr()) }
    }
}

/// The value of an object, for its slots.
///
/// # Safety
///
/// The object is alive and has such a value.
pub(crate) unsafe fn value_of<'a, T>(object: *mut ffi::PyObject) -> &'a T {
    let body = object.cast::<Body<T>>();
    // SAFETY: as the caller vouches; nothing makes a `&mut` to the value.
    unsafe { &(*body).value }
}

impl<T> Drop for Object<T> {
    fn drop(&mut self) {
        // SAFETY: the object is alive.
        let count = unsafe { ffi::Py_REFCNT(self.as_ptr()) };
        // SAFETY: `with_flags` made it from a Box.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        if !std::thread::panicking() {
            assert_eq!(count, 1, "each reference was given back, and none twice");
        }
    }
}

/// An exception that a test may raise many times.
pub(crate) fn exception() -> Object<()> {
    let slots = ffi::PyBufferProcs { bf_getbuffer: None, bf_releasebuffer: None };
    Object::with_flags((), ffi::Py_TPFLAGS_BASE_EXC_SUBCLASS, slots)
}

/// The exception that `PyErr_NoMemory` sets, for comparison.
pub(crate) fn memory_error() -> *mut ffi::PyObject {
    static MEMORY_ERROR: OnceLock<Object<()>> = OnceLock::new();
    MEMORY_ERROR.get_or_init(exception).as_ptr()
}

/// Sets an exception. This thread is attached.
pub(crate) fn raise(exception: *mut ffi::PyObject) {
    // SAFETY: the caller keeps the exception alive.
    unsafe { ffi::Py_INCREF(exception) };
    // SAFETY: attached, and the reference is owned.
    unsafe { PyErr_SetRaisedException(exception) };
}

/// Takes the exception that is set on this thread. (`PyErr::take` would read a variable of libpython.)
pub(crate) fn take_raised(py: Python<'_>) -> Option<Bound<'_, PyAny>> {
    // SAFETY: an owned reference, or NULL.
    unsafe { Bound::from_owned_ptr_or_opt(py, PyErr_GetRaisedException()) }
}

/// Runs `work` while this thread is attached.
pub(crate) fn attached<R>(work: impl for<'py> FnOnce(Python<'py>) -> R) -> R {
    Python::attach(work)
}

/// Whether a thread holds the GIL. Both locks of this crate need it here: the GIL protects the objects' reference
/// counts.
static GIL: Mutex<bool> = Mutex::new(false);
static GIL_RELEASED: Condvar = Condvar::new();

thread_local! {
    /// Whether this thread is attached. Its address stands for the thread state.
    static ATTACHED: Cell<bool> = const { Cell::new(false) };
    /// The exception that is set, an owned reference or NULL.
    static RAISED: Cell<*mut ffi::PyObject> = const { Cell::new(ptr::null_mut()) };
}

fn attach() {
    if cfg!(not(Py_GIL_DISABLED)) {
        let gil = GIL.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gil = GIL_RELEASED.wait_while(gil, |taken| *taken).unwrap_or_else(PoisonError::into_inner);
        *gil = true;
    }
    ATTACHED.set(true);
}

fn detach() {
    ATTACHED.set(false);
    if cfg!(not(Py_GIL_DISABLED)) {
        *GIL.lock().unwrap_or_else(PoisonError::into_inner) = false;
        GIL_RELEASED.notify_one();
    }
}

fn thread_state() -> *mut c_void {
    ATTACHED.with(Cell::as_ptr).cast()
}

// The functions below are CPython's, whose documentation states the obligations of their callers.

#[unsafe(no_mangle)]
extern "C" fn Py_IsInitialized() -> c_int {
    1
}

#[unsafe(no_mangle)]
extern "C-unwind" fn PyGILState_Ensure() -> ffi::PyGILState_STATE {
    if ATTACHED.get() {
        return ffi::PyGILState_STATE::PyGILState_LOCKED;
    }
    attach();
    ffi::PyGILState_STATE::PyGILState_UNLOCKED
}

#[unsafe(no_mangle)]
extern "C" fn PyGILState_Release(before: ffi::PyGILState_STATE) {
    if before == ffi::PyGILState_STATE::PyGILState_UNLOCKED {
        detach();
    }
}

#[unsafe(no_mangle)]
extern "C" fn PyGILState_GetThisThreadState() -> *mut c_void {
    thread_state()
}

/// `PyThreadState_GetUnchecked` up to 3.12.
#[unsafe(no_mangle)]
extern "C" fn _PyThreadState_UncheckedGet() -> *mut c_void {
    PyThreadState_GetUnchecked()
}

#[unsafe(no_mangle)]
extern "C" fn PyThreadState_GetUnchecked() -> *mut c_void {
    if ATTACHED.get() { thread_state() } else { ptr::null_mut() }
}

#[unsafe(no_mangle)]
extern "C" fn PyEval_SaveThread() -> *mut c_void {
    detach();
    thread_state()
}

#[unsafe(no_mangle)]
extern "C" fn PyEval_RestoreThread(_thread: *mut c_void) {
    attach();
}

#[unsafe(no_mangle)]
unsafe extern "C" fn _Py_IncRef(object: *mut ffi::PyObject) {
    // SAFETY: as the caller vouches.
    unsafe { ffi::Py_INCREF(object) };
}

/// Never called: an object is freed by the drop of its `Object`.
#[unsafe(no_mangle)]
extern "C" fn _Py_Dealloc(_object: *mut ffi::PyObject) {
    unreachable!("a reference was given back that nobody had");
}

#[unsafe(no_mangle)]
extern "C" fn PyErr_Occurred() -> *mut ffi::PyObject {
    RAISED.get()
}

/// From 3.12 on.
#[unsafe(no_mangle)]
extern "C" fn PyErr_GetRaisedException() -> *mut ffi::PyObject {
    RAISED.replace(ptr::null_mut())
}

/// From 3.12 on.
#[unsafe(no_mangle)]
unsafe extern "C" fn PyErr_SetRaisedException(exception: *mut ffi::PyObject) {
    // SAFETY: an owned reference or NULL.
    unsafe { ffi::Py_XDECREF(RAISED.replace(exception)) };
}

/// Up to 3.11.
#[unsafe(no_mangle)]
unsafe extern "C" fn PyErr_Fetch(
    kind: *mut *mut ffi::PyObject,
    value: *mut *mut ffi::PyObject,
    traceback: *mut *mut ffi::PyObject,
) {
    let exception = PyErr_GetRaisedException();
    let class = if exception.is_null() {
        ptr::null_mut()
    } else {
        // SAFETY: the exception is alive.
        unsafe { ffi::Py_TYPE(exception) }.cast()
    };
    // SAFETY: the class lives as long as the exception.
    unsafe { ffi::Py_XINCREF(class) };
    // SAFETY: as the caller vouches.
    unsafe { *kind = class };
    // SAFETY: as above.
    unsafe { *value = exception };
    // SAFETY: as above.
    unsafe { *traceback = ptr::null_mut() };
}

/// Up to 3.11.
#[unsafe(no_mangle)]
unsafe extern "C" fn PyErr_Restore(kind: *mut ffi::PyObject, value: *mut ffi::PyObject, traceback: *mut ffi::PyObject) {
    assert!(traceback.is_null());
    // SAFETY: the caller hands over the references.
    unsafe { ffi::Py_XDECREF(kind) };
    // SAFETY: as above.
    unsafe { PyErr_SetRaisedException(value) };
}

/// Exceptions are never set by their class alone.
#[unsafe(no_mangle)]
extern "C" fn PyErr_NormalizeException(
    _kind: *mut *mut ffi::PyObject,
    _value: *mut *mut ffi::PyObject,
    _traceback: *mut *mut ffi::PyObject,
) {
}

#[unsafe(no_mangle)]
extern "C" fn PyException_GetTraceback(_exception: *mut ffi::PyObject) -> *mut ffi::PyObject {
    ptr::null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn PyErr_NoMemory() -> *mut ffi::PyObject {
    raise(memory_error());
    ptr::null_mut()
}

/// Always fails for lack of memory: an exception with a text would need its class, which is a variable of libpython.
#[unsafe(no_mangle)]
extern "C" fn PyUnicode_FromStringAndSize(_text: *const c_char, _len: ffi::Py_ssize_t) -> *mut ffi::PyObject {
    PyErr_NoMemory()
}

#[unsafe(no_mangle)]
extern "C" fn PyErr_WriteUnraisable(_object: *mut ffi::PyObject) {
    unreachable!("an exception came from a call that raises none");
}

#[unsafe(no_mangle)]
extern "C" fn Py_EnterRecursiveCall(_where: *const c_char) -> c_int {
    0
}

#[unsafe(no_mangle)]
extern "C" fn Py_LeaveRecursiveCall() {}

#[unsafe(no_mangle)]
unsafe extern "C" fn PyObject_CheckBuffer(object: *mut ffi::PyObject) -> c_int {
    // SAFETY: as the caller vouches.
    let slots = unsafe { slots(object) };
    c_int::from(slots.bf_getbuffer.is_some())
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn PyObject_GetBuffer(
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> c_int {
    // SAFETY: as the caller vouches.
    let get = unsafe { slots(object) }.bf_getbuffer.expect("the object was asked for it");
    // SAFETY: as the caller vouches.
    unsafe { get(object, view, flags) }
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn PyBuffer_Release(view: *mut ffi::Py_buffer) {
    // SAFETY: as the caller vouches.
    let object = unsafe { (*view).obj };
    if object.is_null() {
        return;
    }
    // SAFETY: a view owns a reference.
    if let Some(release) = unsafe { slots(object) }.bf_releasebuffer {
        // SAFETY: as the caller vouches.
        unsafe { release(object, view) };
    }
    // SAFETY: as the caller vouches.
    unsafe { (*view).obj = ptr::null_mut() };
    // SAFETY: the reference was the view's.
    unsafe { ffi::Py_DECREF(object) };
}

/// Fills a view as bytes, bytearray and mmap do: `shape` and `strides` point to fields of the view itself.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn PyBuffer_FillInfo(
    view: *mut ffi::Py_buffer,
    object: *mut ffi::PyObject,
    buf: *mut c_void,
    len: ffi::Py_ssize_t,
    readonly: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: as the caller vouches.
    unsafe { ffi::Py_INCREF(object) };
    let format = if flags & ffi::PyBUF_FORMAT == 0 { ptr::null() } else { c"B".as_ptr() };
    // SAFETY: only addresses in the view are computed.
    let (own_len, own_itemsize) = unsafe { own_numbers(view) };
    let filled = ffi::Py_buffer {
        buf,
        obj: object,
        len,
        itemsize: 1,
        readonly,
        ndim: 1,
        format: format.cast_mut(),
        shape: if flags & ffi::PyBUF_ND == 0 { ptr::null_mut() } else { own_len },
        strides: if flags & ffi::PyBUF_STRIDES == ffi::PyBUF_STRIDES { own_itemsize } else { ptr::null_mut() },
        ..ffi::Py_buffer::new()
    };
    // SAFETY: as the caller vouches.
    unsafe { view.write(filled) };
    0
}

/// The addresses of the fields `len` and `itemsize` of a view.
unsafe fn own_numbers(view: *mut ffi::Py_buffer) -> (*mut isize, *mut isize) {
    // SAFETY: as the caller vouches.
    let len = unsafe { &raw mut (*view).len };
    // SAFETY: as above.
    let itemsize = unsafe { &raw mut (*view).itemsize };
    (len, itemsize)
}

unsafe fn slots<'a>(object: *mut ffi::PyObject) -> &'a ffi::PyBufferProcs {
    // SAFETY: as the caller vouches.
    let class = unsafe { ffi::Py_TYPE(object) };
    // SAFETY: every object of this interpreter has a class of its own with slots.
    unsafe { &*(*class).tp_as_buffer }
}
