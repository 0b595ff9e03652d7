//! The layout that a view would have now, without a view that leaves Rust.

use std::ffi::{CStr, CString};

use pyo3::exceptions::PyMemoryError;
use pyo3::{Borrowed, PyResult, Python, ffi};

use super::grant::with_grant;
use super::part::with_grant_of_part;
#[cfg(feature = "dlpack")]
use super::plain::grant_plainly;
use super::table::{ClassTable, Reached, Shows};
use super::whole::Whole;
#[cfg(feature = "dlpack")]
use crate::cell::Published;
use crate::cell::{Grant, Header, PartGrant, SharedFields};
use crate::error::ViewError;
use crate::exception::exception;
use crate::layout::LayoutError;
use crate::memory::{NoMemory, c_string, collect};
use crate::request::Flags;
use crate::trace::{self, Holder};

/// A copy of a layout.
#[derive(Debug)]
pub(crate) struct Peeked {
    pub(crate) shape: Vec<isize>,
    pub(crate) strides: Vec<isize>,
    /// The distance of the first item from the start of the memory, in bytes.
    pub(crate) offset: isize,
    pub(crate) format: CString,
    pub(crate) itemsize: usize,
    pub(crate) nbytes: isize,
    pub(crate) readonly: bool,
    /// Whether the declaration of a part makes it read-only, no matter what guards are alive.
    pub(crate) declared_readonly: bool,
    /// Whether rows are allocated one by one.
    pub(crate) indirect: bool,
    /// The size of all the memory, in bytes.
    pub(crate) bytes: usize,
}

/// The layout that a view of the object would have now. A view is counted for the duration of the call. It pins
/// nothing, since no consumer gets the address.
///
/// # Safety
///
/// `object` is an object of the table's class or of a subclass.
///
/// # Errors
///
/// The exception that refuses the view.
pub(crate) unsafe fn peek(py: Python<'_>, object: *mut ffi::PyObject, table: &'static ClassTable) -> PyResult<Peeked> {
    let flags = Flags(ffi::PyBUF_FULL_RO);
    let mut seen = Err(NoMemory);
    match table.shows {
        Shows::Cell(_) => {
            let mut look = |grant: Grant<'_>| {
                let (layout, header) = (grant.layout(), grant.header());
                // SAFETY: the view is counted, so the arrays of its layout are those of the description.
                seen = unsafe { Peeked::copied(&layout.description, layout.buf(), header) };
                if let Ok(seen) = &mut seen {
                    seen.readonly = grant.is_readonly();
                }
            };
            // SAFETY: the caller vouches for the object.
            unsafe { with_grant(py, object, flags, table, &mut look) }?;
        }
        Shows::Part(_) => {
            let mut look = |part: PartGrant<'_>, _: &ClassTable| {
                let (layout, header) = (part.layout(), part.whole().header());
                // SAFETY: the view is counted, so the arrays of its layout are those of the description.
                seen = unsafe { Peeked::copied(&layout.description, layout.buf(), header) };
                if let Ok(seen) = &mut seen {
                    (seen.readonly, seen.declared_readonly) = (layout.facts().readonly, part.is_declared_readonly());
                }
            };
            // SAFETY: the caller vouches for the object.
            unsafe { with_grant_of_part(py, object, flags, table, &mut look) }?;
        }
    }
    seen.map_err(|error| ViewError::from(LayoutError::from(error)).into())
}

/// The offset of the first element in bytes, and each axis with its stride in bytes.
#[cfg(all(feature = "pickle", feature = "ndarray"))]
pub(crate) type OwnAxes = (usize, Vec<(usize, isize)>);

/// The layout that the memory of a cell has of its own now. `None` if it has none.
///
/// # Safety
///
/// As for [`peek`]; the table is that of a cell.
///
/// # Errors
///
/// The exception that refuses the view.
#[cfg(all(feature = "pickle", feature = "ndarray"))]
pub(crate) unsafe fn own_layout(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    table: &'static ClassTable,
) -> PyResult<Option<OwnAxes>> {
    let mut seen = Ok(None);
    let mut look = |grant: Grant<'_>| {
        let own = grant.own_layout().and_then(|own| Some((own.offset()?, own)));
        seen = own.map(|(offset, own)| own.axes_now().map(|axes| (offset, axes))).transpose();
    };
    // SAFETY: the caller vouches for the object.
    unsafe { with_grant(py, object, Flags(ffi::PyBUF_FULL_RO), table, &mut look) }?;
    seen.map_err(|error: NoMemory| ViewError::from(LayoutError::from(error)).into())
}

