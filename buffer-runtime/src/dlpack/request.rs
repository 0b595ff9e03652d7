//! The arguments of `__dlpack__`.

use std::ffi::{CStr, c_int};
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString, PyTuple};
use pyo3::{Borrowed, ffi};

use super::abi::{Device, Version};
use super::refusal::Refusal;
use crate::exception::{ClassName, exception};
use crate::pending::raised;

/// What a consumer requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    /// The newest version that the consumer reads; `None` if it passes none.
    pub(super) version: Option<Version>,
    /// Whether the consumer wants memory of its own.
    pub(super) copy: bool,
}

/// The names of the arguments.
const NAMES: [&CStr; 4] = [c"stream", c"max_version", c"dl_device", c"copy"];
const MAX_VERSION: usize = 1;

/// The interned strings of these names, with a reference that is kept for ever; NULL before a name was first seen.
/// Callers in C pass interned strings, so a comparison of addresses is enough.
static INTERNED: [AtomicPtr<ffi::PyObject>; 4] = [const { AtomicPtr::new(ptr::null_mut()) }; 4];

/// The objects of the integers 1 and 0, with a reference that is kept for ever; NULL at first. CPython has one object
/// for each, so a comparison of addresses recognises the version 1.0, which most consumers request.
static ONE_AND_ZERO: [AtomicPtr<ffi::PyObject>; 2] = [const { AtomicPtr::new(ptr::null_mut()) }; 2];

/// The index of the argument with this name.
fn index_of(name: &Bound<'_, PyAny>) -> Option<usize> {
    interned(name.as_ptr()).or_else(|| compare(name))
}

fn interned(name: *mut ffi::PyObject) -> Option<usize> {
    // Relaxed: the address is only compared.
    INTERNED.iter().position(|known| known.load(Ordering::Relaxed) == name)
}

/// The same for a string at any address. Fills the statics, so that the next call need not compare texts.
#[cold]
fn compare(name: &Bound<'_, PyAny>) -> Option<usize> {
    // SAFETY: attached; the name is a string, and the text is static. The function raises nothing.
    let is = |known: &&CStr| unsafe { ffi::PyUnicode_CompareWithASCIIString(name.as_ptr(), known.as_ptr()) } == 0;
    let index = NAMES.iter().position(is)?;
    if INTERNED[index].load(Ordering::Relaxed).is_null() {
        // SAFETY: attached, with a static text.
        keep(&INTERNED[index], unsafe { ffi::PyUnicode_InternFromString(NAMES[index].as_ptr()) });
        for (number, kept) in [1, 0].into_iter().zip(&ONE_AND_ZERO) {
            // SAFETY: attached.
            keep(kept, unsafe { ffi::PyLong_FromLong(number) });
        }
    }
    Some(index)
}

/// Stores a reference in a static. If another thread has stored one too, it is to the same object.
fn keep(place: &AtomicPtr<ffi::PyObject>, object: *mut ffi::PyObject) {
    if object.is_null() {
        // There is no memory for the object; then the next call compares values again.
        // SAFETY: attached, as every caller is.
        unsafe { ffi::PyErr_Clear() };
    }
    // Relaxed: the address is only compared.
    place.store(object, Ordering::Relaxed);
}

impl Request {
    /// Reads the arguments of a call: `nargs` positional ones, followed by those that `names` names, if it is not NULL.
    ///
    /// # Safety
    ///
    /// As CPython calls a method with a vector of arguments.
    ///
    /// # Errors
    ///
    /// `TypeError` for other arguments than those of the protocol; `BufferError` for what memory on the CPU cannot
    /// give.
    pub(super) unsafe fn read(
        py: Python<'_>,
        args: *const *mut ffi::PyObject,
        nargs: isize,
        names: *mut ffi::PyObject,
    ) -> PyResult<Self> {
        if nargs > 0 {
            let text = format_args!("__dlpack__() takes keyword arguments only ({nargs} positional given)");
            return Err(exception::<PyTypeError>(py, text));
        }
        let mut request = Self { version: None, copy: false };
        if names.is_null() {
            return Ok(request);
        }
        // SAFETY: the caller vouches for a tuple of names.
        let count = unsafe { ffi::PyTuple_Size(names) };
        // SAFETY: the caller vouches for the arguments.
        let values = unsafe { named(args, count) };
        for (index, &value) in (0..).zip(values) {
            // SAFETY: the index is one of the tuple's.
            let name = unsafe { ffi::PyTuple_GetItem(names, index) };
            // SAFETY: the caller vouches for the arguments, which live during the call.
            let value = unsafe { Borrowed::from_ptr(py, value) };
            // SAFETY: names are strings, and the tuple keeps this one.
            let name = unsafe { Borrowed::from_ptr(py, name) };
            request.take(name, &value)?;
        }
        Ok(request)
    }

