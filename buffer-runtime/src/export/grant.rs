//! Granting a view: from the lock's word to a filled `Py_buffer`.
//!
//! Decide, then act: nothing is written into the `Py_buffer` but `obj = NULL` until the view is certain.

use std::borrow::Borrow;
use std::ffi::c_int;
use std::mem::offset_of;
use std::ptr;

use pyo3::ffi;

use super::class::{Cell, Exporter, readonly};
use crate::cell::{Description, Header, Published, Ticket};
use crate::error::{Blocker, ViewError};
use crate::layout::Dims;
use crate::lock::{Access, Entry, Lock, Wants};
use crate::request::{self, Answer, Facts, Flags, Refusal};
use crate::storage::Exportable;

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
    // Its type depends on the version of Python.
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)]
    let most = ffi::PyBUF_MAX_NDIM as usize;
    assert!(crate::layout::MAX_NDIM == most);
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
    fn downgrade(&mut self) -> Result<(), Blocker> {
        if !self.lock.downgrade() {
            return Err(Blocker::Full);
        }
        self.access = Access::ReadOnly;
        Ok(())
    }

    fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        // Never the last to go: whoever asks for a view has a living owner.
        let _ = if self.claimed { self.lock.abandon(self.access) } else { self.lock.release(self.access) };
    }
}

/// Grants a view in the common case, with the same outcome as [`try_grant`]: no guard is held, and the layout is published,
/// or what it was the last time. In any other case nothing has changed, and the answer is `false`.
///
/// `dims` is asked only when this is the first view. It must not run user code: the lock has been read by then.
///
/// # Safety
///
/// As for [`try_grant`].
#[inline(always)]
pub(super) unsafe fn grant_fast<T: Exporter<Cell: Cell>, const PINS: bool>(
    class: &T::Class,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    dims: impl FnOnce() -> Option<T::Dims>,
) -> bool {
    let access = if readonly::<T>() { Access::ReadOnly } else { Access::Writable };
    let cell = T::cell(class).cell();
    let header = cell.header();
    let lock = &header.lock;
    let descriptor = T::descriptor();
    let Some(admission) = lock.admit_unguarded(access) else { return false };
    let layout_is_ours = if admission.is_first() {
        // Rows are never granted here, so there is no need to ask whether they are as long as before; nor are storages
        // whose layout may have changed where their length has not.
        if <T::Cell as Cell>::Storage::INDIRECT || <T::Cell as Cell>::Storage::STRIDED {
            return false;
        }
        let Some(dims) = dims() else { return false };
        if lock.claim(&admission) != Entry::Entered {
            return false;
        }
        // SAFETY: this thread has claimed the first view and not published yet.
        let resolved = unsafe { header.is_resolved(descriptor, &dims) };
        if resolved {
            lock.publish();
        } else {
            // Never the last to go: whoever asks for a view has a living owner.
            let _ = lock.abandon(access);
            return false;
        }
        true
    } else {
        if lock.join(&admission) != Entry::Entered {
            return false;
        }
        // SAFETY: the view is counted, and the lock says that the layout is published.
        unsafe { header.published() }.is_of(descriptor)
    };
    // SAFETY: the view is counted and its layout published.
    let published = unsafe { header.published() };
    if layout_is_ours && published.full.has(flags) {
        if PINS && T::PIN {
            header.pin.set(access);
        }
        // SAFETY: the rest is the caller's word.
        unsafe { fill(buf(header, published), &published.description, object, view) };
        return true;
    }
    let _ = lock.release(access);
    false
}

