//! The views that keep the memory of a stable view from being changed.

use std::ffi::c_int;
use std::mem::ManuallyDrop;

use pyo3::exceptions::{PyBufferError, PyTypeError};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit, ffi};

use super::super::advice::{StableAdvice, unbuffered};
use super::super::held::{Held, exports_buffer};
use super::super::reported::Reported;
use super::super::wanted::Wanted;
use crate::exception::{ClassName, exception};
use crate::lookup::attribute;
use crate::pending::attached;
use crate::stable::{declared_by, is_bytes};

/// A view of memory that nobody changes.
///
/// 1. `shown` was granted by an exporter that declares stable views, for a request for one; or by `bytes`; or it is a
///    memoryview whose memory lies in that of `below`, which was granted in one of the first two ways. So until this
///    value is dropped, nobody writes the memory that `shown` shows.
/// 2. Both views are dropped attached, and their tokens are used only attached.
pub(super) struct Kept<'py>(ManuallyDrop<Views<'py>>);

struct Views<'py> {
    shown: Held<'py>,
    below: Option<Held<'py>>,
}

// SAFETY: other threads read only the fields of a `Py_buffer`, which nobody writes. Invariant 2.
unsafe impl Send for Kept<'_> {}
// SAFETY: as above.
unsafe impl Sync for Kept<'_> {}

impl<'py> Kept<'py> {
    /// # Errors
    ///
    /// `BufferError` if nobody promises that the memory does not change, or if nobody can promise it now; `TypeError`
    /// if the object exports no buffer; `MemoryError`.
    #[inline]
    pub(super) fn request(object: &Bound<'py, PyAny>, flags: c_int, wanted: Wanted) -> PyResult<Self> {
        let kept = |shown, below| Self(ManuallyDrop::new(Views { shown, below }));
        if let Some(shown) = promised(object, flags, wanted)? {
            return Ok(kept(shown, None));
        }
        if !is_memoryview(object) {
            return Err(unpromised(object, wanted)?);
        }
        // From here on the memoryview cannot be released, so it keeps its object.
        let shown = Held::request(object, flags, wanted)?;
        let owner = attribute(object, c"obj")?;
        let Some(below) = promised(&owner, ffi::PyBUF_FULL_RO, wanted)? else {
            return Err(unpromised(&owner, wanted)?);
        };
        let within = |(start, end): (usize, usize), (first, last): (usize, usize)| first <= start && end <= last;
        let spans = (shown.reported().span(), below.reported().span());
        match spans {
            (Some(part), Some(whole)) if within(part, whole) => Ok(kept(shown, Some(below))),
            _ => Err(unpromised(object, wanted)?),
        }
    }

    /// The same views, not bound to the attached thread.
    #[inline]
    pub(super) fn unbind(mut self) -> Kept<'static> {
        // SAFETY: `self` is forgotten next, so its drop does not take the views as well.
        let Views { shown, below } = unsafe { ManuallyDrop::take(&mut self.0) };
        std::mem::forget(self);
        // SAFETY: the tokens are used only attached (invariant 2).
        let shown = unsafe { shown.unbind() };
        // SAFETY: as above.
        let below = below.map(|below| unsafe { below.unbind() });
        Kept(ManuallyDrop::new(Views { shown, below }))
    }

    /// Visits the objects that the views keep alive, for the garbage collector.
    #[inline]
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Views { shown, below } = &*self.0;
        visit.call(shown.object())?;
        visit.call(below.as_ref().and_then(Held::object))
    }

    /// The fields of the view.
    pub(super) fn reported(&self) -> Reported<'_> {
        self.0.shown.reported()
    }
}

/// A view of an object that promises by itself that its memory does not change.
#[inline]
fn promised<'py>(object: &Bound<'py, PyAny>, flags: c_int, wanted: Wanted) -> PyResult<Option<Held<'py>>> {
    if is_bytes(object) {
        return Held::request(object, flags, wanted).map(Some);
    }
    match declared_by(object)? {
        Some(declared) => Held::request_stable(&declared, flags).map(Some),
        None => Ok(None),
    }
}

fn is_memoryview(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: attached, as the object proves, and the object is alive.
    unsafe { ffi::PyMemoryView_Check(object.as_ptr()) != 0 }
}

/// The exception for an object whose memory may change.
#[inline]
fn unpromised(object: &Bound<'_, PyAny>, wanted: Wanted) -> PyResult<PyErr> {
    let (py, class) = (object.py(), ClassName::of(object)?);
    if !exports_buffer(object) {
        return Ok(exception::<PyTypeError>(py, unbuffered(object).message(wanted, class)));
    }
    let advice = StableAdvice(wanted);
    let text = format_args!("expected memory that nobody changes, which this '{class}' cannot promise; {advice}");
    Ok(exception::<PyBufferError>(py, text))
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        let Self(views) = self;
        // SAFETY: they are dropped once, and the callers below are attached (invariant 2).
        let mut release = || unsafe { ManuallyDrop::drop(views) };
        if attached().is_some() {
            release();
        } else {
            // If Python exits, the views are leaked: no code is left that could write.
            Python::try_attach(|_| release());
        }
    }
}
