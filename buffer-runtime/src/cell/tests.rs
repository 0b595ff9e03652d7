//! Cells without an interpreter: what Miri and the sanitizers can check.
//!
//! The function that the slots call begins views; `python` ends them. Code that needs an attached thread runs under
//! `attached`. With the free-threaded lock there is no GIL, and its threads really run at the same time.

mod closing;
#[cfg(all(miri, feature = "pickle"))]
mod imported;
#[cfg(not(atomic_lock))]
mod orphans;
mod owned;
mod owner;
mod parts;
mod pinned;
mod python;
mod rows;
mod small;
mod snapshots;
mod stable;
mod threads;
mod traced;

use std::ffi::CStr;
use std::mem::{self, MaybeUninit};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{slice, thread};

pub(crate) use self::python::{attached, drain};

use self::python::release;
use super::*;
use crate::element::Element;
use crate::layout::{Descriptor, Dim, Distance, Evaluated, Fixed, Order};
use crate::lock::ViewKind;
use crate::request::Flags;
use crate::storage::{ReadWrite, Storage};

pub(crate) const fn natural<E: Element>() -> Descriptor {
    Descriptor {
        format: E::FORMAT,
        itemsize: E::ITEMSIZE,
        order: Order::C,
        readonly: false,
        inner: &E::SHAPE,
        natural: true,
    }
}

impl<S: Exportable> ExportCell<S> {
    fn test_write(&self) -> Result<WriteGuard<'_, S>, BorrowError> {
        attached(|| self.begin(GuardKind::Write, Self::WRITING))?;
        Ok(WriteGuard::new(self))
    }

    fn test_read(&self) -> Result<ReadGuard<'_, S>, BorrowError> {
        attached(|| self.begin(GuardKind::Read, Attempt::Read))?;
        Ok(ReadGuard::new(self))
    }

    fn test_share(&self) -> Result<ShareGuard<'_, S>, BorrowError>
    where
        S::Access: MayWrite,
    {
        attached(|| self.begin(GuardKind::Share, Attempt::Share))?;
        Ok(ShareGuard::new(self))
    }

    fn test_close(&self) -> Result<S, BorrowError> {
        attached(|| self.close_attached())
    }

    /// A view of a class with `pin`.
    fn pinning_view(&self, descriptor: &'static Descriptor, must_write: bool) -> Option<View> {
        let view = self.view(descriptor, must_write)?;
        self.header().pin.set(view.ticket.access);
        Some(view)
    }

    fn view(&self, descriptor: &'static Descriptor, must_write: bool) -> Option<View> {
        self.view_as(descriptor, must_write, &Fixed::NATURAL)
    }

    /// A full request for a view, in the layout that `dims` declares.
    fn view_as<D: Evaluated>(&self, descriptor: &'static Descriptor, must_write: bool, dims: &D) -> Option<View> {
        let flags = Flags(Flags::FORMAT | Flags::INDIRECT | if must_write { Flags::WRITABLE } else { 0 });
        attached(|| {
            // SAFETY: the cell is borrowed; `attached` stands for the GIL.
            let granted = || unsafe { grant(self.address(), descriptor, flags, || Some(dims)) };
            let grant = loop {
                match granted() {
                    Ok(grant) => break grant,
                    Err(Denied::Changed | Denied::Unpublished) => thread::yield_now(),
                    Err(_) => return None,
                }
            };
            let (ticket, data) = (grant.ticket(), self.header().data());
            let mut shown = MaybeUninit::uninit();
            // SAFETY: the description has room.
            let buf = unsafe { grant.hand_out(shown.as_mut_ptr(), S::INDIRECT) };
            // SAFETY: it was written.
            let shown = unsafe { shown.assume_init() };
            Some(View { ticket, data, buf, shown })
        })
    }
}

/// A consumer's view: pointers, without a link to the owner of the memory.
struct View {
    ticket: Ticket,
    /// Where the memory begins.
    data: *mut u8,
    /// Where the first item is.
    buf: *mut u8,
    shown: Description,
}

// SAFETY: views may be released on any thread, which these tests exercise.
unsafe impl Send for View {}

impl View {
    fn nbytes(&self) -> usize {
        self.shown.len.cast_unsigned()
    }

    fn read(&self) -> Vec<u8> {
        // SAFETY: what a held view points to is alive.
        unsafe { slice::from_raw_parts(self.data, self.nbytes()) }.to_vec()
    }

    fn write(&self, value: u8) {
        assert_eq!(self.shown.readonly, 0);
        // SAFETY: as above, and the view may write.
        unsafe { self.data.write_bytes(value, self.nbytes()) };
    }

    fn shape(&self) -> Vec<isize> {
        // SAFETY: it is one of this view's arrays.
        unsafe { self.numbers(self.shown.shape) }
    }

    /// # Safety
    ///
    /// It is one of this view's arrays.
    unsafe fn numbers(&self, array: *mut isize) -> Vec<isize> {
        if array.is_null() {
            assert_eq!(self.shown.ndim, 0);
            return Vec::new();
        }
        let ndim = usize::try_from(self.shown.ndim).unwrap();
        // SAFETY: the arrays have `ndim` numbers.
        unsafe { slice::from_raw_parts(array, ndim) }.to_vec()
    }

