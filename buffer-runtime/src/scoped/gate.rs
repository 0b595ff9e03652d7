//! The gate between an object and the views of one block: it holds one view of the object, re-exports that view, and
//! counts the consumers.
//!
//! The object counts all its views, but not separately for each block. A gate counts those of one block. Slices of a
//! memoryview and numpy arrays of it share the request of the memoryview, which ends with the last of them.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyErr, PyTraverseError, PyVisit, ffi};

use super::Range;
use crate::error::ViewError;
use crate::exception::{ClassName, exception};
use crate::export::array::array_of;
use crate::layout::Facts;
use crate::limits::MAX_NDIM;
use crate::memory::push;
use crate::pending::raised;
use crate::request::{self, Flags, Refusal};
use crate::stable::{self, declared_by};
use crate::view::fixed::Fixed;
use crate::view::held::release_held;

/// 1. While `holders` is not 0, `held` is a granted view, and the exporter keeps its memory. The thread that decrements
///    `holders` to 0 releases the view.
/// 2. `held` has a fixed address, because an exporter may make its pointers point into the `Py_buffer` itself. `range`
///    has one too, because `shown` may point into it. After construction, only that release changes `held`, and nothing
///    changes `range`. No `&mut` to either is made.
/// 3. Only attached threads use the gate.
#[pyclass(frozen, module = "buffer_runtime", name = "ScopedMemory")]
pub(super) struct Gate {
    held: Fixed<ffi::Py_buffer>,
    /// The exported view: all of `held`, or a range of its bytes. `obj` and `internal` are NULL.
    shown: ffi::Py_buffer,
    facts: Facts,
    /// The extent and stride of a range. If there is a range, `shown` points to them.
    range: Option<Fixed<[isize; 2]>>,
    /// The number of requests that were granted and not released, plus one until the creator calls `leave`. Invariant
    /// 1.
    holders: AtomicUsize,
    /// Whether nobody changes the memory while `held` is granted.
    stable: bool,
    /// The function that releases `held`, if it is not `PyBuffer_Release`.
    release: Option<ffi::releasebufferproc>,
}

// SAFETY: its pointers point into its own allocations (invariant 2), or to memory that the exporter keeps for all
// attached threads (invariants 1 and 3).
unsafe impl Send for Gate {}
// SAFETY: as above; through a shared reference only the count changes, and `held` when the last holder releases it.
unsafe impl Sync for Gate {}

