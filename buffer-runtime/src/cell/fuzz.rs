//! What a fuzzer drives: one cell, the classes that export it, their views, and the guards of Rust.
//!
//! Views are granted and released by the functions that the slots call. There is no interpreter; everything runs on the
//! one thread that a fuzzer has, which counts as attached.
#![expect(missing_docs, reason = "the fields are those of a `Py_buffer`, and the methods those of a cell")]

use std::ffi::{CStr, c_int};
use std::mem::{self, MaybeUninit};
use std::{ptr, slice};

use super::{Denied, Description, ExportCell, Header, ReadGuard, ShareGuard, Ticket, WriteGuard, grant};
use crate::error::Attempt;
use crate::layout::{Descriptor, Evaluated, InnerShape, Order};
use crate::lock::GuardKind;
use crate::request::Flags;
use crate::storage::{MayWrite, Replaceable};

/// What a class over bytes declares at compile time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// The storage's own shape; otherwise that of `ndim` and `placement`.
    pub natural: bool,
    pub order: Order,
    pub readonly: bool,
}

impl Class {
    /// The static descriptor of a class. It is leaked: a fuzzer creates few.
    pub fn leak(self) -> &'static Descriptor {
        let Self { natural, order, readonly } = self;
        let inner = &InnerShape::SCALAR;
        Box::leak(Box::new(Descriptor {
            format: c"B",
            itemsize: 1,
            order,
            readonly,
            inner: Box::leak(Box::new(inner)),
            natural,
        }))
    }
}

/// The kinds of guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Borrow {
    Read,
    Share,
    Write,
}

enum Guard<S: Replaceable<Access: MayWrite> + 'static> {
    Read(ReadGuard<'static, S>),
    Share(ShareGuard<'static, S>),
    Write(WriteGuard<'static, S>),
}

/// A cell with the guards that borrow it.
///
/// 1. Guards are dropped before the cell is, and no guard exists while the cell is borrowed mutably. (Leaked guards are
///    not used.)
pub struct Subject<S: Replaceable<Access: MayWrite> + 'static> {
    guards: Vec<Guard<S>>,
    cell: *mut ExportCell<S>,
}

impl<S: Replaceable<Access: MayWrite> + 'static> Subject<S> {
    pub fn new(storage: S) -> Self {
        Self { guards: Vec::new(), cell: Box::into_raw(Box::new(ExportCell::new(storage))) }
    }

    fn cell(&self) -> &'static ExportCell<S> {
        // SAFETY: the cell is a Box until `drop`; whatever borrows it ends before (invariant 1).
        unsafe { &*self.cell }
    }

    fn cell_mut(&mut self) -> &mut ExportCell<S> {
        assert!(self.guards.is_empty(), "guards borrow the cell");
        // SAFETY: as above, and no guard exists (invariant 1).
        unsafe { &mut *self.cell }
    }

    pub fn views(&self) -> usize {
        self.cell().views()
    }

    pub fn len(&self) -> usize {
        self.cell().len()
    }

    pub fn is_empty(&self) -> bool {
        self.cell().is_empty()
    }

    pub fn is_closed(&self) -> bool {
        self.cell().is_closed()
    }

    pub fn is_pinned(&self) -> bool {
        self.cell().is_pinned()
    }

    /// The address of the memory.
    pub fn data(&self) -> usize {
        self.cell().header().data().addr()
    }

    /// A request, as the slot of this class makes it.
    ///
    /// # Errors
    ///
    /// Why it was refused.
    pub fn view<D: Evaluated>(
        &self,
        class: &'static Descriptor,
        pins: bool,
        flags: i32,
        dims: &D,
    ) -> Result<View, String> {
        // SAFETY: the cell is alive until `drop`, and no other thread refers to it.
        let granted = unsafe { grant(self.cell().address(), class, Flags(flags), || Some(dims)) };
        let grant = granted.map_err(|denied| match denied {
            Denied::Misfit { error, .. } => error.to_string(),
            Denied::Refused(error) => error.to_string(),
            // Impossible on one thread that provides the numbers.
            Denied::LayoutNeeded | Denied::Changed | Denied::Unpublished | Denied::Unanswered(_) => String::new(),
        })?;
        if pins {
            grant.pin();
        }
        let mut shown = MaybeUninit::uninit();
        // SAFETY: the description has room.
        let buf = unsafe { grant.hand_out(shown.as_mut_ptr(), S::INDIRECT) };
        // SAFETY: it was written.
        let shown = unsafe { shown.assume_init() };
        Ok(View { buf, shown })
    }

    /// Begins a guard.
    ///
    /// # Errors
    ///
    /// Why it was refused.
    pub fn begin(&mut self, borrow: Borrow) -> Result<(), String> {
        let cell = self.cell();
        let (kind, attempt) = match borrow {
            Borrow::Read => (GuardKind::Read, Attempt::Read),
            Borrow::Share => (GuardKind::Share, Attempt::Share),
            Borrow::Write => (GuardKind::Write, Attempt::Write),
        };
        cell.begin(kind, attempt).map_err(|error| error.to_string())?;
        self.guards.push(match borrow {
            Borrow::Read => Guard::Read(ReadGuard::new(cell)),
            Borrow::Share => Guard::Share(ShareGuard::new(cell)),
            Borrow::Write => Guard::Write(WriteGuard::new(cell)),
        });
        Ok(())
    }

    /// Ends a guard, after `change` if it may write the storage.
    pub fn end(&mut self, index: usize, change: impl FnOnce(&mut S)) {
        match self.guards.swap_remove(index) {
            Guard::Read(guard) => drop(guard),
            Guard::Share(guard) => drop(guard),
            Guard::Write(mut guard) => change(&mut guard),
        }
    }

    /// Leaks a guard, which then never ends.
    pub fn leak(&mut self, index: usize) {
        mem::forget(self.guards.swap_remove(index));
    }

    /// As `ExportCell::close`.
    ///
    /// # Errors
    ///
    /// Why it was refused.
    pub fn close(&mut self) -> Result<S, String> {
        self.cell().close_attached().map_err(|error| error.to_string())
    }

    /// As `ExportCell::detach`; there must be no guard.
    ///
    /// # Errors
    ///
    /// Why it was refused.
    pub fn detach(&mut self) -> Result<(), String> {
        self.cell_mut().detach().map_err(|error| error.to_string())
    }

    /// As `ExportCell::write_or_detach`; there must be no guard.
    ///
    /// # Errors
    ///
    /// Why it was refused.
    pub fn write_or_detach(&mut self, change: impl FnOnce(&mut S)) -> Result<(), String> {
        let mut guard = self.cell_mut().write_or_detach().map_err(|error| error.to_string())?;
        change(&mut guard);
        Ok(())
    }
}