    fn format(&self) -> &CStr {
        // SAFETY: what a held view points to is alive; a format ends in a NUL.
        unsafe { CStr::from_ptr(self.shown.format) }
    }

    fn strides(&self) -> Vec<isize> {
        // SAFETY: it is one of this view's arrays.
        unsafe { self.numbers(self.shown.strides) }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // Release reads the ticket from `internal`.
        assert_eq!(Ticket::from_internal(self.shown.internal), Some(self.ticket));
        // SAFETY: the view is counted, and ends here.
        attached(|| unsafe { release(self.shown.internal) });
    }
}

/// The text of an error about guards, without the place at which they were taken, which must be there.
fn without_place(error: BorrowError) -> String {
    let text = error.to_string();
    let (before, after) = text.split_once("taken at ").unwrap();
    let before = before.trim_end_matches(' ').trim_end_matches(" most recently").trim_end_matches(',');
    let end = after.find([';', ')']).unwrap();
    assert!(after[..end].contains(".rs:"), "{text}");
    format!("{before}{}", &after[end..])
}

/// A storage that counts its drops. Writes may move its vector.
pub(crate) struct Counting {
    items: Vec<u32>,
    drops: Arc<AtomicUsize>,
}

// SAFETY: as for its Vec.
unsafe impl Storage for Counting {
    type Element = u32;
    type Access = ReadWrite;

    unsafe fn raw(this: *mut Self) -> (NonNull<u32>, usize) {
        // SAFETY: the caller vouches for `this`; only the Vec's address is computed.
        let items = unsafe { &raw mut (*this).items };
        // SAFETY: as the caller vouches.
        unsafe { Vec::raw(items) }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) fn counting(items: &[u32]) -> (ExportCell<Counting>, Arc<AtomicUsize>) {
    let drops = Arc::new(AtomicUsize::new(0));
    (ExportCell::new(Counting { items: items.to_vec(), drops: drops.clone() }), drops)
}

/// Checks that a storage is dropped once, after all that had a hold on its block has ended. A test on another thread
/// may have taken the queue of orphans, and may not have freed the block yet.
#[track_caller]
fn assert_dropped_once(drops: &AtomicUsize) {
    const PATIENCE: Duration = Duration::from_secs(60);
    attached(drain);
    let start = Instant::now();
    while drops.load(Ordering::Relaxed) == 0 && start.elapsed() < PATIENCE {
        thread::yield_now();
    }
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

static U32: Descriptor = natural::<u32>();

/// Two epochs of views over a storage, guards between and beside them, and the owner dropped before the last view.
fn two_epochs<S: Storage<Access = ReadWrite>>(storage: S, descriptor: &'static Descriptor, shape: &[isize]) {
    let cell = ExportCell::new(storage);
    let first = cell.view(descriptor, true).unwrap();
    let second = cell.view(descriptor, false).unwrap();
    assert_eq!(first.shape(), shape);
    first.write(1);
    assert!(second.read().iter().all(|&byte| byte == 1));
    {
        let shared = cell.test_share().unwrap();
        for index in 0..shared.len() {
            shared.set(index, shared.get(index));
        }
    }
    assert_eq!(cell.test_write().err().unwrap().views(), 2);
    drop(first);
    second.write(2);
    drop(second);

    drop(cell.test_write().unwrap());
    let reader = cell.test_read().unwrap();
    assert!(cell.view(descriptor, true).is_none());
    let readonly = cell.view(descriptor, false).unwrap();
    assert_eq!(readonly.ticket.access, ViewKind::ReadOnly);
    assert_eq!(reader.len(), cell.len());
    let bytes = readonly.read();
    assert!(bytes.iter().all(|&byte| byte == 2));
    drop(reader);

    let later = cell.view(descriptor, true).unwrap();
    drop(cell);
    later.write(3);
    drop(later);
    assert!(readonly.read().iter().all(|&byte| byte == 3));
    assert_eq!(readonly.shape(), shape);
}

macro_rules! two_epochs {
    ($($name:ident: $element:ty, $storage:expr, $shape:expr;)*) => {$(
        #[test]
        fn $name() {
            static DESCRIPTOR: Descriptor = natural::<$element>();
            two_epochs($storage, &DESCRIPTOR, &$shape);
        }
    )*};
}

// After the macro that it uses.
mod storages;

two_epochs! {
    miri_views_of_a_vec: f32, vec![0.5_f32; 5], [5];
    miri_views_of_a_vec_with_room: u16, { let mut vec = Vec::with_capacity(9); vec.push(7_u16); vec }, [1];
    miri_views_of_an_empty_vec: f64, Vec::<f64>::new(), [0];
    miri_views_of_a_boxed_slice: i64, vec![0_i64; 3].into_boxed_slice(), [3];
    miri_views_of_an_empty_boxed_slice: i8, Box::<[i8]>::default(), [0];
    miri_views_of_an_array: u8, [0_u8; 6], [6];
    miri_views_of_a_vec_of_arrays: [f32; 3], vec![[0.0_f32; 3]; 2], [2, 3];
    miri_views_of_an_array_of_arrays: [f64; 4], [[0.0_f64; 4]; 4], [4, 4];
    miri_views_of_nested_arrays: [[u16; 2]; 3], vec![[[0_u16; 2]; 3]; 2].into_boxed_slice(), [2, 3, 2];
}
