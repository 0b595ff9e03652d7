//! The layout that a storage has of its own, as it was when its memory was captured.

use crate::layout::{Declaration, Dim, Distance};
#[cfg(all(feature = "pickle", feature = "ndarray"))]
use crate::memory::NoMemory;

/// Where the elements of a storage are, if they do not lie one after the other. [`Storage::layout`] sets it.
///
/// It becomes the layout of classes that declare neither a `shape` nor a `format`. Like all declared numbers, these are
/// checked against the memory before a view is granted: wrong ones raise `BufferError`.
///
/// [`Storage::layout`]: super::Storage::layout
#[derive(Debug, Default)]
pub struct OwnLayout {
    /// In bytes; `None` where the elements lie one after the other.
    offset: Option<usize>,
    extents: Vec<Dim>,
    /// In bytes.
    strides: Vec<Distance>,
}

impl OwnLayout {
    /// Sets the layout. The element whose indices are all 0 lies `offset` bytes after the start of the memory. `axes`
    /// are, outermost first, the number of elements along each axis and the stride in bytes from one to the next.
    pub fn set(&mut self, offset: usize, axes: impl IntoIterator<Item = (usize, isize)>) {
        self.clear();
        self.offset = Some(offset);
        axes.into_iter().for_each(|(extent, stride)| self.push(extent, stride));
    }

    fn push(&mut self, extent: usize, stride: isize) {
        self.extents.push(Dim::of(extent));
        self.strides.push(Distance::Bytes(stride));
    }

    pub(crate) fn clear(&mut self) {
        self.offset = None;
        self.extents.clear();
        self.strides.clear();
    }

    /// Adds the axes inside one element, which has `size` bytes and consists of items in the shape `extents`.
    pub(super) fn split(&mut self, mut size: usize, extents: &[usize]) {
        if self.offset.is_none() {
            return;
        }
        for &extent in extents {
            size /= extent;
            // The size of a type is at most `isize::MAX`.
            self.push(extent, size.cast_signed());
        }
    }

    /// How many axes there are, those inside one element included.
    #[cfg(feature = "ndarray")]
    pub(crate) fn ndim(&self) -> usize {
        self.extents.len()
    }

    /// Each extent and its stride in bytes.
    #[cfg(any(feature = "ndarray", feature = "test-kit"))]
    pub(crate) fn axes(&self) -> impl Iterator<Item = (usize, isize)> + '_ {
        self.extents.iter().zip(&self.strides).map(|axis| match axis {
            (&Dim::Length(extent), &Distance::Bytes(stride)) => (extent, stride),
            _ => (usize::MAX, isize::MAX),
        })
    }

    /// The offset in bytes; `None` where the elements lie one after the other.
    #[cfg(all(feature = "pickle", feature = "ndarray"))]
    pub(crate) fn offset(&self) -> Option<usize> {
        self.offset
    }

    /// A copy of the axes.
    ///
    /// # Errors
    ///
    /// There is no memory for it.
    #[cfg(all(feature = "pickle", feature = "ndarray"))]
    pub(crate) fn axes_now(&self) -> Result<Vec<(usize, isize)>, NoMemory> {
        let mut axes = Vec::new();
        axes.try_reserve_exact(self.ndim())?;
        axes.extend(self.axes());
        Ok(axes)
    }

    /// The offset, the shape and the strides, if there are any.
    #[cfg(feature = "test-kit")]
    pub(crate) fn numbers(&self) -> Option<(isize, Vec<isize>, Vec<isize>)> {
        let offset = isize::try_from(self.offset?).unwrap_or(isize::MAX);
        let (shape, strides) = self.axes().map(|(extent, stride)| (extent.cast_signed(), stride)).unzip();
        Some((offset, shape, strides))
    }

    /// The declaration, with this layout where it declares neither a shape nor an item format.
    pub(crate) fn unless_declared<'a>(&'a self, declared: &Declaration<'a>) -> Declaration<'a> {
        match self.offset {
            Some(offset) if declared.extents.is_none() && declared.item.is_none() => Declaration {
                extents: Some(&self.extents),
                offset: Some(Distance::of(offset)),
                strides: Some(&self.strides),
                ..*declared
            },
            _ => *declared,
        }
    }
}
