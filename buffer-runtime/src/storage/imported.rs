//! `VecOrImported<T>`: a `Vec`, or memory of another exporter in which elements have arrived and stay.
//!
//! An [`Import`] holds the view of the other exporter. Its drop never attaches: on a thread that is not attached, the
//! view is pushed on the queue of orphans (`cell::orphans`), which an attached thread drains.

use std::cell::Cell;
use std::collections::TryReserveError;
use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::{PyErr, PyResult, Python, ffi};

use super::{Captured, Exportable, OwnLayout, ReadWrite, Replaceable, Storage};
use crate::cell::orphans;
use crate::contain::{report_raised, with_none_pending};
use crate::element::{Element, Viewable};
use crate::memory::{NoMemory, boxed};
use crate::pending::{attached, raised};
use crate::shared::SharedRead;

/// A view that another exporter has granted, and the link by which it may be queued.
///
/// Invariants:
///
/// 1. It is from a `Box`, and does not move: pointers in the view may point into the view itself.
/// 2. No reference to `view` is made, and none to the whole node.
/// 3. It is aligned to 8 bytes or more, so its address does not contain [`Lefts::TAG`].
#[repr(C, align(8))]
struct Node {
    next: AtomicUsize,
    view: ffi::Py_buffer,
}

/// A view of bytes that another exporter has granted, released when dropped, on any thread.
///
/// Invariants:
///
/// 1. The exporter has granted the view, and nobody else releases it. So the bytes of the view stay in place, if the
///    exporter follows the protocol.
pub(crate) struct Import(NonNull<Node>);

// SAFETY: other threads read only the fields of a `Py_buffer`, which nobody writes. The release, which needs an
// attached thread, happens on one.
unsafe impl Send for Import {}
// SAFETY: as above.
unsafe impl Sync for Import {}

impl Import {
    /// Requests a view of the bytes of an object, in one piece. The error is the exporter's, or a `MemoryError`.
    ///
    /// # Safety
    ///
    /// Attached, with an object that is alive.
    pub(crate) unsafe fn request(
        py: Python<'_>,
        object: *mut ffi::PyObject,
        no_memory: impl FnOnce(NoMemory) -> PyErr,
    ) -> PyResult<Self> {
        let node = boxed(Node { next: AtomicUsize::new(0), view: ffi::Py_buffer::new() }).map_err(no_memory)?;
        let node = Box::into_raw(node);
        // SAFETY: the node is alive; this only computes an address in it.
        let view = unsafe { &raw mut (*node).view };
        // SAFETY: attached, with an object that is alive and room for a view.
        if unsafe { ffi::PyObject_GetBuffer(object, view, ffi::PyBUF_SIMPLE) } != 0 {
            // SAFETY: the box is not used afterwards; without a view nothing points into it.
            drop(unsafe { Box::from_raw(node) });
            return Err(raised(py));
        }
        // SAFETY: the pointer of a Box is never null.
        let import = Self(unsafe { NonNull::new_unchecked(node) });
        // The exporter may have granted the view and set an exception, which would appear later in unrelated code.
        if PyErr::occurred(py) { Err(raised(py)) } else { Ok(import) }
    }

    /// The fields that the exporter has filled.
    pub(crate) fn fields(&self) -> ffi::Py_buffer {
        // SAFETY: the node is alive (invariant 1), and the view was granted. Nobody writes it.
        unsafe { (*self.0.as_ptr()).view }
    }

    /// Releases the view now, even where the drop could not tell whether the thread is attached.
    pub(crate) fn release(self, py: Python<'_>) {
        Left(ManuallyDrop::new(self).0).release(py);
    }
}

impl Drop for Import {
    fn drop(&mut self) {
        let left = Left(self.0);
        match attached() {
            Some(py) => left.release(py),
            None => orphans::leave_import(left),
        }
    }
}

/// How many releases may be nested on one thread. A release may drop the exporter, which may have memory of another
/// exporter, and so on: an object that was passed on a million times would exhaust the stack.
const NESTED: usize = 50;