/// Tries once to grant a view of `class`'s cell.
///
/// `dims` is asked only when this is the first view. It must not run user code: the lock has been read by then.
///
/// # Safety
///
/// Attached. `object` is the Python object that `class` is the value of, and `view` points to a `Py_buffer` to fill.
pub(super) unsafe fn try_grant<T: Exporter<Cell: Cell>, D: Borrow<T::Dims>, const PINS: bool>(
    class: &T::Class,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
    dims: impl FnOnce() -> Option<D>,
) -> Result<Tried, ViewError> {
    if readonly::<T>() && flags.writable() {
        return Err(Refusal::ReadOnly.into());
    }
    let blocked = |blocker| ViewError::Blocked { writable: flags.writable(), blocker };
    let cell = T::cell(class).cell();
    let header = cell.header();
    let lock = &header.lock;
    let descriptor = T::descriptor();
    let admission = lock.admit(Wants { may_write: !readonly::<T>(), must_write: flags.writable() }).map_err(blocked)?;
    let access = admission.access();
    let claimed = admission.is_first();

    let mut counted = if claimed {
        let Some(dims) = dims() else { return Ok(Tried::LayoutNeeded) };
        if lock.claim(&admission) != Entry::Entered {
            return Ok(Tried::Again);
        }
        let counted = Counted { lock, access, claimed };
        // SAFETY: the cell keeps its block alive, and this thread has claimed the first view and not published yet.
        unsafe { Header::resolve(cell.address(), descriptor, &dims.borrow().declaration(descriptor)) }?;
        counted
    } else {
        match lock.join(&admission) {
            Entry::Entered => {}
            Entry::Changed => return Ok(Tried::Again),
            Entry::Unpublished => return Err(blocked(Blocker::Publishing)),
        }
        Counted { lock, access, claimed }
    };
    // SAFETY: the first view was claimed and its layout resolved, or a view was counted after the layout was published.
    let published = unsafe { header.published() };
    if !published.is_of(descriptor) {
        return Err(ViewError::ForeignLayout);
    }
    // Overlapping items make a layout read-only in a class that is not.
    if published.facts.readonly && counted.access == Access::Writable {
        if flags.writable() {
            return Err(Refusal::ReadOnly.into());
        }
        counted.downgrade().map_err(blocked)?;
    }
    let access = counted.access;
    let readonly = access == Access::ReadOnly;
    let answer = request::answer(flags, Facts { readonly, ..published.facts })?;

    if claimed {
        lock.publish();
    }
    if PINS && T::PIN {
        header.pin.set(access);
    }
    counted.keep();
    let internal = Ticket { block: cell.address(), access }.to_internal();
    let description = described(published, answer, readonly, internal);
    // SAFETY: the view is counted, its layout published, and the rest is the caller's word.
    unsafe { fill(buf(header, published), &description, object, view) };
    Ok(Tried::Granted)
}

const _: () = {
    const START: usize = offset_of!(ffi::Py_buffer, len);
    assert!(offset_of!(Description, len) + START == offset_of!(ffi::Py_buffer, len));
    assert!(offset_of!(Description, itemsize) + START == offset_of!(ffi::Py_buffer, itemsize));
    assert!(offset_of!(Description, readonly) + START == offset_of!(ffi::Py_buffer, readonly));
    assert!(offset_of!(Description, ndim) + START == offset_of!(ffi::Py_buffer, ndim));
    assert!(offset_of!(Description, format) + START == offset_of!(ffi::Py_buffer, format));
    assert!(offset_of!(Description, shape) + START == offset_of!(ffi::Py_buffer, shape));
    assert!(offset_of!(Description, strides) + START == offset_of!(ffi::Py_buffer, strides));
    assert!(offset_of!(Description, suboffsets) + START == offset_of!(ffi::Py_buffer, suboffsets));
    assert!(offset_of!(Description, internal) + START == offset_of!(ffi::Py_buffer, internal));
    assert!(size_of::<Description>() + START == size_of::<ffi::Py_buffer>());
};

/// What a request is answered with: of all that a layout says, what was asked for.
pub(super) fn described(layout: &Published, answer: Answer, readonly: bool, internal: *mut Header) -> Description {
    let given = |wanted, array: *mut isize| if wanted { array } else { ptr::null_mut() };
    let all = layout.description;
    Description {
        readonly: c_int::from(readonly),
        #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "at most 64")]
        ndim: answer.ndim as c_int,
        format: if answer.format { all.format } else { ptr::null() },
        shape: given(answer.shape, all.shape),
        strides: given(answer.strides, all.strides),
        suboffsets: given(answer.suboffsets, all.suboffsets),
        internal,
        ..all
    }
}

/// Where the first item of a view is.
#[inline(always)]
pub(super) fn buf(header: &Header, published: &Published) -> *mut u8 {
    // Inside the storage, or at its end where there are no items: `layout::resolve` has checked it.
    header.data().wrapping_add(published.offset)
}

/// Fills a `Py_buffer`, which then owns a reference to the object.
///
/// # Safety
///
/// Attached. The view that the description's ticket stands for is counted, `buf` and the description are of its layout;
/// `object` is alive, and `view` may be written.
#[inline(always)]
pub(super) unsafe fn fill(
    buf: *mut u8,
    description: &Description,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
) {
    // SAFETY: attached, and the object is alive.
    unsafe { ffi::Py_INCREF(object) };
    // SAFETY: the caller vouches for the view.
    unsafe { (*view).buf = buf.cast() };
    // SAFETY: as above.
    unsafe { (*view).obj = object };
    // SAFETY: as above.
    let rest = unsafe { &raw mut (*view).len };
    // SAFETY: from `len` on a `Py_buffer` has the fields of a description, as is asserted above.
    unsafe { rest.cast::<Description>().write(*description) };
}