impl Gate {
    /// Views an object, or a range of its bytes. With `stable`, nobody changes the memory until the gate releases it.
    ///
    /// # Errors
    ///
    /// Whatever the object raises; `ValueError` if it does not have these bytes; `BufferError` if it cannot promise
    /// what `stable` demands.
    pub(super) fn new(object: &Bound<'_, PyAny>, range: Option<Range>, stable: bool) -> PyResult<Self> {
        let py = object.py();
        let flags = if range.is_some() { ffi::PyBUF_SIMPLE } else { ffi::PyBUF_FULL_RO };
        let held = Fixed::new(py, ffi::Py_buffer::new())?;
        let shown_range = range.map(|_| Fixed::new(py, [0, 1])).transpose()?;
        let release = if stable && !stable::is_bytes(object) {
            let Some(declared) = declared_by(object)? else {
                let class = ClassName::of(object)?;
                let text = format_args!(
                    "this '{class}' cannot promise that its memory does not change; view it without `stable`"
                );
                return Err(exception::<PyBufferError>(py, text));
            };
            // SAFETY: there is room for a view, which stays where it is. `release` releases it, once, by this function.
            Some(unsafe { declared.request(held.as_ptr(), flags) }?)
        } else {
            // SAFETY: attached, with an object that is alive and room for a view.
            if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), held.as_ptr(), flags) } != 0 {
                return Err(raised(py));
            }
            None
        };
        // SAFETY: the `Py_buffer` is initialised, and is not written while the view is held.
        let granted = unsafe { *held.as_ptr() };
        let shown = ffi::Py_buffer { obj: ptr::null_mut(), internal: ptr::null_mut(), ..granted };
        let facts = Facts {
            // As a range is: a request without flags is for bytes in one piece.
            c_contiguous: true,
            f_contiguous: true,
            readonly: shown.readonly != 0,
            indirect: !shown.suboffsets.is_null(),
        };
        let mut gate = Self { held, shown, facts, range: None, holders: AtomicUsize::new(1), stable, release };
        if PyErr::occurred(py) {
            // The exporter granted the view and also set an exception. If the view were used, that exception would
            // appear later, in unrelated code.
            return Err(raised(py));
        }
        if let Some(problem) = contradiction(&granted, range.is_none()) {
            let class = ClassName::of(object)?;
            let text = format_args!(
                "the buffer of this '{class}' contradicts itself: {problem}; this is a bug in its exporter"
            );
            return Err(exception::<PyBufferError>(py, text));
        }
        if let (Some(range), Some(shown)) = (range, shown_range) {
            gate.narrow(py, range, shown)?;
        } else {
            let is_contiguous = |order: u8| {
                // `c_char` is signed on some platforms, and unsigned on others.
                let order = c_char::from_ne_bytes([order]);
                // SAFETY: the view was granted; its fields are only read. It has arrays for its dimensions, as
                // `contradiction` has checked.
                unsafe { ffi::PyBuffer_IsContiguous(gate.held.as_ptr(), order) != 0 }
            };
            (gate.facts.c_contiguous, gate.facts.f_contiguous) = (is_contiguous(b'C'), is_contiguous(b'F'));
        }
        Ok(gate)
    }

    /// Restricts `shown` to a range of the bytes, in one dimension, with its extent and stride in `numbers`.
    fn narrow(&mut self, py: Python<'_>, Range { offset, length }: Range, numbers: Fixed<[isize; 2]>) -> PyResult<()> {
        for (name, number) in [("offset", Some(offset)), ("length", length)] {
            if let Some(number) = number.filter(|number| *number < 0) {
                let text = format_args!("{name} is {number}; it must not be negative");
                return Err(exception::<PyValueError>(py, text));
            }
        }
        let all = self.shown.len;
        if offset > all {
            let text = format_args!("offset is {offset}, but there are {all} bytes; it must be at most {all}");
            return Err(exception::<PyValueError>(py, text));
        }
        let left = all - offset;
        let length = length.unwrap_or(left);
        if length > left {
            let text = format_args!("length is {length}, but from offset {offset} on there are {left} of {all} bytes");
            return Err(exception::<PyValueError>(py, text));
        }
        // SAFETY: the allocation is this function's own, and no view points to it yet.
        unsafe { numbers.as_ptr().write([length, 1]) };
        self.shown = ffi::Py_buffer {
            buf: self.shown.buf.wrapping_byte_offset(offset),
            len: length,
            itemsize: 1,
            ndim: 1,
            format: c"B".as_ptr().cast_mut(),
            shape: numbers.as_ptr().cast(),
            strides: numbers.as_ptr().cast::<isize>().wrapping_add(1),
            suboffsets: ptr::null_mut(),
            ..self.shown
        };
        self.range = Some(numbers);
        self.facts.indirect = false;
        Ok(())
    }

    /// Moves the gate into a Python object. The caller makes the first request, and then calls `leave`.
    pub(super) fn into_object(self, py: Python<'_>) -> PyResult<Bound<'_, Self>> {
        Bound::new(py, self)
    }

    /// Whether the memory is held. Attached.
    pub(super) fn is_held(&self) -> bool {
        // Relaxed: no memory is accessed because of the result.
        self.holders.load(Ordering::Relaxed) > 0
    }

    /// Adds one holder. Returns `false` if there are no holders any more.
    fn enter(&self) -> bool {
        // Relaxed: an existing holder keeps the memory that is read afterwards, and the reference to this gate was
        // passed to this thread with synchronisation.
        self.holders
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |holders| (holders > 0).then(|| holders + 1))
            .is_ok()
    }

    /// Drops one holder; the last one releases the view.
    pub(super) fn leave(slf: &Bound<'_, Self>) {
        // Release and Acquire: all accesses of the other holders to the memory happen before its release.
        if slf.get().holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            Self::release_in_turn(slf);
        }
    }

    /// Releases the view now, or defers the release if `MAX_DEPTH` releases already run inside each other on this
    /// thread, as when a view of a view of a view ends. The outermost release runs the deferred ones at its end. So any
    /// number of nested releases uses a bounded amount of stack.
    fn release_in_turn(slf: &Bound<'_, Self>) {
        let py = slf.py();
        let waits = DEPTH.get() >= MAX_DEPTH
            // If the thread is ending, or there is no memory, the release is not deferred.
            && WAITING
                .try_with(|waiting| push(&mut waiting.borrow_mut(), slf.clone().unbind()))
                .is_ok_and(|waits| waits.is_ok());
        if waits {
            return;
        }
        let release = |gate: &Self| {
            DEPTH.set(DEPTH.get() + 1);
            gate.release(py);
            DEPTH.set(DEPTH.get() - 1);
        };
        release(slf.get());
        if DEPTH.get() == 0 {
            while let Ok(Some(gate)) = WAITING.try_with(|waiting| waiting.borrow_mut().pop()) {
                release(gate.get());
            }
        }
    }

    /// Releases the view. Only the last holder calls this, once.
    fn release(&self, py: Python<'_>) {
        // SAFETY: the view was granted, and is released only here (invariant 1), by the function that belongs to it.
        unsafe { release_held(py, self.held.as_ptr(), self.release) };
    }
}

