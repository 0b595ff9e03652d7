//! Checks a layout that is known only at run time before it is declared.

use super::resolve::{self, Memory};
use super::{Declaration, Descriptor, Dim, Distance, InnerShape, Item, LayoutError, Order};
use crate::memory::collect;

/// Shape, strides and offset over bytes, for a check before any view is requested. For example, a constructor can check
/// its arguments, so that a mistake is reported there and not at the first view.
///
/// ```
/// use buffer_runtime::Layout;
///
/// // The odd items of ten two-byte items, backwards.
/// let layout = Layout { itemsize: 2, shape: Some(&[5]), strides: Some(&[-4]), offset: 18 };
/// assert_eq!(layout.check(20)?.nbytes, 10);
/// assert!(layout.check(19).is_err());
///
/// // Without a shape: as many items as there are.
/// let layout = Layout { itemsize: 2, shape: None, strides: None, offset: 4 };
/// assert_eq!(layout.check(20)?.shape, [8]);
/// # Ok::<(), buffer_runtime::LayoutError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// The size of one item in bytes.
    pub itemsize: usize,
    /// The number of items along each dimension. `None` is one dimension with all items from the offset to the end.
    pub shape: Option<&'a [isize]>,
    /// The distance in bytes from one item to the next along each dimension. `None` means that the items lie one after
    /// the other in C order. Strides need a shape.
    pub strides: Option<&'a [isize]>,
    /// Where the item with all indices 0 is, in bytes from the start.
    pub offset: isize,
}

/// A layout whose items all lie inside the memory, with the values that the [`Layout`] did not specify.
///
/// Its methods give the layout of a part of the items: one [`index`](Self::index) along an axis, a
/// [`slice`](Self::slice), the axes [in reverse](Self::transpose), one axis [backwards](Self::reverse), another
/// [shape](Self::reshape).
///
/// ```
/// use buffer_runtime::Layout;
///
/// // An image of 4 rows and 6 columns of three bytes.
/// let image = Layout { itemsize: 1, shape: Some(&[4, 6, 3]), strides: None, offset: 0 }.check(72)?;
/// let green = image.clone().index(2, 1)?;
/// assert_eq!((green.shape, green.strides, green.offset), (vec![4, 6], vec![18, 3], 1));
/// let crop = image.slice(0, 1..3, 1)?.slice(1, ..2, 1)?;
/// assert_eq!((crop.shape, crop.offset), (vec![2, 2, 3], 18));
/// # Ok::<(), buffer_runtime::LayoutError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedLayout {
    /// The number of items along each dimension.
    pub shape: Vec<isize>,
    /// The distance in bytes from one item to the next along each dimension.
    pub strides: Vec<isize>,
    /// Where the item with all indices 0 is, in bytes from the start of the memory.
    pub offset: isize,
    /// The size of one item in bytes.
    pub itemsize: usize,
    /// The size of all items together in bytes.
    pub nbytes: usize,
    /// Whether two items have bytes in common, which makes a buffer read-only. Also true if the strides of three or
    /// more axes interleave in too complex a way to decide within a bounded number of steps.
    pub overlaps: bool,
}

impl Layout<'_> {
    /// Checks that all items lie inside a memory of this many bytes. If they do, a class that declares these numbers
    /// over such a memory grants views.
    ///
    /// # Errors
    ///
    /// When the numbers describe items outside the memory, or contradict each other; or when there is no memory for
    /// them.
    #[inline]
    pub fn check(&self, bytes: usize) -> Result<CheckedLayout, LayoutError> {
        if self.shape.is_none() && self.strides.is_some() {
            return Err(LayoutError::StridesWithoutShape);
        }
        let descriptor = Descriptor {
            format: c"B",
            itemsize: 1,
            order: Order::C,
            readonly: false,
            inner: &InnerShape::SCALAR,
            natural: false,
        };
        let extents = match self.shape {
            Some(shape) => collect(shape.iter().copied().map(Dim::Extent))?,
            None => collect([Dim::Inferred].into_iter())?,
        };
        let strides = self.strides.map(|strides| collect(strides.iter().copied().map(Distance::Bytes))).transpose()?;
        let declared = Declaration {
            extents: Some(&extents),
            offset: Some(Distance::Bytes(self.offset)),
            strides: strides.as_deref(),
            item: Some(Item { format: c"", itemsize: self.itemsize }),
            ..Declaration::default()
        };
        let memory = Memory { len: bytes, row_len: None };
        let ndim = resolve::ndim(&descriptor, memory, &declared)?;
        let mut numbers = collect((0..resolve::count_of_numbers(ndim, false)).map(|_| 0))?;
        let resolved = resolve::resolve(&descriptor, memory, &declared, &mut numbers)?;
        Ok(CheckedLayout {
            shape: collect(numbers[..ndim].iter().copied())?,
            strides: collect(numbers[ndim..].iter().copied())?,
            offset: self.offset,
            itemsize: self.itemsize,
            nbytes: resolved.nbytes.cast_unsigned(),
            // The declaration is writable, so only an overlap makes the layout read-only.
            overlaps: resolved.facts.readonly,
        })
    }
}
