//! What a cell reports about itself.

use super::ExportCell;
use crate::trace::{self, Holder};

// None of this depends on the storage, and without a bound an error about the storage is not repeated here.
impl<S> ExportCell<S> {
    /// How many Python views are alive. A numpy array and its slices share one view.
    pub fn views(&self) -> usize {
        self.header().lock.views().total()
    }

    /// The views, tensors and guards that are alive, to find out to whom they belong. One entry for each: traced views,
    /// newest first, then other views, then tensors, then guards.
    ///
    /// Where views were taken is known only if they are traced; see [`trace`](fn@crate::trace). The list may be long: a
    /// program may well have a million views.
    ///
    /// ```
    /// use buffer_runtime::{ExportCell, Holding};
    /// use pyo3::Python;
    ///
    /// # Python::initialize();
    /// Python::attach(|py| {
    ///     let cell = ExportCell::new(vec![0.0_f32; 3]);
    ///     let guard = cell.read(py)?;
    ///     let [holder] = &cell.holders()[..] else { panic!("there is one guard") };
    ///     assert_eq!(holder.access, Holding::GuardToRead);
    ///     assert_eq!(holder.file, Some(file!()));
    ///     # drop(guard);
    ///     # Ok::<(), buffer_runtime::BorrowError>(())
    /// })?;
    /// # Ok::<(), buffer_runtime::BorrowError>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If there is no memory for the list.
    #[must_use]
    pub fn holders(&self) -> Vec<Holder> {
        trace::holders(self.header()).expect("there is memory for the list")
    }

    /// How many tensors of the memory are alive. Consumers of DLPack, such as torch, hold them. A tensor and its slices
    /// count once.
    #[cfg(feature = "dlpack")]
    pub fn tensors(&self) -> usize {
        self.header().pin.tensors() as usize
    }

    /// How many elements or rows the storage has; under a write guard, how many it had before; 0 if the cell is closed.
    ///
    /// An element of `Vec<[f32; 3]>` is one `[f32; 3]`.
    pub fn len(&self) -> usize {
        // Without the stand-in for a block, whose length is 0 too.
        // SAFETY: the owner keeps its block alive.
        self.own_address().map_or(0, |address| unsafe { address.as_ref() }.len())
    }

    /// Whether the storage has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the memory stays in place until the object dies, because it was viewed through a class with
    /// `#[buffer(pin)]`.
    pub fn is_pinned(&self) -> bool {
        self.header().pin.is_set()
    }
}