thread_local! {
    /// How many releases are nested on this thread.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// The views that the innermost of [`NESTED`] releases is to release when it has ended, linked by their nodes.
    static LATER: Cell<*mut Node> = const { Cell::new(ptr::null_mut()) };
}

/// The view of an [`Import`] that was dropped, which an attached thread is to release.
pub(crate) struct Left(NonNull<Node>);

impl Left {
    /// Pushes the node on a queue of addresses.
    pub(crate) fn push_with(self, push: impl FnOnce(usize, &AtomicUsize)) {
        let address = self.0.as_ptr().expose_provenance() | Lefts::TAG;
        // SAFETY: the node is alive until an attached thread takes it from the queue; the link is atomic. Another
        // thread may free the node while this reference to the link still exists, which Rust allows for atomics.
        let next = unsafe { &(*self.0.as_ptr()).next };
        push(address, next);
    }

    /// Releases the view, or leaves it to the release that is underway on this thread if that is nested deeply. The
    /// release may run Python code. A pending exception stays pending.
    fn release(self, py: Python<'_>) {
        if DEPTH.get() >= NESTED {
            self.release_later();
            return;
        }
        DEPTH.set(DEPTH.get() + 1);
        self.release_now(py);
        while let Some(node) = NonNull::new(LATER.get()) {
            // SAFETY: the node is alive until it is released below; the link is atomic.
            let next = unsafe { &(*node.as_ptr()).next }.load(Ordering::Relaxed);
            LATER.set(ptr::with_exposed_provenance_mut(next));
            Self(node).release_now(py);
        }
        // Not the number from before: greenlets of one thread may end in another order than they began.
        DEPTH.set(DEPTH.get() - 1);
    }

    /// Leaves the view to the release in which this one is nested.
    fn release_later(self) {
        let node = self.0.as_ptr();
        // SAFETY: the node is alive until it is released; the link is atomic.
        let next = unsafe { &(*node).next };
        next.store(LATER.replace(node).expose_provenance(), Ordering::Relaxed);
    }

    fn release_now(self, py: Python<'_>) {
        let node = self.0.as_ptr();
        let release = || {
            // SAFETY: the node is alive; this only computes an address in it.
            let view = unsafe { &raw mut (*node).view };
            // SAFETY: attached, as the token proves; the view was granted, and is released only here (Import, invariant
            // 1).
            unsafe { ffi::PyBuffer_Release(view) };
            report_raised(py);
        };
        if PyErr::occurred(py) {
            with_none_pending(py, release, |()| false);
        } else {
            release();
        }
        // SAFETY: from a Box (Node, invariant 1); the released view points nowhere, and is not used afterwards.
        drop(unsafe { Box::from_raw(node) });
    }
}

/// The views that a thread has found in the queue.
pub(crate) struct Lefts(*mut Node);

impl Lefts {
    /// Added to the address of a node, to tell it from that of a block.
    const TAG: usize = 1;

    pub(crate) fn new() -> Self {
        Self(ptr::null_mut())
    }

    /// Takes the node at an address in the queue, if it is one of a view. Returns the address that follows in the
    /// queue.
    ///
    /// The address was pushed by [`Left::push_with`] or is that of a block, and this thread has taken it from the
    /// queue.
    pub(crate) fn take(&mut self, address: usize) -> Option<usize> {
        if address & Self::TAG == 0 {
            return None;
        }
        let node = ptr::with_exposed_provenance_mut::<Node>(address & !Self::TAG);
        // SAFETY: a node in the queue is alive, and this thread has taken the queue. Its link is atomic.
        let next = unsafe { &(*node).next };
        let following = next.load(Ordering::Relaxed);
        next.store(self.0.expose_provenance(), Ordering::Relaxed);
        self.0 = node;
        Some(following)
    }

    /// Releases all the views.
    ///
    /// # Safety
    ///
    /// Attached.
    pub(crate) unsafe fn release(mut self) {
        while let Some(node) = NonNull::new(self.0) {
            // SAFETY: the node is alive until it is released below.
            let next = unsafe { &(*node.as_ptr()).next }.load(Ordering::Relaxed);
            self.0 = ptr::with_exposed_provenance_mut(next);
            // SAFETY: the caller vouches for an attached thread.
            Left(node).release(unsafe { Python::assume_attached() });
        }
    }
}

