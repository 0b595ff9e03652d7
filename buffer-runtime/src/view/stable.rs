//! Views of memory that nobody changes, which are slices of it.
//!
//! `kept` finds an exporter that promises this, and holds its view. `copied` is for callers that accept a copy if no
//! exporter does.

#[cfg(feature = "ndarray")]
mod array;
mod copied;
mod kept;

use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;
use std::{fmt, slice};

use pyo3::prelude::*;
use pyo3::{Borrowed, PyErr, PyTraverseError, PyVisit, ffi};

#[cfg(feature = "ndarray")]
pub use self::array::StableArray;
pub use self::copied::StableOrCopy;

use self::kept::Kept;
use super::begin::{Intent, check_element, raise};
use super::rejection::{Contradiction, Rejection};
use super::reported::{Places, Reported};
use super::wanted::Wanted;
use crate::element::{Element, Viewable};

/// A slice of the memory of a Python object, which nobody changes as long as this view lives.
///
/// A [`BufferView`](super::BufferView) gives out no `&[T]`, because other viewers of the memory may write it, with the
/// GIL released or without one. A stable view is a `&[T]`, on any thread, attached to Python or not. Nothing is copied,
/// and nothing is loaded by atomics.
///
/// ```no_run
/// use buffer_runtime::StableView;
/// use pyo3::prelude::*;
///
/// #[pyfunction]
/// fn largest(py: Python<'_>, values: StableView<'_, f32>) -> Option<f32> {
///     py.detach(|| values.iter().copied().reduce(f32::max))
/// }
/// ```
///
/// While it lives, the object grants views for reading, and refuses everything that may write: writable views
/// (`np.asarray` of it gives a read-only array), and Rust's [`write`](crate::ExportCell::write) and
/// [`share`](crate::ExportCell::share).
///
/// # Who can promise it
///
/// - Objects of classes that derive [`ExportBuffer`](crate::ExportBuffer), also those of other extension modules, built
///   with another version of this crate, and the [parts](crate::Part) of such objects. A storage whose memory other
///   code may write, such as a mapped file, is refused ([`Storage::STABLE`](crate::Storage::STABLE)).
/// - `bytes`.
/// - A read-only `memoryview` of either, or of a slice of it. The object below makes the promise: the `memoryview`
///   itself prevents nobody from writing.
///
/// `bytearray`, `array.array` and numpy arrays cannot promise it. Neither can Python subclasses, which may override the
/// buffer. For these objects, take a [`StableOrCopy`], which copies what it cannot borrow, or a
/// [`BufferView`](super::BufferView).
///
/// The items of all dimensions are one slice, in C order; [`shape`](Self::shape) returns the dimensions.
///
/// # Errors
///
/// - `BufferError` if nobody promises that the memory does not change.
/// - `BufferError` if somebody may be writing it now: a writable view of the object is alive, such as `np.asarray(x)`.
/// - `BufferError` if the items do not lie one after the other in C order, or are not `T`, as for a
///   [`BufferView`](super::BufferView).
/// - `TypeError` if the object exports no buffer.
/// - `MemoryError` if there is no memory for the view itself.
///
/// # Dropping it elsewhere
///
/// The release of a view needs Python. If a stable view is dropped on a thread that is not attached, the thread
/// attaches for the release. While Python exits, that is no longer possible, and the object stays locked.
#[must_use = "a view is released as soon as it is dropped, and `let _ =` drops it at once; write `let view = ..`"]
pub struct StableView<'py, T: ?Sized> {
    /// Initialised elements, aligned, which nobody writes as long as `kept` is there.
    items: NonNull<T>,
    len: usize,
    shape: Box<[usize]>,
    /// The last field, so it is released after all others are dropped.
    kept: Kept<'py>,
    elements: PhantomData<&'py T>,
}

// SAFETY: this is a slice of elements, which are Send and Sync, and the views that keep it, which are Send and Sync
// too.
unsafe impl<T: Element> Send for StableView<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Element> Sync for StableView<'_, T> {}

impl<'py, T: Viewable> StableView<'py, T> {
    /// Views the memory of an object.
    ///
    /// # Errors
    ///
    /// The [type](Self) lists them.
    pub fn from_object(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        const { check_element::<T>() }
        let wanted = Wanted::of::<T>(Intent::Read);
        let kept = Kept::request(object, ffi::PyBUF_FULL_RO, wanted)?;
        Self::check(kept, wanted).map_err(|problem| raise(object, &problem))
    }

    fn check(kept: Kept<'py>, wanted: Wanted) -> Result<Self, Rejection> {
        let claims = kept.reported();
        let buf = claims.buf;
        let Places { shape, len, c_contiguous, .. } = claims.check(wanted)?;
        if !c_contiguous {
            return Err(Rejection::NotContiguous { wanted });
        }
        // Aligned, and not NULL if there are items (`Places`, clause 4).
        let items = NonNull::new(buf.cast()).filter(|_| len > 0).unwrap_or(NonNull::dangling());
        let shape = shape.into_iter().map(isize::cast_unsigned).collect();
        Ok(Self { items, len, shape, kept, elements: PhantomData })
    }
}

impl<'py> StableView<'py, u8> {
    /// Views the bytes of an object's memory, whatever its items are, as `hashlib` and files do. The shape has one
    /// dimension.
    ///
    /// # Errors
    ///
    /// The [type](StableView) lists them; no kind of items is refused.
    #[inline]
    pub fn bytes_of(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let kept = Kept::request(object, ffi::PyBUF_SIMPLE, Wanted::of::<u8>(Intent::Read))?;
        // Such a view is one piece of bytes, whatever its itemsize is.
        let Reported { buf, len, .. } = kept.reported();
        let (len, items) = (usize::try_from(len).unwrap_or(0), NonNull::new(buf));
        let Some(items) = items.or((len == 0).then_some(NonNull::dangling())) else {
            return Err(raise(object, &Contradiction::NullBuf.into()));
        };
        Ok(Self { items, len, shape: Box::from([len]), kept, elements: PhantomData })
    }
}

impl<T> StableView<'_, T> {
    /// A view that is not bound to the time for which a thread is attached. So a class or a thread of Rust may keep it.
    ///
    /// Until it is dropped, the object refuses whatever would write the memory. A class that keeps such a view calls
    /// [`traverse`](Self::traverse) in its `__traverse__`.
    pub fn unbind(self) -> StableView<'static, T> {
        let Self { items, len, shape, kept, .. } = self;
        StableView { items, len, shape, kept: kept.unbind(), elements: PhantomData }
    }

    /// Tells Python's garbage collector which objects the view keeps alive, for the `__traverse__` of a class that
    /// keeps the view.
    ///
    /// # Errors
    ///
    /// What `visit` returns.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.kept.traverse(visit)
    }

    /// The number of items along each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
}

impl<T: Element> Deref for StableView<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the items lie one after the other from this address on, which is aligned (`Places`, clauses 3 and 4).
        // They are initialised, as all exported memory is, and every bit pattern is valid. Nobody writes them while
        // they are kept.
        unsafe { slice::from_raw_parts(self.items.as_ptr(), self.len) }
    }
}

impl<T: Element> AsRef<[T]> for StableView<'_, T> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<'py, T: Viewable> FromPyObject<'_, 'py> for StableView<'py, T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Self::from_object(&object)
    }
}

impl<T> fmt::Debug for StableView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StableView").field("shape", &self.shape).finish_non_exhaustive()
    }
}
