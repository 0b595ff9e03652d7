//! Views for one block of Python code: `with m.view() as v:`.
//!
//! A `memoryview` ends when the last reference to it is dropped. In Python that is often later than expected: a `with`
//! variable outlives its block. A scoped view ends with its block. If a consumer still holds the memory then, the end
//! of the block raises an error.

mod gate;

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyBufferError, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyMemoryView, PyTuple};
use pyo3::{PyTraverseError, PyTypeInfo, PyVisit, ffi};

use self::gate::Gate;
use crate::classes::make_class;
use crate::exception::{ClassName, exception};
use crate::export::array::memoryview;
use crate::lookup::attribute;
use crate::pending::owned;

/// A view of an object that ends with a `with` block, even if variables still refer to it. In the `#[pymethods]` of a
/// class:
///
/// ```
/// use buffer_runtime::{ExportBuffer, ExportCell, ScopedView};
/// use pyo3::prelude::*;
///
/// #[derive(ExportBuffer)]
/// #[pyclass(frozen)]
/// struct Samples {
///     data: ExportCell<Vec<f64>>,
/// }
///
/// #[pymethods]
/// impl Samples {
///     fn view(slf: Bound<'_, Self>) -> PyResult<ScopedView> {
///         ScopedView::new(slf.as_any())
///     }
/// }
/// ```
///
/// In Python:
///
/// ```text
/// with m.view() as v:      # v is a memoryview
///     v[0] = 1.0
/// m.append(2.0)            # is not refused, although the variable v still exists
/// v[0]                     # ValueError: operation forbidden on released memoryview object
/// ```
///
/// The object is viewed from the beginning of the block to its end: a `ScopedView` that is not entered locks nothing.
/// After its block has ended, it may be entered again, and then views the object anew. It cannot be entered inside its
/// block.
///
/// # If a consumer outlives the block
///
/// A slice of `v`, a numpy array of it or any other consumer may outlive the block. Then the end of the block raises
/// `BufferError`, and the memory stays locked until these consumers are dropped. If the block itself has raised, its
/// exception is the `__context__` of the `BufferError`, as with a `contextlib.closing` that fails. A consumer that
/// holds `v` and not only its memory (such as `pickle.PickleBuffer(v)`) prevents the release of `v` itself, as with any
/// `memoryview`. After that consumer is dropped, the memory is unlocked by `v.release()`, or when the last reference to
/// `v` is dropped.
///
/// `v.obj` is not the object. It is an object between `v` and the object, and counts the consumers of the memory.
#[pyclass(frozen, module = "buffer_runtime")]
#[derive(Debug)]
#[must_use = "a scoped view locks nothing before Python enters it; return it to Python, for a `with` block"]
pub struct ScopedView {
    object: Py<PyAny>,
    range: Option<Range>,
    stable: bool,
    /// The view while the block runs. The mutex is locked only briefly, and no Python code runs meanwhile.
    entered: Mutex<Option<Entered>>,
}

/// A range of an object's bytes.
#[derive(Debug, Clone, Copy)]
struct Range {
    offset: isize,
    /// `None` for all bytes after `offset` that exist when the block begins.
    length: Option<isize>,
}

#[derive(Debug)]
struct Entered {
    view: Py<PyMemoryView>,
    gate: Py<Gate>,
}

impl ScopedView {
    /// Makes a view of the whole object, as `memoryview(object)` does. The view begins with the block.
    ///
    /// # Errors
    ///
    /// `TypeError` if the object exports no buffer. If the object refuses the view, its exception is raised when the
    /// block begins; `BufferError` if it grants a view without an address, an owner or a shape.
    pub fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        // SAFETY: attached, as the object proves, and the object is alive.
        if unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) } == 0 {
            let class = ClassName::of(object)?;
            let text = format_args!("a bytes-like object is required, not '{class}'");
            return Err(exception::<PyTypeError>(object.py(), text));
        }
        let py = object.py();
        release_method(py)?;
        Ok(Self { object: object.clone().unbind(), range: None, stable: false, entered: Mutex::new(None) })
    }

    /// Makes a view of the whole object whose bytes nobody changes until the block ends. The memoryview is read-only,
    /// and so are numpy arrays of it. Until then the object refuses everything that writes, as it does for a
    /// [`StableView`](crate::StableView).
    ///
    /// ```
    /// # use buffer_runtime::{ExportBuffer, ExportCell, ScopedView};
    /// # use pyo3::prelude::*;
    /// # #[derive(ExportBuffer)]
    /// # #[pyclass(frozen)]
    /// # struct Samples { data: ExportCell<Vec<f64>> }
    /// #[pymethods]
    /// impl Samples {
    ///     /// In Python: `with samples.view(stable=True) as v:`
    ///     #[pyo3(signature = (*, stable = false))]
    ///     fn view(slf: Bound<'_, Self>, stable: bool) -> PyResult<ScopedView> {
    ///         if stable { ScopedView::stable(slf.as_any()) } else { ScopedView::new(slf.as_any()) }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new). When the block begins, `BufferError` is raised if the object cannot promise this, or
    /// if a writable view is alive.
    pub fn stable(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { stable: true, ..Self::new(object)? })
    }

    /// Makes a view of `length` bytes of an object from `offset` on, for items of any type: a `memoryview` of format
    /// `B` in one dimension. The view begins with the block. Without a length, it views all bytes from `offset` on that
    /// exist when the block begins; if the object has become longer or shorter since this call, their number differs.
    ///
    /// # Errors
    ///
    /// `ValueError` if the object does not have these bytes, and `TypeError` if it exports no buffer. To check this,
    /// the object is viewed briefly, which pins the memory of a class with `pin`. If the object refuses that view, its
    /// exception is raised. It also refuses if its memory is not C-contiguous: usually with `BufferError`, a numpy
    /// array with `ValueError`. Everything is checked again when the block begins.
    pub fn range(object: &Bound<'_, PyAny>, offset: isize, length: Option<isize>) -> PyResult<Self> {
        let range = Range { offset, length };
        let scoped = Self::new(object)?;
        Gate::new(object, Some(range), false)?;
        Ok(Self { range: Some(range), ..scoped })
    }

    fn entered(&self) -> MutexGuard<'_, Option<Entered>> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The method of the class `memoryview` that releases one. It is looked up before a block begins, because there may be