/// A `Vec<T>`; or, in an object that was unpickled, the memory in which the elements have arrived.
///
/// For classes whose objects should be unpickled without a copy, as numpy's arrays are. If the frame that `pickle`
/// passes is read-only and aligned for `T`, as the frames of Ray and all `bytes` are, the object exports the memory of
/// that frame. It is exported read-only, and lives as long as the object and its views. In any other case, the elements
/// are copied to a `Vec`.
///
/// ```
/// use buffer_runtime::{ExportBuffer, ExportCell, VecOrImported};
/// use pyo3::prelude::*;
///
/// #[derive(ExportBuffer)]
/// #[buffer(pickle)]
/// #[pyclass(frozen, module = "mine")]
/// struct Samples {
///     data: ExportCell<VecOrImported<f64>>,
/// }
///
/// #[pymethods]
/// impl Samples {
///     #[new]
///     fn new(count: usize) -> Self {
///         Self { data: ExportCell::new(vec![0.0; count].into()) }
///     }
///
///     /// Reads the samples, wherever they are.
///     fn sum(&self, py: Python<'_>) -> PyResult<f64> {
///         let data = self.data.share_read(py)?;
///         Ok(py.detach(|| data.iter().sum()))
///     }
///
///     /// Copies the samples first if they have arrived from elsewhere.
///     fn append(&self, py: Python<'_>, sample: f64) -> PyResult<()> {
///         self.data.write(py)?.push(sample);
///         Ok(())
///     }
/// }
/// ```
///
/// It dereferences to the `Vec`. Whatever gives access to a `VecOrImported` itself, such as the guard of
/// [`write`](crate::ExportCell::write), first copies imported memory. So do [`share`](crate::ExportCell::share),
/// [`get_mut`](crate::ExportCell::get_mut), [`close`](crate::ExportCell::close), [`take`](crate::ExportCell::take) and
/// [`into_inner`](crate::ExportCell::into_inner). All of these are refused while a view of imported memory is alive;
/// [`write_or_detach`](crate::ExportCell::write_or_detach) is not. To read without a copy, use
/// [`share_read`](crate::ExportCell::share_read).
///
/// # Who may change imported memory
///
/// Nobody can change it through this object, whose views are read-only. The view of the other exporter is read-only
/// too, but that only means that this consumer must not write. Other code may: the owner of a `bytearray` if the frame
/// is a read-only `memoryview` of it, or whoever has mapped the same file. So Rust reads imported memory only as
/// [`SharedRead`], as if by relaxed atomic loads, and may see such changes. There are no stable views of a
/// `VecOrImported`, not even of a `Vec` in it.
///
/// # Dropping it elsewhere
///
/// The view of the other exporter is released when the last owner of the imported memory is dropped: the object or its
/// last view. If that happens on a thread that is not attached to Python, or after Python has ended, the drop neither
/// attaches nor waits. An attached thread then releases the view when it next unpickles an object, drops a cell, or
/// grants or ends certain views.
pub struct VecOrImported<T>(Items<T>);

/// Invariants:
///
/// 1. An import is read-only. Its bytes are whole elements, aligned, of a type for which every bit pattern is valid.
/// 2. An import exists only in a block (block invariant 12).
enum Items<T> {
    Own(Vec<T>),
    Imported { data: NonNull<T>, len: usize, _import: Import },
}

// SAFETY: elements are Send, and so is an import.
unsafe impl<T: Element> Send for VecOrImported<T> {}
// SAFETY: as above; `&VecOrImported` gives access to a `&Vec`.
unsafe impl<T: Element> Sync for VecOrImported<T> {}

