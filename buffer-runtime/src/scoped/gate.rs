//! What stands between an object and the views of one block: it holds one view, and exports that again under its own count.
//!
//! The object knows its views, but not which of them came from which block. A gate knows those of one: slices of a memoryview
//! and numpy arrays share its one request, which ends with the last of them.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_int};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyErr, PyTraverseError, PyVisit, ffi};

use super::Range;
use crate::contain::release_held;
use crate::error::ViewError;
use crate::exception::exception;
use crate::export::array::array_of;
use crate::layout::Facts;
use crate::memory::push;
use crate::pending::raised;
use crate::request::{self, Flags};
use crate::view::fixed::Fixed;

/// 1. While `holders` is not 0, `held` is a granted view, which the exporter keeps; whoever takes it to 0 releases it.
/// 2. `held` has a fixed address, since exporters may let its pointers lead into itself; so has `range`, for the same reason.
///    Neither is changed but by that release, and no `&mut` to either is made.
/// 3. Attached threads alone use it.
#[pyclass(frozen, module = "buffer_runtime", name = "ScopedMemory")]
pub(super) struct Gate {
    held: Fixed<ffi::Py_buffer>,
    /// What is exported: all that is held, or a range of its bytes. `obj` and `internal` are NULL.
    shown: ffi::Py_buffer,
    facts: Facts,
    /// Extent and stride of a range, where `shown` points to them.
    range: Fixed<[isize; 2]>,
    /// How many requests were granted and not released, and one more until the first of them. Invariant 1.
    holders: AtomicUsize,
}

// SAFETY: what it points to is its own (invariant 2) or kept by the exporter for any thread that is attached (invariants 1, 3).
unsafe impl Send for Gate {}
// SAFETY: as above; nothing is changed through a shared reference but the count, and by its last holder.
unsafe impl Sync for Gate {}

impl Gate {
    /// Views an object, or those of its bytes.
    ///
    /// # Errors
    ///
    /// What the object raises; `ValueError` where it has no such bytes.
    pub(super) fn new(object: &Bound<'_, PyAny>, range: Option<Range>) -> PyResult<Self> {
        let py = object.py();
        let flags = if range.is_some() { ffi::PyBUF_SIMPLE } else { ffi::PyBUF_FULL_RO };
        let held = Fixed::new(py, ffi::Py_buffer::new())?;
        let range_shown = Fixed::new(py, [0, 1])?;
        // SAFETY: attached, with an object that is alive and room for a view.
        if unsafe { ffi::PyObject_GetBuffer(object.as_ptr(), held.as_ptr(), flags) } != 0 {
            return Err(raised(py));
        }
        // SAFETY: it is initialised, and nobody writes it while it is held.
        let granted = unsafe { *held.as_ptr() };
        let shown = ffi::Py_buffer { obj: ptr::null_mut(), internal: ptr::null_mut(), ..granted };
        let is_contiguous = |order: u8| {
            // With a sign on some platforms, and without one on others.
            let order = c_char::from_ne_bytes([order]);
            // SAFETY: the view was granted; its fields are only read.
            unsafe { ffi::PyBuffer_IsContiguous(held.as_ptr(), order) != 0 }
        };
        let facts = Facts {
            ndim: usize::try_from(shown.ndim).unwrap_or(0),
            c_contiguous: is_contiguous(b'C'),
            f_contiguous: is_contiguous(b'F'),
            readonly: shown.readonly != 0,
            indirect: !shown.suboffsets.is_null(),
        };
        let mut gate = Self { held, shown, facts, range: range_shown, holders: AtomicUsize::new(1) };
        if let Some(range) = range {
            gate.narrow(py, range)?;
        }
        if PyErr::occurred(py) {
            // Granted and refused at once: whoever goes on has an exception that comes from nowhere.
            return Err(raised(py));
        }
        Ok(gate)
    }

