//! Makes a tensor of an object's memory, or of a copy.

use std::ffi::{CStr, CString, c_char, c_int};
use std::{ptr, slice};

use pyo3::{PyResult, Python, ffi};

use super::abi::{DataType, Legacy, Managed, Version, Versioned};
use super::dtype;
use super::parcel::{Copied, Kept, Parcel, Shown};
use super::refusal::Refusal;
use super::request::Request;
use crate::cell::{Grant, Published, TensorHold};
use crate::export::ClassTable;
use crate::export::peek::with_view;
use crate::memory::c_string;
use crate::pending::raised;
use crate::request::Flags;

const FULL_READ: Flags = Flags(ffi::PyBUF_FULL_RO);

#[expect(clippy::cast_possible_wrap, reason = "an ASCII letter")]
const C_ORDER: c_char = b'C' as c_char;

/// A capsule with a tensor of the memory that an object exports.
///
/// # Safety
///
/// `object` is an object of the table's class or of a subclass.
///
/// # Errors
///
/// `BufferError` if a view or the tensor is refused, `MemoryError`, or what the class's own expressions raise.
pub(super) unsafe fn export(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    table: &'static ClassTable,
    request: Request,
) -> PyResult<*mut ffi::PyObject> {
    match request.version {
        // SAFETY: the caller vouches for the object.
        Some(version) => unsafe { export_as::<Versioned>(py, object, table, request, version) },
        // SAFETY: as above.
        None => unsafe { export_as::<Legacy>(py, object, table, request, Version::NEWEST) },
    }
}

/// As [`export`] for a cell, unless user code would have to run or the tensor is refused. In that case `None`, and
/// nothing has changed. The pointer is NULL if an exception is set.
///
/// # Safety
///
/// As for [`export`].
#[inline]
pub(super) unsafe fn export_at_once(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    table: &'static ClassTable,
    request: Request,
) -> Option<*mut ffi::PyObject> {
    match request.version {
        // SAFETY: the caller vouches for the object.
        Some(version) => unsafe { export_at_once_as::<Versioned>(py, object, table, version, true) },
        // SAFETY: as above.
        None => unsafe { export_at_once_as::<Legacy>(py, object, table, Version::NEWEST, false) },
    }
}

/// # Safety
///
/// As for [`export`].
unsafe fn export_at_once_as<M: Managed>(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    table: &'static ClassTable,
    version: Version,
    flagged: bool,
) -> Option<*mut ffi::PyObject> {
    let grant_at_once = table.grant_at_once?;
    let mut made = None;
    let mut show = |view: Grant<'_>| {
        // SAFETY: the view is counted, and the layout is that of the view.
        let items = unsafe { Items::of(view.layout(), view.is_readonly()) };
        made = items.parcel::<M>(&view, version, flagged, table.pins()).ok();
    };
    // SAFETY: the caller vouches for the object of the table's class.
    unsafe { grant_at_once(py, object, &mut show) };
    made.map(|parcel| parcel.into_capsule(py))
}

/// # Safety
///
/// As for [`export`].
unsafe fn export_as<M: Managed>(
    py: Python<'_>,
    object: *mut ffi::PyObject,
    table: &'static ClassTable,
    request: Request,
    version: Version,
) -> PyResult<*mut ffi::PyObject> {
    let mut made = Err(Failed::Refused(Refusal::NoMemory, None));
    let mut show = |view: &Grant<'_>, layout: &Published, pin: bool| {
        // SAFETY: the view is counted, and the layout is that of the view.
        let items = unsafe { Items::of(layout, view.is_readonly()) };
        made = if request.copy {
            items.copy().and_then(|(kept, shown)| {
                Parcel::<M>::new(&shown, version, kept).map_err(|refusal| items.refused(refusal))
            })
        } else {
            items.parcel(view, version, request.version.is_some(), pin).map_err(|refusal| items.refused(refusal))
        };
    };
    // SAFETY: the caller vouches for the object.
    unsafe { with_view(py, object, FULL_READ, table, &mut show) }?;
    match made {
        Ok(parcel) => {
            let capsule = parcel.into_capsule(py);
            if capsule.is_null() { Err(raised(py)) } else { Ok(capsule) }
        }
        Err(Failed::Refused(refusal, format)) => Err(refusal.into_error(py, format.as_deref().unwrap_or(c""))),
        Err(Failed::Raised) => Err(raised(py)),
    }
}

/// Why there is no tensor. It does not borrow the layout, because the view has ended by then.
enum Failed {
    /// With the format of the items, unless there was no memory for a copy of the format.
    Refused(Refusal, Option<CString>),
    /// An exception is set.
    Raised,
}

/// The items of a view that is counted.
pub(super) struct Items<'a> {
    layout: &'a Published,
    shape: &'a [isize],
    strides: &'a [isize],
    format: *const c_char,
    itemsize: usize,
    readonly: bool,
}

impl<'a> Items<'a> {
    /// # Safety
    ///
    /// The layout is that of a view that is counted for `'a`.
    #[inline]
    pub(super) unsafe fn of(layout: &'a Published, readonly: bool) -> Self {
        let description = &layout.description;
        let ndim = usize::try_from(description.ndim).unwrap_or(0);
        let array = |start: *mut isize| {
            if ndim == 0 {
                return &[][..];
            }
            // SAFETY: the arrays of a resolved layout have a number for each dimension.
            unsafe { slice::from_raw_parts(start, ndim) }
        };
        let (shape, strides) = (array(description.shape), array(description.strides));
        let (format, itemsize) = (description.format, description.itemsize.cast_unsigned());
        Self { layout, shape, strides, format, itemsize, readonly }
    }

