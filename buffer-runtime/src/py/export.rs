//! Granting a view: from the lock's word to a filled `Py_buffer`.
//!
//! Decide, then act: nothing is written into the `Py_buffer` but `obj = NULL` until the view is certain.

use std::ptr::{self, NonNull};

use pyo3::ffi;

use super::class::{Cell, Exporter};
use crate::cell::{Header, Published};
use crate::error::{Blocker, ViewError};
use crate::layout::Descriptor;
use crate::lock::{Access, Entry, Lock, Wants};
use crate::request::{self, Answer, Facts, Flags, Refusal};

const _: () = {
    assert!(Flags::WRITABLE == ffi::PyBUF_WRITABLE);
    assert!(Flags::FORMAT == ffi::PyBUF_FORMAT);
    assert!(Flags::ND == ffi::PyBUF_ND);
    assert!(Flags::STRIDES == ffi::PyBUF_STRIDES);
    assert!(Flags::C_CONTIGUOUS == ffi::PyBUF_C_CONTIGUOUS);
    assert!(Flags::F_CONTIGUOUS == ffi::PyBUF_F_CONTIGUOUS);
    assert!(Flags::ANY_CONTIGUOUS == ffi::PyBUF_ANY_CONTIGUOUS);
    assert!(Flags::INDIRECT == ffi::PyBUF_INDIRECT);
    assert!(Flags::READ == ffi::PyBUF_READ);
    assert!(Flags::WRITE == ffi::PyBUF_WRITE);
    assert!(crate::layout::MAX_NDIM == ffi::PyBUF_MAX_NDIM);
    assert!(size_of::<isize>() == size_of::<ffi::Py_ssize_t>());
};

/// How a try to grant a view ended, if not in an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    /// The `Py_buffer` is filled.
    Granted,
    /// It would be the first view, and the extents are not evaluated.
    LayoutNeeded,
    /// Another thread was faster; everything is to be asked again.
    Again,
}

/// A view that the lock counts but that is not granted yet. Dropped, it never was.
struct Counted<'a> {
    lock: &'a Lock,
    access: Access,
    claimed: bool,
}

impl Counted<'_> {
    #[inline(always)]
    fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Counted<'_> {
    #[cold]
    fn drop(&mut self) {
        // Never the last to go: whoever asks for a view has a living owner.
        let _ = if self.claimed { self.lock.abandon(self.access) } else { self.lock.release(self.access) };
    }
}

/// Tries once to grant a view of `class`'s cell.
///
/// `dims` is asked only when this is the first view. It must not run user code: the lock has been read by then.
///
/// # Safety
///
/// Attached. `object` is the Python object that `class` is the value of, and `view` points to a `Py_buffer` to fill.
#[inline(always)]
pub(super) unsafe fn try_grant<T: Exporter>(
    class: &T,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    dims: impl FnOnce() -> Option<T::Dims>,
) -> Result<Tried, ViewError> {
    if T::READONLY && flags.writable() {
        return Err(Refusal::ReadOnly.into());
    }
    let blocked = |blocker| ViewError::Blocked { writable: flags.writable(), blocker };
    let cell = class.cell().cell();
    let header = cell.header();
    let lock = &header.lock;
    let descriptor = T::descriptor();
    let admission = lock.admit(Wants { may_write: !T::READONLY, must_write: flags.writable() }).map_err(blocked)?;
    let access = admission.access();
    let ticket = Ticket { header: cell.address(), access };

    if admission.is_first() {
        let Some(dims) = dims() else { return Ok(Tried::LayoutNeeded) };
        if lock.claim(&admission) != Entry::Entered {
            return Ok(Tried::Again);
        }
        let claim = Counted { lock, access, claimed: true };
        // SAFETY: this thread has claimed the first view and not published yet.
        unsafe { header.resolve(descriptor, dims.as_ref()) }?;
        // SAFETY: as above, and the layout was resolved.
        let published = unsafe { header.published() };
        let answer = request::answer(flags, facts(published, access))?;
        lock.publish();
        claim.keep();
        // SAFETY: the view is counted, its layout published, and the rest is the caller's word.
        unsafe { fill(header.data(), published, answer, descriptor, ticket, object, view) };
    } else {
        match lock.join(&admission) {
            Entry::Entered => {}
            Entry::Changed => return Ok(Tried::Again),
            Entry::Unpublished => return Err(blocked(Blocker::Publishing)),
        }
        let joined = Counted { lock, access, claimed: false };
        // SAFETY: the view is counted, and the lock says that the layout is published.
        let published = unsafe { header.published() };
        if !published.is_of(descriptor) {
            return Err(ViewError::ForeignLayout);
        }
        let answer = request::answer(flags, facts(published, access))?;
        joined.keep();
        // SAFETY: as above.
        unsafe { fill(header.data(), published, answer, descriptor, ticket, object, view) };
    }
    Ok(Tried::Granted)
}