impl<S: Replaceable<Access: MayWrite> + 'static> Drop for Subject<S> {
    fn drop(&mut self) {
        self.guards.clear();
        // SAFETY: `new` made it from a Box, and nothing borrows it any more (invariant 1).
        drop(unsafe { Box::from_raw(self.cell) });
    }
}

/// A consumer's view: the fields of a `Py_buffer`. It is released when it is dropped.
#[derive(Debug)]
pub struct View {
    buf: *mut u8,
    shown: Description,
}

impl View {
    pub fn buf(&self) -> usize {
        self.buf.addr()
    }

    pub fn nbytes(&self) -> isize {
        self.shown.len
    }

    pub fn itemsize(&self) -> isize {
        self.shown.itemsize
    }

    pub fn readonly(&self) -> c_int {
        self.shown.readonly
    }

    pub fn ndim(&self) -> c_int {
        self.shown.ndim
    }

    pub fn format(&self) -> Option<&CStr> {
        // SAFETY: a held view's format is alive, and ends in a NUL.
        (!self.shown.format.is_null()).then(|| unsafe { CStr::from_ptr(self.shown.format) })
    }

    pub fn shape(&self) -> Option<&[isize]> {
        self.numbers(self.shown.shape)
    }

    pub fn strides(&self) -> Option<&[isize]> {
        self.numbers(self.shown.strides)
    }

    pub fn suboffsets(&self) -> Option<&[isize]> {
        self.numbers(self.shown.suboffsets)
    }

    fn numbers(&self, array: *mut isize) -> Option<&[isize]> {
        let ndim = usize::try_from(self.shown.ndim).expect("ndim is not negative");
        // SAFETY: the arrays of a held view are alive and have `ndim` numbers.
        (!array.is_null()).then(|| unsafe { slice::from_raw_parts(array, ndim) })
    }

    /// The address of a byte, `offset` bytes from the first item; if a row is given, from the pointer at that row.
    fn at(&self, row: Option<isize>, offset: isize) -> *mut u8 {
        let start = match row {
            None => self.buf,
            // SAFETY: by the layout of the view there is a pointer.
            Some(row) => unsafe { self.buf.wrapping_offset(row).cast::<*mut u8>().read_unaligned() },
        };
        start.wrapping_offset(offset)
    }

    /// Loads a byte, as a consumer does.
    ///
    /// # Safety
    ///
    /// The byte belongs to an item.
    pub unsafe fn load(&self, row: Option<isize>, offset: isize) -> u8 {
        // SAFETY: as the caller vouches.
        unsafe { self.at(row, offset).read() }
    }

    /// Stores a byte, as a consumer does.
    ///
    /// # Safety
    ///
    /// The byte belongs to an item, and the view may write.
    pub unsafe fn store(&self, row: Option<isize>, offset: isize, byte: u8) {
        // SAFETY: as the caller vouches.
        unsafe { self.at(row, offset).write(byte) };
    }
}

impl Drop for View {
    fn drop(&mut self) {
        let ticket = Ticket::from_internal(self.shown.internal).expect("a view has a ticket");
        self.shown.internal = ptr::null_mut();
        // SAFETY: the view is counted, and is released here only.
        let released = unsafe { ticket.release() };
        if released.is_last() {
            // SAFETY: the lock says that this was the last reference to the block, but for leases.
            unsafe { Header::give_up(ticket.block) };
        }
        if !released.views {
            drain();
        }
    }
}

/// Frees the blocks whose owner was dropped before their last view.
fn drain() {
    // SAFETY: neither an owner nor a view refers to the blocks that the queue passes on.
    super::orphans::drain(|block| unsafe { Header::give_up(block) });
}