    fn format(&self) -> &'a CStr {
        // SAFETY: a resolved layout has a format, which stays unchanged while the view is counted.
        unsafe { CStr::from_ptr(self.format) }
    }

    /// The type of the items. Most formats are one letter, which is found without a search for the end of the text.
    #[inline]
    fn dtype(&self) -> Result<DataType, Refusal> {
        let bytes: *const u8 = self.format.cast();
        // SAFETY: as in `format`; every text has a first byte.
        let letter = unsafe { *bytes };
        // SAFETY: as above; the first byte is not the end, so there is a second one.
        let is_alone = letter != 0 && unsafe { *bytes.wrapping_add(1) } == 0;
        if is_alone && let Some(found) = dtype::of_letter(letter, self.itemsize) {
            return Ok(found);
        }
        dtype::of(self.format(), self.itemsize)
    }

    fn refused(&self, refusal: Refusal) -> Failed {
        Failed::Refused(refusal, c_string(self.format()).ok())
    }

    /// A tensor of the items in place, which outlives the view.
    #[inline]
    pub(super) fn parcel<M: Managed>(
        &self,
        view: &Grant<'_>,
        version: Version,
        flagged: bool,
        pin: bool,
    ) -> Result<Parcel<M>, Refusal> {
        let shown = self.in_place(flagged)?;
        let hold = TensorHold::begin(view).map_err(Refusal::Blocked)?;
        let parcel = Parcel::new(&shown, version, Kept::Cell(hold))?;
        if pin {
            view.pin();
        }
        Ok(parcel)
    }

    /// The items in place. `flagged` says whether the consumer reads flags.
    #[inline]
    fn in_place(&self, flagged: bool) -> Result<Shown<'a>, Refusal> {
        let dtype = self.dtype()?;
        if self.layout.facts().indirect {
            return Err(Refusal::Rows);
        }
        let (data, itemsize) = (self.layout.buf(), self.itemsize);
        // The size of every type of DLPack is a power of two.
        let is_multiple = |bytes: usize, of: usize| bytes & (of - 1) == 0;
        // A complex number is aligned like its two parts.
        let align = if dtype.code == DataType::COMPLEX { itemsize / 2 } else { itemsize };
        let strides = self.shape.iter().zip(self.strides);
        let bits = strides.fold(0, |bits, (&extent, &stride)| if extent > 1 { bits | stride } else { bits });
        if !(is_multiple(data.addr(), align) && is_multiple(bits.cast_unsigned(), itemsize)) {
            self.check_places(align)?;
        }
        if self.readonly && !flagged {
            return Err(Refusal::ReadOnly);
        }
        let flags = if self.readonly { Versioned::READ_ONLY } else { 0 };
        Ok(Shown { data, dtype, shape: self.shape, strides: Some(self.strides), flags })
    }

    /// Names what is not a multiple of the item's size, if there are items.
    #[cold]
    fn check_places(&self, align: usize) -> Result<(), Refusal> {
        if self.shape.contains(&0) {
            return Ok(());
        }
        if !self.layout.buf().addr().is_multiple_of(align) {
            return Err(Refusal::Misaligned);
        }
        let itemsize = self.itemsize;
        let mut dimensions = self.shape.iter().zip(self.strides).enumerate();
        let apart = |extent: isize, stride: isize| extent > 1 && !stride.unsigned_abs().is_multiple_of(itemsize);
        match dimensions.find(|&(_, (&extent, &stride))| apart(extent, stride)) {
            Some((axis, (_, &stride))) => Err(Refusal::Stride { axis, stride, itemsize }),
            None => Ok(()),
        }
    }

    /// A copy of the items in C order, which belongs to the tensor.
    fn copy(&self) -> Result<(Kept, Shown<'a>), Failed> {
        let dtype = self.dtype().map_err(|refusal| self.refused(refusal))?;
        let size = self.layout.description.len;
        let copied = Copied::allocate(size.cast_unsigned()).map_err(|refusal| self.refused(refusal))?;
        let description = &self.layout.description;
        let mut view = ffi::Py_buffer {
            buf: self.layout.buf().cast(),
            len: size,
            itemsize: description.itemsize,
            readonly: c_int::from(self.readonly),
            ndim: description.ndim,
            format: description.format.cast_mut(),
            shape: description.shape,
            strides: description.strides,
            suboffsets: if self.layout.facts().indirect { self.layout.suboffsets() } else { ptr::null_mut() },
            ..ffi::Py_buffer::new()
        };
        let data = copied.data();
        // CPython makes the copy and not Rust, because other threads may write the items meanwhile, as when any
        // consumer copies them.
        // SAFETY: attached; the view describes items that stay in place while the view of the caller is counted, and
        // there is room for their bytes.
        let status = unsafe { ffi::PyBuffer_ToContiguous(data.as_ptr().cast(), &raw mut view, size, C_ORDER) };
        if status != 0 {
            return Err(Failed::Raised);
        }
        let shown = Shown { data: data.as_ptr(), dtype, shape: self.shape, strides: None, flags: Versioned::IS_COPIED };
        Ok((Kept::Copy(copied), shown))
    }
}
