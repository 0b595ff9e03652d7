//! A layout that is known only at run time, checked before it is declared.

use super::resolve::{self, Memory};
use super::{Declaration, Descriptor, Dim, InnerShape, Item, LayoutError, Order, Placement};

/// Shape, strides and offset over bytes, to be checked where they come from: in a constructor, say, so that a mistake is
/// found there and not at the first view.
///
/// ```
/// use buffer_runtime::Layout;
///
/// // The odd items of ten two-byte items, backwards.
/// let layout = Layout { itemsize: 2, shape: &[5], strides: Some(&[-4]), offset: 18 };
/// layout.check(20)?;
/// assert!(layout.check(19).is_err());
/// # Ok::<(), buffer_runtime::LayoutError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Layout<'a> {
    /// The size of one item in bytes.
    pub itemsize: usize,
    /// How many items there are along each dimension.
    pub shape: &'a [isize],
    /// How many bytes lie between neighbours along each dimension; without them the items lie one after the other in C
    /// order.
    pub strides: Option<&'a [isize]>,
    /// Where the item with all indices 0 is, in bytes from the start.
    pub offset: isize,
}

impl Layout<'_> {
    /// Whether all items lie inside so many bytes. A class that declares these numbers then grants views.
    ///
    /// # Errors
    ///
    /// What is wrong with the numbers.
    pub fn check(&self, bytes: usize) -> Result<(), LayoutError> {
        self.resolve(bytes).map(|_| ())
    }

    /// The strides, in bytes: those that were given, or those of items in C order.
    ///
    /// # Errors
    ///
    /// What is wrong with the numbers, whatever the size of the memory.
    pub fn strides(&self) -> Result<Vec<isize>, LayoutError> {
        let ndim = self.shape.len();
        match self.strides {
            Some(strides) if strides.len() == ndim => Ok(strides.to_vec()),
            Some(strides) => Err(LayoutError::StridesMismatch { strides: strides.len(), ndim }),
            None => {
                Ok(Layout { offset: 0, ..*self }.resolve(isize::MAX.cast_unsigned())?[ndim + 1..=2 * ndim].to_vec())
            }
        }
    }

    /// The numbers of the layout, as `resolve` writes them.
    fn resolve(&self, bytes: usize) -> Result<Vec<isize>, LayoutError> {
        let descriptor = Descriptor {
            format: c"B",
            itemsize: 1,
            ndim: 0,
            order: Order::C,
            placement: Placement::Strided,
            readonly: false,
            inner: InnerShape::SCALAR,
            natural: false,
        };
        let dims = |numbers: &[isize]| numbers.iter().copied().map(Dim::Extent).collect::<Vec<_>>();
        let extents = dims(self.shape);
        let strides = self.strides.map(dims);
        let declared = Declaration {
            extents: Some(&extents),
            offset: Some(Dim::Extent(self.offset)),
            strides: strides.as_deref(),
            item: Some(Item { format: c"", itemsize: self.itemsize }),
            readonly: false,
        };
        let memory = Memory { len: bytes, row_len: None };
        let ndim = resolve::ndim(&descriptor, memory, &declared)?;
        let mut numbers = vec![0; resolve::count_of_numbers(ndim)];
        resolve::resolve(&descriptor, memory, &declared, &mut numbers)?;
        Ok(numbers)
    }
}