    /// Shows a range of what is held, which is bytes in one dimension.
    fn narrow(&mut self, py: Python<'_>, Range { offset, length }: Range) -> PyResult<()> {
        for (name, number) in [("offset", Some(offset)), ("length", length)] {
            if let Some(number) = number.filter(|number| *number < 0) {
                let text = format_args!("{name} is {number}; it must not be negative");
                return Err(exception::<PyValueError>(py, text));
            }
        }
        let all = self.shown.len;
        if offset > all {
            let text = format_args!("offset is {offset}, but there are {all} bytes; the end is {all}");
            return Err(exception::<PyValueError>(py, text));
        }
        let left = all - offset;
        let length = length.unwrap_or(left);
        if length > left {
            let text = format_args!("length is {length}, but from offset {offset} on there are {left} of {all} bytes");
            return Err(exception::<PyValueError>(py, text));
        }
        // SAFETY: the range is the gate's own, and nobody else has it yet.
        unsafe { self.range.as_ptr().write([length, 1]) };
        self.shown = ffi::Py_buffer {
            buf: self.shown.buf.wrapping_byte_offset(offset),
            len: length,
            itemsize: 1,
            ndim: 1,
            format: c"B".as_ptr().cast_mut(),
            shape: self.range.as_ptr().cast(),
            strides: self.range.as_ptr().cast::<isize>().wrapping_add(1),
            suboffsets: ptr::null_mut(),
            ..self.shown
        };
        self.facts = Facts { ndim: 1, c_contiguous: true, f_contiguous: true, indirect: false, ..self.facts };
        Ok(())
    }

    /// As a Python object, which the first request holds in the place of who made it.
    pub(super) fn into_object(self, py: Python<'_>) -> PyResult<Bound<'_, Self>> {
        Bound::new(py, self)
    }

    /// Whether anybody holds the memory. Attached.
    pub(super) fn is_held(&self) -> bool {
        // Relaxed: nothing is read on the strength of this.
        self.holders.load(Ordering::Relaxed) > 0
    }

    /// One more holds the memory, unless nobody does any more.
    fn enter(&self) -> bool {
        // Relaxed: one who holds it keeps what is read afterwards, and was told of it in order.
        self.holders
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |holders| (holders > 0).then(|| holders + 1))
            .is_ok()
    }

    /// One holds it no more, the last of whom releases it.
    pub(super) fn leave(slf: &Bound<'_, Self>) {
        // Release and Acquire: what all others did with the memory happens before it is released.
        if slf.get().holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            Self::release_in_turn(slf);
        }
    }

    /// Releases, unless too many releases are running one inside the other, as where a view of a view of a view ends: then
    /// the outermost of them does it at its end, so that any number of them takes so much stack and no more.
    fn release_in_turn(slf: &Bound<'_, Self>) {
        let py = slf.py();
        let waits = DEPTH.get() == MAX_DEPTH
            // Not where the thread is ending, or where there is no memory.
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

    /// By the last holder, once.
    fn release(&self, py: Python<'_>) {
        // SAFETY: the view was granted, and is released here only (invariant 1).
        unsafe { release_held(py, self.held.as_ptr()) };
    }
}

/// How deep releases may nest. A level takes some kilobytes where nothing is optimised, and a thread may have no more than a
/// hundred of them.
const MAX_DEPTH: usize = 15;

thread_local! {
    /// How many releases are running one inside the other.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// Whose turn is at the end of the outermost.
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
        // Whatever comes, a refusal leaves NULL here.
        // SAFETY: a view that is not NULL is the caller's `Py_buffer`, whatever is in it.
        unsafe { (*view).obj = ptr::null_mut() };
        let gate = slf.get();
        let answer = request::answer(Flags(flags), gate.facts).map_err(ViewError::from)?;
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
    /// As CPython calls it: with a view of this object. It is final, so that no other class brings a view of its own.
    unsafe fn __releasebuffer__(slf: &Bound<'_, Self>, _view: *mut ffi::Py_buffer) {
        Self::leave(slf);
    }

    /// Where numpy would make an array of one object.
    #[pyo3(signature = (*args, **kwargs))]
    fn __array__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        array_of(slf.as_any(), args, kwargs)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: it is the gate's own; the collector runs while no other thread changes it.
        let object = unsafe { &raw const (*self.held.as_ptr()).obj };
        // SAFETY: what a Py_buffer owns, if anything, is a reference like this one: a pointer that is NULL or an object's.
        let object = unsafe { &*object.cast::<Option<Py<PyAny>>>() };
        visit.call(object)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // Who holds it keeps the object alive; so this is one that never became an object, or was let go of.
        if *self.holders.get_mut() > 0 {
            // SAFETY: invariant 3.
            self.release(unsafe { Python::assume_attached() });
        }
    }
}
