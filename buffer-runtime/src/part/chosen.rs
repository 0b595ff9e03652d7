//! The exporter of [`Part`]: what it shows, and how a view of it begins.

use std::ffi::{CString, c_int};
use std::num::NonZeroU64;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::impl_::pyclass::PyClassImpl;
use pyo3::{PyResult, Python, ffi};

use super::Part;
use crate::export::part::{AtOnce, grant_part_at_once};
use crate::export::release::releasebuffer_of_any_part;
use crate::export::slots::call_slow;
use crate::export::{Class, ClassTable, Exporter, ShapeSource, Slot, Whole};
use crate::layout::{Declaration, Descriptor, Dim, Distance, Evaluated, InnerShape, Item, Order};
#[cfg(feature = "pickle")]
use crate::memory::c_string;
use crate::memory::{NoMemory, collect};
use crate::request::Flags;

// SAFETY: `getbuffer` has no other requirements.
unsafe impl Slot<OfPart> for Whole {
    const GETBUFFER: ffi::getbufferproc = getbuffer;
    const RELEASEBUFFER: ffi::releasebufferproc = releasebuffer_of_any_part;
    const TABLE: &'static ClassTable = &ClassTable::of_chosen::<OfPart>();
}

/// The layout of a part, relative to all the memory of a field, and the items that it was chosen for.
#[derive(Debug)]
pub(crate) struct Numbers {
    extents: Vec<Dim>,
    strides: Vec<Distance>,
    offset: Distance,
    format: CString,
    itemsize: usize,
    readonly: bool,
    /// A number that no other `Numbers` ever had, except that all of `of_all_bytes` have the same.
    serial: NonZeroU64,
    /// Whether the part is all the memory: the items are contiguous, and their number is that at the time of the view.
    dense: bool,
}

impl Numbers {
    /// All bytes of the memory. How many there are is determined when a view begins.
    #[cfg(feature = "pickle")]
    pub(crate) fn of_all_bytes() -> Result<Self, NoMemory> {
        Ok(Self {
            extents: collect([Dim::Inferred].into_iter())?,
            strides: Vec::new(),
            offset: Distance::Bytes(0),
            format: c_string(c"B")?,
            itemsize: 1,
            readonly: false,
            serial: ALL_BYTES,
            dense: true,
        })
    }

    pub(crate) fn new(
        (shape, strides, offset): (&[isize], &[isize], isize),
        (format, itemsize): (CString, usize),
        readonly: bool,
    ) -> Result<Self, NoMemory> {
        Ok(Self {
            extents: collect(shape.iter().copied().map(Dim::Extent))?,
            strides: collect(strides.iter().copied().map(Distance::Bytes))?,
            offset: Distance::Bytes(offset),
            format,
            itemsize,
            readonly,
            serial: next_serial(),
            dense: false,
        })
    }
}

/// The serial number of all bytes of any memory. The parts of a pickle, which are new for each, then find the view that
/// the last one has left, and compare only the memory.
const ALL_BYTES: NonZeroU64 = NonZeroU64::MIN;

fn next_serial() -> NonZeroU64 {
    static LAST: AtomicU64 = AtomicU64::new(ALL_BYTES.get());
    // Relaxed: the numbers only have to differ. 64 bits do not wrap around in the lifetime of a process.
    NonZeroU64::MIN.saturating_add(LAST.fetch_add(1, Ordering::Relaxed))
}

/// The declared numbers of a part, without a copy.
///
/// Invariants:
///
/// 1. The pointer is NULL, or points to the numbers of a part that is borrowed as long as this is used: `reach` lends
///    the part for the whole request.
#[derive(Debug)]
pub(crate) struct Lent(*const Numbers);

impl Lent {
    #[inline(always)]
    fn of(part: &Part) -> Self {
        Self(part.chosen.as_deref().map_or(ptr::null(), ptr::from_ref))
    }
}

impl crate::layout::SealedEvaluated for Lent {}

// SAFETY: the functions only return stored values, so they run no user code and do not unwind; `count` is 0.
unsafe impl Evaluated for Lent {
    fn count(&self) -> usize {
        0
    }