/// no memory for that at its end. So are the classes made that a block needs.
fn release_method(py: Python<'_>) -> PyResult<&'static Py<PyAny>> {
    static METHOD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    METHOD.get_or_try_init(py, || {
        make_class::<ScopedView>(py)?;
        make_class::<Gate>(py)?;
        attribute(PyMemoryView::type_object(py).as_any(), c"release").map(Bound::unbind)
    })
}

/// Calls `release` of a memoryview.
fn release(view: &Bound<'_, PyMemoryView>) -> PyResult<()> {
    let py = view.py();
    let method = release_method(py)?.as_ptr();
    // Neither function makes a tuple, for which there may be no memory.
    #[cfg(not(Py_LIMITED_API))]
    // SAFETY: attached, with a callable and a memoryview that are alive.
    let done = unsafe { ffi::PyObject_CallOneArg(method, view.as_ptr()) };
    #[cfg(Py_LIMITED_API)]
    // SAFETY: as above; NULL ends the arguments.
    let done =
        unsafe { ffi::PyObject_CallFunctionObjArgs(method, view.as_ptr(), std::ptr::null_mut::<ffi::PyObject>()) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { owned(py, done) }.map(drop)
}

#[pymethods]
impl ScopedView {
    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyMemoryView>> {
        let gate = Gate::new(self.object.bind(py), self.range, self.stable)?.into_object(py)?;
        let view = memoryview(gate.as_any());
        // From now on, only consumers are counted. The memoryview is the first.
        Gate::leave(&gate);
        // SAFETY: on success, `memoryview` returns a memoryview.
        let view = unsafe { view?.cast_into_unchecked::<PyMemoryView>() };
        let entering = Entered { view: view.clone().unbind(), gate: gate.unbind() };
        let refused = {
            let mut entered = self.entered();
            if entered.is_some() { Some(entering) } else { entered.replace(entering) }
        };
        if refused.is_some() {
            let text = "this view has been entered, and its block has not ended; ask the object for another view";
            return Err(exception::<PyRuntimeError>(py, text));
        }
        Ok(view)
    }

    // Not `*_exception`, for which CPython would make a tuple.
    #[pyo3(signature = (_class = None, _exception = None, _traceback = None))]
    fn __exit__(
        &self,
        py: Python<'_>,
        _class: Option<&Bound<'_, PyAny>>,
        _exception: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let Some(Entered { view, gate }) = self.entered().take() else { return Ok(()) };
        // If a consumer holds the memoryview, this fails. Then the gate is held too, and the message below is better.
        let released = release(view.bind(py));
        if gate.get().is_held() {
            // Not chained to another exception here: Python sets the exception of the block as its `__context__`.
            let text = "cannot release the view at the end of its block: a slice of it, an array or another consumer still \
                        holds the memory; delete them inside the block, or make copies of what is needed afterwards";
            return Err(exception::<PyBufferError>(py, text));
        }
        released
    }

    /// Without this method, numpy would make an array with this object as its only item.
    #[pyo3(signature = (*_args, **_kwargs))]
    fn __array__(
        slf: &Bound<'_, Self>,
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let class = ClassName::of(slf)?;
        Err(exception::<PyTypeError>(
            slf.py(),
            format_args!("a {class} is no buffer; enter it first, as in `with m.view() as v:`, and use `v`"),
        ))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)?;
        // If the mutex is locked, a thread is entering or leaving the block, so this object is not garbage.
        if let Ok(entered) = self.entered.try_lock()
            && let Some(Entered { view, gate }) = &*entered
        {
            visit.call(view)?;
            visit.call(gate)?;
        }
        Ok(())
    }
}
