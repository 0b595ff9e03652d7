//! `VecOrImported<T>`: a `Vec`, or memory of another exporter in which elements have arrived and stay.

use std::collections::TryReserveError;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use pyo3::ffi;

use super::import::Import;
use super::{Captured, Exportable, OwnLayout, ReadWrite, Replaceable, Storage};
use crate::element::{Element, Viewable};
use crate::shared::SharedRead;

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

#[diagnostic::do_not_recommend]
impl<T: Element> Replaceable for VecOrImported<T> {
    unsafe fn copy_of(captured: Captured) -> Result<Self, TryReserveError> {
        // SAFETY: the caller vouches for captured elements, which stay where they are while the handle lives. Imported
        // or not, every writer stores valid elements: in imported memory, every bit pattern is one.
        let elements: SharedRead<T> = unsafe { SharedRead::new(captured.data.cast().as_ptr(), captured.len) };
        Ok(Self::from(elements.to_vec()?))
    }
}
