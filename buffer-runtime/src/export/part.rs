//! Views of a part: memory of another object, under that object's lock, in a layout of one's own.
//!
//! A view of a part holds a view of the whole, which is granted and counted like any other. What the part declares is
//! resolved against all of the whole's memory, whatever the whole itself shows of it.

use std::ffi::{CStr, c_int};
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use pyo3::exceptions::PyBufferError;
use pyo3::impl_::trampoline::{MethodDef, getbufferproc};
use pyo3::{Py, PyResult, Python, ffi};

use super::class::{Exported, Exporter, ShapeSource};
use super::cold::{MAX_EVALUATIONS, evaluate, release, with_class_of};
use super::grant::{buf, described, fill};
use crate::cell::{Description, Header, PartView, Ticket};
use crate::error::{Blocker, ViewError};
use crate::exception::{Text, with_none_pending};
use crate::layout::{Declaration, Dims, Item};
use crate::lock::Access;
use crate::request::{self, Flags, Refusal};

/// `bf_getbuffer` of a class that shows a part of a `W`.
///
/// # Safety
///
/// As CPython calls it: attached, with an object of `T::Class` or of a subclass. `view` may be NULL.
pub(super) unsafe extern "C" fn getbuffer_part<T: Exporter<Cell = Py<W>>, W: Exported>(
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> c_int {
    // SAFETY: CPython calls slots attached.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: as the caller vouches.
    let get = || unsafe { getbufferproc::<PartGet<T, W>>(slf, view, flags) };
    with_none_pending(py, get, |&status| status != 0)
}

struct PartGet<T, W>(PhantomData<(T, W)>);

impl<T: Exporter<Cell = Py<W>>, W: Exported> MethodDef<getbufferproc::Func> for PartGet<T, W> {
    const METH: getbufferproc::Func = get::<T, W>;
}

/// # Safety
///
/// As for [`getbuffer_part`].
#[expect(clippy::unnecessary_wraps, reason = "the trampoline's signature")]
unsafe fn get<T: Exporter<Cell = Py<W>>, W: Exported>(
    py: Python<'_>,
    slf: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: c_int,
) -> PyResult<c_int> {
    // SAFETY: as the caller vouches, and `class` is the value of the object.
    let get = |class: &T::Class| unsafe { grant::<T, W>(py, class, slf, view, Flags(flags)) };
    // SAFETY: as the caller vouches.
    Ok(unsafe { with_class_of::<T>(py, slf, view, get) })
}

/// Grants a view of the part that `class` shows. Where the whole grants none, what it has set stays set, and the answer is -1.
///
/// # Safety
///
/// `object` is the Python object that `class` is the value of, and `view` points to a `Py_buffer` to fill.
unsafe fn grant<T: Exporter<Cell = Py<W>>, W: Exported>(
    py: Python<'_>,
    class: &T::Class,
    object: *mut ffi::PyObject,
    view: *mut ffi::Py_buffer,
    flags: Flags,
) -> PyResult<c_int> {
    if flags.is_mistaken() {
        return Err(ViewError::from(Refusal::Mistaken).into());
    }
    if (T::READONLY || W::ENTRY.readonly) && flags.writable() {
        return Err(ViewError::from(Refusal::ReadOnly).into());
    }
    let blocked = |blocker| ViewError::Blocked { writable: flags.writable(), blocker };
    let descriptor = T::descriptor();
    let mut misfit = None;
    for evaluations in 1.. {
        // Before the whole is held, so that the expressions may borrow it as they like.
        let dims = match T::SOURCE {
            ShapeSource::Code => evaluate::<T>(py, class)?,
            ShapeSource::Storage | ShapeSource::Fields => T::dims(class)?,
        };
        let Some(mut whole) = Whole::of(py, T::cell(class), flags.writable())? else { break };
        let bytes = whole.header().bytes();
        let declared = whole.as_declared(dims.declaration(descriptor))?;
        let mut part = match PartView::new(whole.ticket, descriptor, &declared, bytes) {
            Ok(part) => part,
            // The whole may have grown or shrunk since the expressions looked at it, or because they did.
            Err(_)
                if T::SOURCE == ShapeSource::Code
                    && misfit.replace(bytes) != Some(bytes)
                    && evaluations < MAX_EVALUATIONS =>
            {
                continue;
            }
            Err(error) => return Err(ViewError::from(error).into()),
        };
        let facts = part.layout().facts;
        let answer = request::answer(flags, facts).map_err(ViewError::from)?;
        if facts.readonly {
            whole.downgrade().map_err(blocked)?;
            part.set_ticket(whole.ticket);
        }
        if let Some(pin) = W::ENTRY.pin {
            let internal = whole.ticket.to_internal().cast();
            // SAFETY: attached; the object is of the class whose entry it is, and the view is counted.
            let pinned = unsafe { pin(T::cell(class).as_ptr(), internal) };
            if !pinned {
                let text =
                    "cannot grant a view: another thread is changing the object whose memory it would pin; try again";
                return Err(PyBufferError::new_err(Text::from(text)));
            }
        }
        let buf = buf(whole.header(), part.layout());
        let all = described(part.layout(), answer, facts.readonly, std::ptr::null_mut());
        whole.keep();
        let description = Description { internal: part.leave(), ..all };
        // SAFETY: the view of the whole is counted and left to this one, the description is of a layout that is left to it
        // as well, and the caller vouches for the object and the view.
        unsafe { fill(buf, &description, object, view) };
        return Ok(0);
    }
    Ok(-1)
}

/// A view of the whole, which is given back unless it is kept.
struct Whole<'py> {
    py: Python<'py>,
    ticket: Ticket,
    format: *const std::ffi::c_char,
    itemsize: usize,
}