    /// As [`read`](Self::read) for the arguments that numpy and torch pass, without running user code; `None` for any
    /// others, which `read` reads or refuses.
    ///
    /// # Safety
    ///
    /// As for [`read`](Self::read).
    #[inline]
    pub(super) unsafe fn read_at_once(
        py: Python<'_>,
        args: *const *mut ffi::PyObject,
        nargs: isize,
        names: *mut ffi::PyObject,
    ) -> Option<Self> {
        let mut request = Self { version: None, copy: false };
        if nargs > 0 {
            return None;
        }
        if names.is_null() {
            return Some(request);
        }
        // SAFETY: the singleton is always there.
        let none = unsafe { ffi::Py_None() };
        // SAFETY: the caller vouches for a tuple of names.
        let count = unsafe { length(names) };
        // SAFETY: the caller vouches for the arguments.
        let values = unsafe { named(args, count) };
        let [stream, max_version, dl_device, copy] = INTERNED.each_ref().map(|known| known.load(Ordering::Relaxed));
        for (index, &value) in (0..).zip(values) {
            // SAFETY: the index is one of the tuple's.
            let name = unsafe { item(names, index) };
            if value == none {
                if name != copy && name != dl_device && name != stream && name != max_version {
                    return None;
                }
            } else if name == max_version {
                // SAFETY: the caller vouches for the arguments, which live during the call.
                let value = unsafe { Borrowed::from_ptr(py, value) };
                request.version = agreed(exact_pair(&value)?);
            } else {
                return None;
            }
        }
        Some(request)
    }

    fn take(&mut self, name: Borrowed<'_, '_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = value.py();
        let refuse = |refusal: Refusal| Err(refusal.into_error(py, c""));
        match index_of(&name) {
            None => {
                let name = name.cast::<PyString>()?;
                let name = name.to_str()?;
                let text = format_args!("__dlpack__() got an unexpected keyword argument '{name}'");
                Err(exception::<PyTypeError>(py, text))
            }
            Some(_) if value.is_none() => Ok(()),
            Some(0) => refuse(Refusal::Stream),
            Some(MAX_VERSION) => {
                self.version = agreed(pair(value, "max_version")?);
                Ok(())
            }
            Some(2) => {
                let [kind, id] = pair(value, "dl_device")?;
                let device = Device { kind, id };
                if device == Device::CPU { Ok(()) } else { refuse(Refusal::OtherDevice(device)) }
            }
            Some(_) => {
                let Ok(copy) = value.cast::<PyBool>() else {
                    let class = ClassName::of(value)?;
                    let text = format_args!("__dlpack__() takes True, False or None for 'copy', not '{class}'");
                    return Err(exception::<PyTypeError>(py, text));
                };
                self.copy = copy.is_true();
                Ok(())
            }
        }
    }
}

/// The number of items of a tuple.
///
/// # Safety
///
/// Attached, with a tuple.
unsafe fn length(tuple: *mut ffi::PyObject) -> isize {
    #[cfg(not(Py_LIMITED_API))]
    // SAFETY: as the caller vouches.
    let length = unsafe { ffi::PyTuple_GET_SIZE(tuple) };
    #[cfg(Py_LIMITED_API)]
    // SAFETY: as above.
    let length = unsafe { ffi::PyTuple_Size(tuple) };
    length
}

