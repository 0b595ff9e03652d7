//! From a cell to its block.

use std::ptr::NonNull;

use super::block::{Block, Header};
use super::{ExportCell, unconstructed};

impl<S> ExportCell<S> {
    /// The block of a cell that was constructed.
    ///
    /// # Safety
    ///
    /// The cell was constructed, as any cell was of which a guard has begun.
    #[inline(always)]
    pub(super) unsafe fn block(&self) -> NonNull<Block<S>> {
        // SAFETY: a constructed cell has a block.
        unsafe { NonNull::new_unchecked(self.block) }.cast()
    }
}

impl<S: ?Sized> ExportCell<S> {
    /// The address that a view stores, or `None` in a cell that was never constructed. Unlike a reference to the
    /// header, it may be used to access the whole block.
    #[inline(always)]
    pub(crate) fn own_address(&self) -> Option<NonNull<Header>> {
        NonNull::new(self.block)
    }

    /// The same, but `None` also if a view of it cannot be written to `view` because that is NULL.
    ///
    /// One comparison decides both, so `None` may also mean that the two addresses happen to have no bit in common. So
    /// only a fast path may ask, which leaves such a request to a slow one.
    #[inline(always)]
    pub(crate) fn own_address_unless_null<V>(&self, view: *mut V) -> Option<NonNull<Header>> {
        if self.block.addr() & view.addr() == 0 {
            return None;
        }
        // SAFETY: a bit of the address is set.
        Some(unsafe { NonNull::new_unchecked(self.block) })
    }

    /// The same address, or that of a closed header in a cell that was never constructed. Only the header may be
    /// accessed, until a view or a guard has begun.
    #[inline(always)]
    pub(crate) fn address(&self) -> NonNull<Header> {
        match self.own_address() {
            Some(address) => address,
            None => unconstructed::header(),
        }
    }

    #[inline(always)]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: views do not free the block as long as its owner is alive (invariant 6), and references to the header
        // are always shared ones (invariant 7). The stand-in for a block lives for ever.
        unsafe { &*self.address().as_ptr() }
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    #[test]
    fn a_null_view_is_found_without_a_comparison_of_its_own() {
        let cell = ExportCell::new(vec![1_u8]);
        let own = cell.own_address();
        let found = |view: usize| cell.own_address_unless_null(ptr::without_provenance_mut::<u8>(view));
        assert_eq!(found(0), None);
        assert_eq!(found(usize::MAX), own);
        assert_eq!(found(own.unwrap().addr().get()), own);
        // This only makes the request slower.
        assert_eq!(found(!own.unwrap().addr().get()), None);
    }
}
