//! What a view of a part stores in `Py_buffer.internal`.

use std::ffi::c_void;
use std::ptr::NonNull;

use super::part_view::PartView;
use super::ticket::Ticket;

/// The address of its [`PartView`], which no other view refers to, with a different tag than a [`Ticket`].
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub(crate) struct PartTicket(pub(crate) NonNull<PartView>);

impl PartTicket {
    const TAG: usize = 0b1001;

    pub(crate) fn to_internal(self) -> *mut c_void {
        self.0.as_ptr().map_addr(|address| address | Self::TAG).cast()
    }

    /// Reads back the ticket of a view of a part, or `None` if `internal` is not one.
    #[inline(always)]
    pub(crate) fn from_internal(internal: *mut c_void) -> Option<Self> {
        const { assert!(align_of::<PartView>() > Ticket::LOW_BITS) }
        Ticket::untagged(internal, Self::TAG).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;
    use crate::lock::ViewKind;

    #[test]
    fn a_part_reads_back_what_was_written_and_is_no_other_ticket() {
        let part = PartTicket(NonNull::without_provenance(std::num::NonZero::new(0x7f00_1234_5640).unwrap()));
        assert_eq!(PartTicket::from_internal(part.to_internal()).unwrap().0, part.0);
        assert!(Ticket::from_internal(part.to_internal()).is_none());
    }

    #[test]
    fn what_others_keep_is_no_part() {
        let base = 0x7f00_1234_5640_usize;
        let others = (0..4096).chain((0..64).filter(|&low| low % 16 != PartTicket::TAG).map(|low| base | low));
        for internal in others {
            assert!(PartTicket::from_internal(ptr::without_provenance_mut(internal)).is_none(), "{internal:#x}");
        }
        for access in [ViewKind::Writable, ViewKind::ReadOnly] {
            let block = NonNull::without_provenance(std::num::NonZero::new(base).unwrap());
            assert!(PartTicket::from_internal(Ticket { block, access }.to_internal()).is_none(), "{access:?}");
        }
    }
}