/// Grants a view of the object, and calls `with` on it, on its layout, and on whether the class pins. The view is
/// released afterwards.
///
/// # Safety
///
/// As for [`peek`].
///
/// # Errors
///
/// The exception that refuses the view.
#[cfg(feature = "dlpack")]
pub(crate) unsafe fn with_view(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    flags: Flags,
    table: &'static ClassTable,
    with: &mut dyn FnMut(&Grant<'_>, &Published, bool),
) -> PyResult<()> {
    match table.shows {
        Shows::Cell(_) => {
            let mut show = |grant: Grant<'_>| with(&grant, grant.layout(), table.pin);
            // SAFETY: as the caller vouches.
            if unsafe { grant_plainly(py, object, flags, table, &mut show) } {
                return Ok(());
            }
            // SAFETY: the caller vouches for the object.
            unsafe { with_grant(py, object, flags, table, &mut show) }
        }
        Shows::Part(_) => {
            let mut show = |part: PartGrant<'_>, of: &ClassTable| with(part.whole(), part.layout(), of.pin);
            // SAFETY: the caller vouches for the object.
            unsafe { with_grant_of_part(py, object, flags, table, &mut show) }
        }
    }
}

impl Peeked {
    /// # Safety
    ///
    /// The arrays and the format of the description are those of a counted view.
    unsafe fn copied(shown: &SharedFields, first: *mut u8, header: &Header) -> Result<Self, NoMemory> {
        let ndim = usize::try_from(shown.ndim).unwrap_or(0);
        let array = |start: *mut isize| {
            if ndim == 0 {
                return Ok(Vec::new());
            }
            // SAFETY: the caller vouches for arrays of one number for each dimension.
            collect(unsafe { std::slice::from_raw_parts(start, ndim) }.iter().copied())
        };
        // SAFETY: the caller vouches for the format.
        let format = unsafe { CStr::from_ptr(shown.format) };
        Ok(Self {
            shape: array(shown.shape)?,
            strides: array(shown.strides)?,
            offset: first.addr().wrapping_sub(header.data().addr()).cast_signed(),
            format: c_string(format)?,
            itemsize: shown.itemsize.cast_unsigned(),
            nbytes: shown.len,
            readonly: false,
            declared_readonly: false,
            indirect: header.kind.indirect,
            bytes: header.bytes(),
        })
    }
}

/// The object and the field that own the memory that an object shows: the object itself, or the one of which it shows a
/// part.
///
/// # Safety
///
/// As for [`peek`].
///
/// # Errors
///
/// The value of the object cannot be borrowed.
pub(crate) unsafe fn whole_of(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    table: &'static ClassTable,
) -> PyResult<Whole> {
    let mut whole = None;
    let find = |value: Reached<'_>| {
        whole = value.whole().map(|(owner, table)| {
            // SAFETY: attached, and the part keeps the object alive.
            let owner = unsafe { Borrowed::from_ptr(py, owner) };
            Whole { owner: owner.to_owned().unbind(), table }
        });
        Ok(())
    };
    // SAFETY: the caller vouches for the object.
    unsafe { table.reach(py, object, find) }?;
    Ok(whole.unwrap_or_else(|| {
        // SAFETY: attached, and the caller has the object.
        let owner = unsafe { Borrowed::from_ptr(py, object) };
        Whole { owner: owner.to_owned().unbind(), table }
    }))
}

/// How many views of the memory that an object shows are alive.
///
/// # Safety
///
/// As for [`peek`].
///
/// # Errors
///
/// As for [`look_into`].
pub(crate) unsafe fn views(py: Python<'_>, object: *mut ffi::PyObject, table: &'static ClassTable) -> PyResult<usize> {
    let mut views = 0;
    // SAFETY: as the caller vouches.
    unsafe { look_into(py, object, table, |header| views = header.lock.views().total()) }?;
    Ok(views)
}

/// The views and guards of the memory that an object shows.
///
/// # Safety
///
/// As for [`peek`].
///
/// # Errors
///
/// As for [`look_into`]; `MemoryError`.
pub(crate) unsafe fn holders(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    table: &'static ClassTable,
) -> PyResult<Vec<Holder>> {
    let mut holders = Ok(Vec::new());
    // SAFETY: as the caller vouches.
    unsafe { look_into(py, object, table, |header| holders = trace::holders(header)) }?;
    holders.map_err(|NoMemory| exception::<PyMemoryError>(py, "there is no memory for the list of holders"))
}

/// Calls `with` on the header of the block whose memory an object shows.
///
/// # Safety
///
/// As for [`peek`].
///
/// # Errors
///
/// The value of the object, or of the one whose memory it is, cannot be borrowed.
unsafe fn look_into(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    table: &'static ClassTable,
    mut with: impl FnMut(&Header),
) -> PyResult<()> {
    // SAFETY: the caller vouches for the object.
    let whole = unsafe { whole_of(py, object, table) }?;
    let look = |value: Reached<'_>| {
        if let Some(block) = value.block() {
            // SAFETY: the owner of the cell is borrowed, and keeps the block alive.
            with(unsafe { block.as_ref() });
        }
        Ok(())
    };
    // SAFETY: the owner is of the table's class (`Whole`, invariant 1).
    unsafe { whole.table.reach(py, whole.owner.as_ptr(), look) }
}
