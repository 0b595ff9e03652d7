//! Views for one block of Python code: `with m.view() as v:`.
//!
//! A `memoryview` ends when the last variable that names it goes, which in Python is often later than one thinks: a `with`
//! variable outlives its block. Here the end of the block is the end of the view, or an error that says who keeps it.

mod gate;

use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyBufferError, PyMemoryError, PyRuntimeError, PyTypeError};
use pyo3::impl_::pyclass::PyClassImpl;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyMemoryView, PyString, PyTuple};
use pyo3::{PyClass, PyTraverseError, PyVisit, ffi};

use self::gate::Gate;
use crate::contain::contain;
use crate::exception::{ClassName, exception};
use crate::export::array::memoryview;
use crate::pending::owned;

/// A view of an object that ends with a `with` block, whatever variables still name it. In the `#[pymethods]` of a class:
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
/// m.append(2.0)            # is not refused, though there still is a v
/// v[0]                     # ValueError: operation forbidden on released memoryview object
/// ```
///
/// The object is viewed from the begin of the block to its end, and not before: a `ScopedView` that nobody enters locks
/// nothing. It may be entered again when its block has ended, and then views the object anew; but not inside the block.
///
/// # When somebody keeps it
///
/// A slice of `v`, a numpy array of it or any other consumer may outlive the block. Its end then raises `BufferError`, and the
/// memory stays locked until they are gone; if the block itself has raised, that exception is the `__context__` of the
/// `BufferError`, as where a `contextlib.closing` fails. A consumer that holds `v` and not just its memory (such as
/// `pickle.PickleBuffer(v)`) keeps `v` itself from being released, as it does with any `memoryview`: once that consumer is
/// gone, the memory is unlocked by `v.release()` or with the last variable that names `v`.
///
/// `v.obj` is not the object, but what stands between the two and counts who holds the memory.
#[pyclass(frozen, module = "buffer_runtime")]
#[derive(Debug)]
pub struct ScopedView {
    object: Py<PyAny>,
    range: Option<Range>,
    /// What is viewed while the block runs. Locked for a moment only, in which no Python runs.
    entered: Mutex<Option<Entered>>,
}

/// Bytes of an object.
#[derive(Debug, Clone, Copy)]
struct Range {
    offset: isize,
    /// None for all that follow, however many there are when the block begins.
    length: Option<isize>,
}

#[derive(Debug)]
struct Entered {
    view: Py<PyMemoryView>,
    gate: Py<Gate>,
}

impl ScopedView {
    /// Will view all of an object, as `memoryview(object)` does.
    ///
    /// # Errors
    ///
    /// `TypeError` where the object exports no buffer. What the object raises to refuse a view is raised when the block
    /// begins.
    pub fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        // SAFETY: attached, as the object says, which is alive.
        if unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) } == 0 {
            let class = ClassName::of(object)?;
            let text = format_args!("a bytes-like object is required, not '{class}'");
            return Err(exception::<PyTypeError>(object.py(), text));
        }
        let py = object.py();
        make_class::<Self>(py)?;
        make_class::<Gate>(py)?;
        release_name(py)?;
        Ok(Self { object: object.clone().unbind(), range: None, entered: Mutex::new(None) })
    }

    /// Will view `length` bytes of an object from `offset` on, whatever its items are: a `memoryview` of format `B` in one
    /// dimension. Without a length it views all bytes that follow `offset` when the block begins; where the object has become
    /// longer or shorter since, that is another number of them.
    ///
    /// # Errors
    ///
    /// `ValueError` where the bytes are not there, and `TypeError` where the object exports no buffer. The object is viewed for
    /// a moment to look, which pins the memory of a class with `pin`. What it raises to refuse that is raised, also where its
    /// memory is not C-contiguous: `BufferError` mostly, `ValueError` by a numpy array. All of it is looked at again when
    /// the block begins.
    pub fn range(object: &Bound<'_, PyAny>, offset: isize, length: Option<isize>) -> PyResult<Self> {
        let range = Range { offset, length };
        let scoped = Self::new(object)?;
        Gate::new(object, Some(range))?;
        Ok(Self { range: Some(range), ..scoped })
    }

    fn entered(&self) -> MutexGuard<'_, Option<Entered>> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a class of ours before its first object, for which PyO3 would panic where there is no memory for the class.
///
/// # Errors
///
/// `MemoryError`: nothing else can be missing.
fn make_class<T: PyClass>(py: Python<'_>) -> PyResult<()> {
    let made = contain(|| <T as PyClassImpl>::lazy_type_object().get_or_try_init(py).map(drop));
    made.map_err(|_| exception::<PyMemoryError>(py, "out of memory for a class"))
}

/// The name of the method that ends a memoryview: a string of Python's, so that none is to be made at the end of a block, when
/// there may be no memory for it.
fn release_name(py: Python<'_>) -> PyResult<&'static Py<PyString>> {
    static NAME: PyOnceLock<Py<PyString>> = PyOnceLock::new();
    NAME.get_or_try_init(py, || PyString::from_bytes(py, b"release").map(Bound::unbind))
}

/// Calls that method.
fn release(view: &Bound<'_, PyMemoryView>) -> PyResult<()> {
    let py = view.py();
    let name = release_name(py)?.as_ptr();
    // SAFETY: attached, with a memoryview and a string that are alive; NULL ends the arguments, of which there are none.
    let done = unsafe { ffi::PyObject_CallMethodObjArgs(view.as_ptr(), name, ptr::null_mut::<ffi::PyObject>()) };
    // SAFETY: that is an owned reference, or NULL.
    unsafe { owned(py, done) }.map(drop)
}

#[pymethods]
impl ScopedView {
    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyMemoryView>> {
        let gate = Gate::new(self.object.bind(py), self.range)?.into_object(py)?;
        let view = memoryview(gate.as_any());
        // From now on consumers alone hold it, of which the memoryview is the first.
        Gate::leave(&gate);
        // SAFETY: a memoryview is what it answers.
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

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        let Some(Entered { view, gate }) = self.entered().take() else { return Ok(()) };
        // Refused where somebody holds it; then the gate is held as well, and has better words for it.
        let released = release(view.bind(py));
        if gate.get().is_held() {
            // Not made of another exception: Python links this one to what the block has raised.
            let text = "cannot release the view at the end of its block: a slice of it, an array or another consumer still \
                        holds the memory; delete them inside the block, or make copies of what is needed afterwards";
            return Err(exception::<PyBufferError>(py, text));
        }
        released
    }

    /// Where numpy would make an array of one object.
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
        // What is locked is being entered or left, and not garbage.
        if let Ok(entered) = self.entered.try_lock()
            && let Some(Entered { view, gate }) = &*entered
        {
            visit.call(view)?;
            visit.call(gate)?;
        }
        Ok(())
    }
}