/// The values of `count` named arguments. If there are none, CPython may pass NULL, as for `PyObject_Vectorcall` with
/// an empty tuple of names.
///
/// # Safety
///
/// As CPython calls a method with a vector of arguments, of which none is positional.
unsafe fn named<'a>(args: *const *mut ffi::PyObject, count: isize) -> &'a [*mut ffi::PyObject] {
    if args.is_null() {
        return &[];
    }
    // SAFETY: the caller vouches for a value for each name.
    unsafe { slice::from_raw_parts(args, count.cast_unsigned()) }
}

/// An item of a tuple, borrowed from it.
///
/// # Safety
///
/// Attached, with a tuple that has an item at this index.
unsafe fn item(tuple: *mut ffi::PyObject, index: isize) -> *mut ffi::PyObject {
    #[cfg(not(Py_LIMITED_API))]
    // SAFETY: as the caller vouches.
    let item = unsafe { ffi::PyTuple_GET_ITEM(tuple, index) };
    #[cfg(Py_LIMITED_API)]
    // SAFETY: as above.
    let item = unsafe { ffi::PyTuple_GetItem(tuple, index) };
    item
}

/// The version of a tensor for a consumer that reads versions up to this one; `None` for a tensor without a version.
fn agreed([major, minor]: [c_int; 2]) -> Option<Version> {
    let newest = Version::NEWEST;
    match major {
        ..=0 => None,
        1 => Some(Version { minor: newest.minor.min(u32::try_from(minor).unwrap_or(0)), ..newest }),
        2.. => Some(newest),
    }
}

/// The two integers of a tuple, if no user code has to run to read them.
#[inline]
fn exact_pair(value: &Bound<'_, PyAny>) -> Option<[c_int; 2]> {
    // SAFETY: attached, and the value is alive.
    if unsafe { ffi::PyTuple_CheckExact(value.as_ptr()) } == 0 {
        return None;
    }
    // SAFETY: as above, and it is a tuple.
    if unsafe { length(value.as_ptr()) } != 2 {
        return None;
    }
    // SAFETY: attached; the tuple has two items.
    let items = [0, 1].map(|index| unsafe { item(value.as_ptr(), index) });
    let known = ONE_AND_ZERO.each_ref().map(|number| number.load(Ordering::Relaxed));
    if items == known { Some([1, 0]) } else { exact_integers(items) }
}

/// The same for integers that are not 1 and 0. A tuple keeps them alive.
#[cold]
#[inline(never)]
fn exact_integers(items: [*mut ffi::PyObject; 2]) -> Option<[c_int; 2]> {
    let mut numbers = [0; 2];
    for (number, item) in numbers.iter_mut().zip(items) {
        // SAFETY: the tuple keeps the item.
        if unsafe { ffi::PyLong_CheckExact(item) } == 0 {
            return None;
        }
        let mut overflow = 0;
        // SAFETY: attached, with an integer; it raises nothing.
        let long = unsafe { ffi::PyLong_AsLongAndOverflow(item, &raw mut overflow) };
        *number = c_int::try_from(long).ok().filter(|_| overflow == 0)?;
    }
    Some(numbers)
}

/// Two integers.
pub(super) fn pair(value: &Bound<'_, PyAny>, name: &str) -> PyResult<[c_int; 2]> {
    let py = value.py();
    let (Ok(tuple), mut numbers) = (value.cast::<PyTuple>(), [0; 2]) else {
        let class = ClassName::of(value)?;
        let text = format_args!("__dlpack__() takes a tuple of two integers for '{name}', not '{class}'");
        return Err(exception::<PyTypeError>(py, text));
    };
    if tuple.len() != 2 {
        let count = tuple.len();
        let text = format_args!("__dlpack__() takes a tuple of two integers for '{name}', not of {count}");
        return Err(exception::<PyTypeError>(py, text));
    }
    for (number, index) in numbers.iter_mut().zip(0..) {
        // SAFETY: attached; the tuple has this item.
        let item = unsafe { ffi::PyTuple_GetItem(tuple.as_ptr(), index) };
        // SAFETY: attached, and the tuple keeps the item, which converts itself to an integer.
        let long = unsafe { ffi::PyLong_AsLong(item) };
        if long == -1 && PyErr::occurred(py) {
            return Err(raised(py));
        }
        // A larger number is as unknown as the largest one.
        *number = c_int::try_from(long).unwrap_or(c_int::MAX);
    }
    Ok(numbers)
}