/// Why no consumer can read a view: there is no address, nothing that keeps it, or no arrays of a valid length. The arrays
/// matter only to a consumer that shows the `whole`.
fn contradiction(granted: &ffi::Py_buffer, whole: bool) -> Option<&'static str> {
    if granted.buf.is_null() && granted.len != 0 {
        return Some("its buf is NULL, and its len is not 0");
    }
    if granted.obj.is_null() {
        return Some("its obj is NULL, so nothing keeps its memory");
    }
    if !whole {
        return None;
    }
    if !usize::try_from(granted.ndim).is_ok_and(|ndim| ndim <= MAX_NDIM) {
        return Some("its ndim is not in 0..=64");
    }
    // A NULL shape of one dimension means all of the bytes.
    let lacks_shape = granted.shape.is_null() && (granted.ndim > 1 || granted.ndim == 1 && !granted.strides.is_null());
    lacks_shape.then_some("its shape is NULL")
}

/// How deep releases may nest. Without optimisation, a level uses some kilobytes of stack, and the stack of a thread
/// may have no more than a hundred kilobytes.
const MAX_DEPTH: usize = 15;

thread_local! {
    /// The number of releases that run inside each other on this thread.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// Releases deferred to the end of the outermost release.
    static WAITING: RefCell<Vec<Py<Gate>>> = const { RefCell::new(Vec::new()) };
}

#[pymethods]
impl Gate {
    /// # Safety
    ///
    /// As CPython calls it: `view` is NULL or may be written.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            let text = "a view was requested into a NULL Py_buffer; pass the address of one";
            return Err(exception::<PyBufferError>(slf.py(), text));
        }
        // Set first, so that `obj` is NULL after every refusal.
        // SAFETY: a view that is not NULL is the caller's `Py_buffer`; its old contents do not matter.
        unsafe { (*view).obj = ptr::null_mut() };
        let gate = slf.get();
        let answer = request::answer(Flags(flags), gate.facts).map_err(ViewError::from)?;
        if Flags(flags).is_stable() && !gate.stable {
            return Err(ViewError::from(Refusal::Unstable).into());
        }
        if !gate.enter() {
            let text = "cannot grant a view: the block that it belonged to has ended; view the object itself";
            return Err(exception::<PyBufferError>(slf.py(), text));
        }
        let given = |wanted, array: *mut isize| if wanted { array } else { ptr::null_mut() };
        let shown = &gate.shown;
        let granted = ffi::Py_buffer {
            ndim: if answer.shape() { shown.ndim } else { 1 },
            format: if answer.format() { shown.format } else { ptr::null_mut() },
            shape: given(answer.shape(), shown.shape),
            strides: given(answer.strides(), shown.strides),
            obj: slf.clone().into_ptr(),
            ..*shown
        };
        // SAFETY: as above.
        unsafe { *view = granted };
        Ok(())
    }

    /// # Safety
    ///
    /// As CPython calls it: with a view of this object. The class is final, so no subclass can grant a view of its own.
    unsafe fn __releasebuffer__(slf: &Bound<'_, Self>, _view: *mut ffi::Py_buffer) {
        Self::leave(slf);
    }

    /// Without this method, numpy would make an array with this object as its only item.
    #[pyo3(signature = (*args, **kwargs))]
    fn __array__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        array_of(slf.as_any(), args, kwargs)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: `held` is the gate's own; while the collector runs, no other thread changes it.
        let object = unsafe { &raw const (*self.held.as_ptr()).obj };
        // SAFETY: `obj` is NULL or an owned reference to an object, and `Option<Py<PyAny>>` has the same layout.
        let object = unsafe { &*object.cast::<Option<Py<PyAny>>>() };
        visit.call(object)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // A counted holder keeps the object alive. So this gate never became an object, or a reference to its object
        // was dropped without `leave`.
        if *self.holders.get_mut() > 0 {
            // SAFETY: invariant 3.
            self.release(unsafe { Python::assume_attached() });
        }
    }
}
