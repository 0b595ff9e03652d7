//! The box of a traced view, which contains the `Py_buffer.internal` that the view would have otherwise.

use std::ffi::c_void;
use std::ptr::NonNull;

use super::holder::Holding;
use super::registry::{self, Noted, Texts};
use crate::cell::Header;
use crate::memory::{NoMemory, boxed};

/// What a traced view owns. The alignment leaves the low bits of its address free for a tag.
#[repr(align(16))]
struct Traced {
    /// The `internal` that the view would have otherwise.
    inner: *mut c_void,
    /// The block of the view. Its address is the key of the notes.
    block: NonNull<Header>,
    note: Noted,
}

/// What a traced view stores in `Py_buffer.internal`: the address of its own box, with a tag that other views do not
/// have.
///
/// As in other tickets, the highest of the tag's four bits is set, so a pointer to the start of an allocation is never
/// mistaken for one, whatever its lowest three bits are. The lowest bit is not set, which tells it from the other
/// tickets.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub(crate) struct TracedView(NonNull<Traced>);

impl TracedView {
    const LOW_BITS: usize = align_of::<Traced>() - 1;
    const TAG: usize = 0b1110;
    /// No allocation is below this address.
    const LOWEST: usize = 4096;

    pub(super) fn to_internal(self) -> *mut c_void {
        self.0.as_ptr().map_addr(|address| address | Self::TAG).cast()
    }

    /// Finds the box of a traced view. `None` if `internal` is not that of a traced view.
    pub(crate) fn from_internal(internal: *mut c_void) -> Option<Self> {
        let untagged = internal.addr().wrapping_sub(Self::TAG);
        if untagged & Self::LOW_BITS != 0 || untagged < Self::LOWEST {
            return None;
        }
        NonNull::new(internal.with_addr(untagged).cast()).map(Self)
    }

    /// Ends the tracing of a view: forgets its note, frees its box, and returns the `internal` that was in it.
    ///
    /// # Safety
    ///
    /// `self` is from the `internal` of a traced view that is being released, and is not used afterwards.
    pub(crate) unsafe fn unwrap(self) -> *mut c_void {
        // SAFETY: the caller vouches that the view owns the box, and that the box is freed once.
        let traced = unsafe { Box::from_raw(self.0.as_ptr()) };
        registry::forget(traced.note, traced.block.addr());
        traced.inner
    }
}

/// The box of a view that is about to be noted.
pub(super) struct Unnoted(Box<Traced>);

impl Unnoted {
    pub(super) fn around(inner: *mut c_void, block: NonNull<Header>) -> Result<Self, NoMemory> {
        boxed(Traced { inner, block, note: Noted::NOWHERE }).map(Self)
    }

    /// Takes the note, and transfers the box to the view. `None` if the note cannot be taken.
    pub(super) fn noted(
        mut self,
        place: Option<Texts<'_>>,
        thread: Option<&str>,
        holding: Holding,
    ) -> Option<TracedView> {
        self.0.note = registry::note(self.0.block.addr(), place, thread, holding)?;
        // The pointer of a Box is not null.
        NonNull::new(Box::into_raw(self.0)).map(TracedView)
    }
}