    fn declaration(&self, _descriptor: &Descriptor) -> Declaration<'_> {
        // SAFETY: invariant 1.
        let Some(numbers) = (unsafe { self.0.as_ref() }) else { return Declaration::default() };
        Declaration {
            extents: Some(&numbers.extents),
            offset: Some(numbers.offset),
            strides: (!numbers.dense).then_some(&numbers.strides),
            item: Some(Item { format: &numbers.format, itemsize: numbers.itemsize }),
            readonly: numbers.readonly,
            serial: numbers.serial.get(),
            ..Declaration::default()
        }
    }

    fn varies(&self) -> bool {
        true
    }

    #[inline(always)]
    fn serial(&self) -> u64 {
        // SAFETY: invariant 1.
        unsafe { self.0.as_ref() }.map_or(0, |numbers| numbers.serial.get())
    }

    fn still_says(&self, _offset: &dyn Fn() -> isize, _arrays: &[isize]) -> bool {
        false
    }
}

static DESCRIPTOR: Descriptor = Descriptor {
    format: c"B",
    itemsize: 1,
    order: Order::C,
    readonly: false,
    inner: &InnerShape::SCALAR,
    natural: false,
};

/// The exporter of [`Part`].
#[derive(Debug)]
pub(crate) struct OfPart;

// SAFETY: the descriptor is this exporter's own (1), the field is accessed directly (2), and the numbers are only
// referred to (3).
unsafe impl Exporter for OfPart {
    type Class = Part;
    type Cell = Whole;
    type Dims<'a> = Lent;

    const SOURCE: ShapeSource = ShapeSource::Fields;

    fn descriptor() -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn field(class: &Part) -> NonNull<()> {
        NonNull::from(&class.whole).cast()
    }

    fn dims(class: &Part) -> PyResult<Lent> {
        Ok(Lent::of(class))
    }
}

crate::__submit_slots!(<Part as PyClassImpl>::Inventory, OfPart, with_array);

/// The table of [`Part`].
pub(crate) const PART: &ClassTable = <Whole as Slot<OfPart>>::TABLE;

/// `bf_getbuffer` of [`Part`].
///
/// # Safety
///
/// As CPython calls it: attached, with a part. `view` may be NULL.
unsafe extern "C" fn getbuffer(slf: *mut ffi::PyObject, view: *mut ffi::Py_buffer, flags: c_int) -> c_int {
    // SAFETY: CPython calls slots attached.
    let py = unsafe { Python::assume_attached() };
    let mut at_once = AtOnce::Left;
    let of_field = |part: &Part| {
        let whole = (part.whole.owner.as_ptr(), part.whole.table);
        if part.chosen.is_none() {
            return Some(whole);
        }
        if !view.is_null() {
            let declared = (&DESCRIPTOR, &Lent::of(part));
            // SAFETY: the caller vouches for the object and the view. The part keeps the owner alive, which is of the
            // table's class (`Whole`, invariant 1).
            at_once = unsafe { grant_part_at_once(slf, view, Flags(flags), declared, whole) };
        }
        None
    };
    // SAFETY: the caller vouches for the object.
    let Ok(Some((owner, table))) = (unsafe { Part::reach(py, slf, of_field) }) else {
        match at_once {
            AtOnce::Granted => {
                // SAFETY: attached, and the object is alive; the granted view owns this reference.
                unsafe { ffi::Py_INCREF(slf) };
                return 0;
            }
            AtOnce::Refused => return -1,
            // SAFETY: as the caller vouches.
            AtOnce::Left => return unsafe { call_slow(slf, view, flags, PART) },
        }
    };
    // SAFETY: the owner is of the table's class, and this object keeps it alive (invariant 1); the caller vouches for
    // the rest.
    let status = unsafe { (table.getbuffer)(owner, view, flags) };
    if status == 0 {
        // The view's `obj` is this object, so that a view of `obj` shows the same field.
        // SAFETY: the view was granted, so it is not NULL and may be written.
        unsafe { (*view).obj = slf };
        // SAFETY: attached, and the object is alive; the view owns this reference.
        unsafe { ffi::Py_INCREF(slf) };
        // SAFETY: attached; the view owned this reference, and this object has another.
        unsafe { ffi::Py_DECREF(owner) };
    }
    status
}