impl<'py> Whole<'py> {
    /// Asks the whole for a view, as any consumer would. `None` where it has refused, and an exception is set.
    fn of<W: Exported>(py: Python<'py>, whole: &Py<W>, must_write: bool) -> PyResult<Option<Self>> {
        let flags = ffi::PyBUF_FULL_RO | if must_write { ffi::PyBUF_WRITABLE } else { 0 };
        let mut view = MaybeUninit::<ffi::Py_buffer>::zeroed();
        // SAFETY: attached, as the token says; the object is of the class whose entry it is, and the view may be written.
        let status = unsafe { (W::ENTRY.getbuffer)(whole.as_ptr(), view.as_mut_ptr(), flags) };
        if status != 0 {
            // Not to be taken as a `PyErr`: that would resume a panic which PyO3 has made an exception of.
            return Ok(None);
        }
        // SAFETY: all zeros is a valid `Py_buffer`, and so is a granted one.
        let view = unsafe { view.assume_init() };
        // The block outlives the view without it.
        // SAFETY: attached; a granted view owns a reference, which `whole` outlives.
        unsafe { ffi::Py_DECREF(view.obj) };
        let ticket = Ticket::from_internal(view.internal.cast()).expect("a whole cell's views have such tickets");
        let whole = Self { py, ticket, format: view.format, itemsize: view.itemsize.cast_unsigned() };
        if whole.header().kind.indirect {
            let text = "cannot grant a view: it would be part of rows that are allocated one by one; slice a memoryview of all \
                        of them instead";
            return Err(PyBufferError::new_err(Text::from(text)));
        }
        Ok(Some(whole))
    }

    fn header(&self) -> &Header {
        // SAFETY: the view is counted, so its block is alive.
        unsafe { self.ticket.block.as_ref() }
    }

    /// What a part declares, with the whole's items where it declares none.
    fn as_declared<'a>(&'a self, declared: Declaration<'a>) -> PyResult<Declaration<'a>> {
        // SAFETY: a request for everything is answered with a format, which stays while the view is counted.
        let format = unsafe { CStr::from_ptr(self.format) };
        let item = match declared.item {
            None => Item { format, itemsize: self.itemsize },
            Some(item) if format == c"B" => item,
            Some(_) => {
                let text = format!(
                    "cannot grant a view: `format` says what bytes are, but the items of the whole are {format:?}; remove \
                     `format`, or store bytes"
                );
                return Err(PyBufferError::new_err(Text::from(text)));
            }
        };
        let readonly = declared.readonly || self.ticket.access == Access::ReadOnly;
        Ok(Declaration { item: Some(item), readonly, ..declared })
    }

    /// Counts the view as one that cannot write.
    fn downgrade(&mut self) -> Result<(), Blocker> {
        if self.ticket.access == Access::Writable {
            if !self.header().lock.downgrade() {
                return Err(Blocker::Full);
            }
            self.ticket.access = Access::ReadOnly;
        }
        Ok(())
    }

    /// Leaves it to a view of a part.
    fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Whole<'_> {
    fn drop(&mut self) {
        // SAFETY: the view is counted, and goes here.
        unsafe { release(self.py, self.ticket) };
    }
}