impl<T: Viewable> VecOrImported<T> {
    /// Keeps a view, if its memory may be kept.
    pub(crate) fn of(import: Import) -> Result<Self, Import> {
        let ffi::Py_buffer { buf, len, readonly, obj, .. } = import.fields();
        let bytes = usize::try_from(len).unwrap_or(0);
        // Without an `obj` the view would keep nothing alive.
        let may_be_kept = bytes > 0 && readonly == 1 && !obj.is_null();
        match NonNull::new(buf.cast::<T>()) {
            Some(data) if may_be_kept && bytes.is_multiple_of(size_of::<T>()) && data.is_aligned() => {
                Ok(Self(Items::Imported { data, len: bytes / size_of::<T>(), _import: import }))
            }
            _ => Err(import),
        }
    }
}

impl<T> VecOrImported<T> {
    /// The vector.
    pub fn into_vec(self) -> Vec<T> {
        match self.0 {
            Items::Own(vec) => vec,
            Items::Imported { .. } => unowned(),
        }
    }
}

fn unowned() -> ! {
    unreachable!("what is imported is copied before safe code gets it")
}

impl<T> Default for VecOrImported<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T> From<Vec<T>> for VecOrImported<T> {
    fn from(vec: Vec<T>) -> Self {
        Self(Items::Own(vec))
    }
}

impl<T> Deref for VecOrImported<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        match &self.0 {
            Items::Own(vec) => vec,
            Items::Imported { .. } => unowned(),
        }
    }
}

impl<T> DerefMut for VecOrImported<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        match &mut self.0 {
            Items::Own(vec) => vec,
            Items::Imported { .. } => unowned(),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for VecOrImported<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

// SAFETY: for a `Vec`, as for the storage `Vec`. The memory of an import is initialised, aligned, in one piece, at most
// `isize::MAX` bytes long and not null (1), valid for reads (2), and stays in place until the release (5), which any
// thread may cause (6). It is not valid for writes, and others may write it: by block invariant 12, no view and no
// guard writes it, and none makes a `&[T]` of it, because it is not a `Storage`. `capture` reads fields (3, 4), and
// nothing is stable (7).
unsafe impl<T: Element> Exportable for VecOrImported<T> {
    type Element = T;
    type Access = ReadWrite;

    const INDIRECT: bool = false;
    const STRIDED: bool = false;
    const DROPS_PLAINLY: bool = false;
    const STABLE: bool = false;
    const RESIZABLE: bool = true;
    const LEN: Option<usize> = None;
    const IMPORTS: bool = true;

    unsafe fn capture(this: *mut Self, _own: &mut OwnLayout) -> Captured {
        // SAFETY: the caller vouches for a valid value without other references. No reference to an element is made.
        let (data, len) = match unsafe { &mut (*this).0 } {
            // SAFETY: a `&mut` is a valid pointer without other references.
            Items::Own(vec) => unsafe { Vec::raw(vec) },
            Items::Imported { data, len, .. } => (*data, *len),
        };
        Captured { data: data.cast(), len, row_len: 0 }
    }

    unsafe fn is_imported(this: *mut Self) -> bool {
        // SAFETY: the caller vouches for a valid value without other references.
        matches!(unsafe { &(*this).0 }, Items::Imported { .. })
    }

    fn make_own(&mut self) -> Result<(), TryReserveError> {
        if let Items::Imported { data, len, .. } = &self.0 {
            // SAFETY: by invariant 1 of the items; the handle does not outlive this borrow of the import.
            let elements = unsafe { SharedRead::new(data.as_ptr(), *len) };
            let vec = elements.to_vec()?;
            self.0 = Items::Own(vec);
        }
        Ok(())
    }
}

impl<T: Element> Replaceable for VecOrImported<T> {
    unsafe fn copy_of(captured: Captured) -> Result<Self, TryReserveError> {
        // SAFETY: the caller vouches for captured elements, which stay where they are while the handle lives. Imported
        // or not, every writer stores valid elements: in imported memory, every bit pattern is one.
        let elements: SharedRead<T> = unsafe { SharedRead::new(captured.data.cast().as_ptr(), captured.len) };
        Ok(Self::from(elements.to_vec()?))
    }
}