#[inline(always)]
fn facts(published: &Published, access: Access) -> Facts {
    Facts { readonly: access == Access::ReadOnly, ..published.facts }
}

/// Copies an answer into the `Py_buffer`, which then owns a reference to the object.
///
/// # Safety
///
/// Attached. The view that the ticket stands for is counted, and `data` and `published` are what it views; `object` is
/// alive, and `view` may be written.
#[inline(always)]
unsafe fn fill(
    data: *mut u8,
    published: &Published,
    answer: Answer,
    descriptor: &'static Descriptor,
    ticket: Ticket,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
) {
    fn given<T>(wanted: bool, pointer: *mut T) -> *mut T {
        if wanted { pointer } else { ptr::null_mut() }
    }

    // SAFETY: attached, and the object is alive.
    unsafe { ffi::Py_INCREF(object) };
    let filled = ffi::Py_buffer {
        buf: data.cast(),
        obj: object,
        len: published.nbytes,
        itemsize: descriptor.itemsize.cast_signed(),
        readonly: i32::from(ticket.access == Access::ReadOnly),
        #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "at most 64")]
        ndim: answer.ndim as i32,
        format: given(answer.format, descriptor.format.as_ptr().cast_mut()),
        shape: given(answer.shape, published.shape()),
        strides: given(answer.strides, published.strides),
        suboffsets: ptr::null_mut(),
        internal: ticket.to_internal().cast(),
    };
    // SAFETY: the caller vouches that the view may be written.
    unsafe { view.write(filled) };
}

/// What a view keeps in `Py_buffer.internal`: the block's address, and in its low bits a tag and the view's access.
///
/// CPython can hand our release a `Py_buffer` that another exporter filled. Its `internal` is NULL or some pointer of
/// its own; an odd number with our tag is neither.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    pub(super) header: NonNull<Header>,
    pub(super) access: Access,
}

impl Ticket {
    const LOW_BITS: usize = align_of::<Header>() - 1;
    const READONLY: usize = 0b10_0000;
    const TAG: usize = 0b01_0111;

    #[inline(always)]
    fn to_internal(self) -> *mut Header {
        let tag = match self.access {
            Access::Writable => Self::TAG,
            Access::ReadOnly => Self::TAG | Self::READONLY,
        };
        self.header.as_ptr().map_addr(|address| address | tag)
    }

    /// Reads back what a view keeps, or `None` if it is not one of ours.
    #[inline(always)]
    pub(super) fn from_internal(internal: *mut Header) -> Option<Self> {
        let tag = internal.addr() & Self::LOW_BITS;
        if tag & !Self::READONLY != Self::TAG {
            return None;
        }
        let header = NonNull::new(internal.map_addr(|address| address & !Self::LOW_BITS))?;
        let access = if tag & Self::READONLY == 0 { Access::Writable } else { Access::ReadOnly };
        Some(Self { header, access })
    }
}
