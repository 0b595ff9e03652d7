//! Entry points for the fuzzer: checks the fields of a `Py_buffer` that any exporter might fill, and computes the
//! addresses of its elements. There is no memory at these addresses, and none is accessed.
#![expect(missing_docs, reason = "the fields are those of `Reported` and `Places`, which say what they are")]

use std::ffi::{CString, c_int};

use super::begin::Intent;
use super::reported::{Arrays, Reported};
use super::starts::Starts;
use super::walk::Walk;
use super::wanted::Wanted;
use crate::element::Element;
use crate::limits::MAX_NDIM;
use crate::shared::Runs;

/// The fields of a `Py_buffer`. Arrays are truncated or filled up with zeros to `ndim` numbers, because the protocol
/// requires that length and no consumer can check it.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub buf: usize,
    pub owned: bool,
    pub len: isize,
    pub itemsize: isize,
    pub ndim: c_int,
    pub format: Option<CString>,
    pub shape: Option<Vec<isize>>,
    pub strides: Option<Vec<isize>>,
    pub suboffsets: Option<Vec<isize>>,
}

/// The results for fields that pass the checks.
#[derive(Debug, Clone)]
pub struct Found {
    pub shape: Vec<isize>,
    pub strides: Vec<isize>,
    pub suboffsets: Vec<isize>,
    pub len: usize,
    /// How far elements extend before and after the address where they start, in bytes.
    pub reach: (usize, usize),
    pub c_contiguous: bool,
    pub f_contiguous: bool,
    pub may_overlap: bool,
    /// The addresses of the first elements, in C order of their indices. Empty if there are suboffsets, because no
    /// pointer is followed.
    pub addresses: Vec<usize>,
}

/// Checks fields as those of a granted view are checked, and computes the addresses of at most `most` elements.
///
/// # Errors
///
/// The message of the refusal.
pub fn check<T: Element>(claimed: &Claimed, most: usize) -> Result<Found, String> {
    let buf: *mut u8 = std::ptr::without_provenance_mut(claimed.buf);
    let ndim = usize::try_from(claimed.ndim).ok().filter(|&ndim| ndim <= MAX_NDIM);
    let array = |given: &Option<Vec<isize>>, ndim| {
        let mut numbers = given.clone()?;
        numbers.resize(ndim, 0);
        Some(numbers)
    };
    let claims = Reported {
        buf,
        owned: claimed.owned,
        len: claimed.len,
        itemsize: claimed.itemsize,
        ndim: claimed.ndim,
        format: claimed.format.as_deref(),
        arrays: ndim.map(|ndim| Arrays {
            shape: array(&claimed.shape, ndim),
            strides: array(&claimed.strides, ndim),
            suboffsets: array(&claimed.suboffsets, ndim),
        }),
    };
    let wanted = Wanted::of::<T>(Intent::Write);
    let places = claims.check(wanted).map_err(|problem| problem.to_string())?;
    let may_overlap = places.may_overlap(wanted);
    let mut addresses = Vec::new();
    if places.suboffsets.is_empty() {
        let walk = Walk::new(Starts::One(buf), &places, wanted.size);
        let mut cursor = walk.cursor::<T>();
        while addresses.len() < most
            && let Some(run) = cursor.next_run(most - addresses.len())
        {
            let start = run.first.addr();
            addresses.extend((0..run.count.cast_signed()).map(|index| start.wrapping_add_signed(run.stride * index)));
        }
    }
    Ok(Found {
        shape: places.shape,
        strides: places.strides,
        suboffsets: places.suboffsets,
        len: places.len,
        reach: (places.reach.before, places.reach.after),
        c_contiguous: places.c_contiguous,
        f_contiguous: places.f_contiguous,
        may_overlap,
        addresses,
    })
}
