//! Views without an interpreter: fields as an exporter would fill them, for memory that Rust owns. Under Miri,
//! `granted` also tests views from the request to the release, with a simulated interpreter.

#[cfg(miri)]
mod granted;

use std::cell::UnsafeCell;
use std::ffi::CStr;
use std::{fmt, ptr};

use proptest::prelude::*;

use super::begin::Intent;
use super::rejection::Rejection;
use super::reported::{Arrays, Places, Reported};
use super::starts::Starts;
use super::walk::{Items, Walk};
use super::wanted::Wanted;
use crate::element::Element;
use crate::shared;

/// The fields that an exporter fills. They describe the memory correctly unless a test replaces some.
struct Said {
    buf: *mut u8,
    format: &'static CStr,
    itemsize: isize,
    shape: Vec<isize>,
    strides: Option<Vec<isize>>,
    suboffsets: Option<Vec<isize>>,
}

impl Said {
    fn of<T: Element>(buf: *mut T, shape: &[isize]) -> Self {
        Self {
            buf: buf.cast(),
            format: T::FORMAT,
            itemsize: T::ITEMSIZE.cast_signed(),
            shape: shape.to_vec(),
            strides: None,
            suboffsets: None,
        }
    }

    fn strides(self, strides: &[isize]) -> Self {
        Self { strides: Some(strides.to_vec()), ..self }
    }

    fn check<T: Element>(&self) -> Result<Places, Rejection> {
        let len = if self.shape.contains(&0) {
            Some(0)
        } else {
            self.shape.iter().try_fold(self.itemsize, |a, &b| a.checked_mul(b))
        };
        let claims = Reported {
            buf: self.buf,
            owned: true,
            len: len.unwrap_or(0),
            itemsize: self.itemsize,
            ndim: i32::try_from(self.shape.len()).unwrap(),
            format: Some(self.format),
            arrays: Some(Arrays {
                shape: Some(self.shape.clone()),
                strides: self.strides.clone(),
                suboffsets: self.suboffsets.clone(),
            }),
        };
        claims.check(Wanted::of::<T>(Intent::Write))
    }

    /// # Safety
    ///
    /// The fields are true.
    unsafe fn walk<T: Element>(&self) -> Walk {
        let places = self.check::<T>().map_err(|problem| problem.to_string()).unwrap();
        // SAFETY: as the caller vouches.
        let starts = unsafe { Starts::find(self.buf, &places, Wanted::of::<T>(Intent::Write)) };
        Walk::new(starts.map_err(|problem| problem.to_string()).unwrap(), &places, size_of::<T>())
    }

    /// The elements, read in three ways that must agree.
    ///
    /// # Safety
    ///
    /// The fields are true.
    unsafe fn read<T: Element + PartialEq + fmt::Debug>(&self) -> Vec<T> {
        // SAFETY: as the caller vouches.
        let walk = unsafe { self.walk::<T>() };
        let items: Vec<T> = Items::new(walk.cursor()).collect();
        assert_eq!(shared::fold_chunks(walk.cursor(), Vec::new(), |all, chunk: &[T]| [&all, chunk].concat()), items);
        let mut nexts = Items::new(walk.cursor());
        for (done, item) in items.iter().enumerate() {
            assert_eq!((nexts.len(), nexts.next().as_ref()), (items.len() - done, Some(item)));
        }
        assert_eq!((nexts.next(), walk.len()), (None, items.len()));
        items
    }
}

/// Memory that is written through raw pointers.
struct Memory<T>(Box<[UnsafeCell<T>]>);

impl<T: Element> Memory<T> {
    fn new(items: impl IntoIterator<Item = T>) -> Self {
        Self(items.into_iter().map(UnsafeCell::new).collect())
    }

    fn at(&self, index: usize) -> *mut T {
        UnsafeCell::raw_get(self.0.as_ptr()).wrapping_add(index)
    }
}

fn refused<T: Element>(said: &Said) -> String {
    said.check::<T>().map(|places| format!("{places:?}")).expect_err("it is refused").to_string()
}

#[test]
fn dense_reversed_transposed_and_broadcast_items_are_read_in_index_order() {
    let memory = Memory::new(0_u16..6);
    // SAFETY: the layouts below are inside the memory.
    let read = |said: Said| unsafe { said.read::<u16>() };
    assert_eq!(read(Said::of(memory.at(0), &[2, 3])), [0, 1, 2, 3, 4, 5]);
    assert_eq!(read(Said::of(memory.at(5), &[2, 3]).strides(&[-6, -2])), [5, 4, 3, 2, 1, 0]);
    assert_eq!(read(Said::of(memory.at(0), &[3, 2]).strides(&[2, 6])), [0, 3, 1, 4, 2, 5]);
    assert_eq!(read(Said::of(memory.at(1), &[2, 2]).strides(&[0, 2])), [1, 2, 1, 2]);
    assert_eq!(read(Said::of(memory.at(4), &[])), [4]);
    assert!(read(Said::of(ptr::null_mut::<u16>(), &[3, 0])).is_empty());
    assert_eq!(read(Said::of(memory.at(0), &[1, 3, 1, 1]).strides(&[7, 4, 7, 7])), [0, 2, 4]);
}

#[test]
fn arrays_are_elements() {
    let memory = Memory::new((0_i32..12).map(|item| item * 10));
    // SAFETY: inside the memory.
    let pairs = unsafe { Said::of(memory.at(10), &[3, 2]).strides(&[-16, 4]).read::<[i32; 2]>() };
    assert_eq!(pairs, [[100, 110], [60, 70], [20, 30]]);
    // SAFETY: inside the memory.
    let tables = unsafe { Said::of(memory.at(0), &[2, 3, 2]).read::<[[i32; 2]; 3]>() };
    assert_eq!(tables, [[[0, 10], [20, 30], [40, 50]], [[60, 70], [80, 90], [100, 110]]]);
    let items = Said { format: c"3i", itemsize: 12, ..Said::of(memory.at(0), &[4]) };
    // SAFETY: as above.
    assert_eq!(unsafe { items.read::<[i32; 3]>() }[3], [90, 100, 110]);
}

#[test]
fn pointers_to_pointers_to_rows_are_followed() {
    let memory = Memory::new(0_u32..12);
    let rows: Vec<*mut u32> = [8, 0, 4, 2].map(|index| memory.at(index)).to_vec();
    let tables: Vec<*const *mut u32> = vec![rows.as_ptr().wrapping_add(2), rows.as_ptr()];
    let pointer = size_of::<*mut u32>().cast_signed();
    let said = Said {
        strides: Some(vec![pointer, pointer, 4]),
        suboffsets: Some(vec![0, 4, -1]),
        ..Said::of(tables.as_ptr().cast_mut().cast::<u32>(), &[2, 2, 3])
    };
    // SAFETY: the pointers point into the memory; each row begins 4 bytes after its pointer, and is inside it too.
    assert_eq!(unsafe { said.read::<u32>() }, [5, 6, 7, 3, 4, 5, 9, 10, 11, 1, 2, 3]);
}

#[test]
fn items_are_stored_in_index_order() {
    let memory = Memory::new([0_u16; 12]);
    // Every other item of two rows, backwards.
    let said = Said::of(memory.at(10), &[2, 3]).strides(&[-12, -4]);
    // SAFETY: inside the memory.
    let walk = unsafe { said.walk::<u16>() };
    // SAFETY: as above.
    let all = || unsafe { Said::of(memory.at(0), &[12]).read::<u16>() };
    // SAFETY: six items, which may be written.
    unsafe { shared::store(&mut walk.cursor(), &[1_u16, 2, 3, 4, 5, 6]) };
    assert_eq!(all(), [6, 0, 5, 0, 4, 0, 3, 0, 2, 0, 1, 0]);
    let change = |chunk: &mut [u16]| chunk.iter_mut().filter(|item| **item != 2).for_each(|item| *item *= 10);
    // SAFETY: as above.
    unsafe { shared::for_each_chunk(walk.cursor(), change) };
    assert_eq!(all(), [60, 0, 50, 0, 40, 0, 30, 0, 2, 0, 10, 0]);
    // SAFETY: as above.
    unsafe { shared::fill(&mut walk.cursor(), 7_u16) };
    assert_eq!(all(), [7, 0, 7, 0, 7, 0, 7, 0, 7, 0, 7, 0]);
}

#[test]
fn what_contradicts_itself_is_refused_without_a_look_at_the_memory() {
    let nowhere = ptr::without_provenance_mut::<f64>(64);
    let said = |shape: &[isize], strides: &[isize]| Said::of(nowhere, shape).strides(strides);
    assert!(refused::<f64>(&said(&[-1], &[8])).contains("dimension 0 of the shape is negative"));
    assert!(refused::<f64>(&said(&[1 << 31, 1 << 31], &[0, 0])).contains("more bytes than memory can have"));
    assert!(refused::<f64>(&said(&[2, 2], &[isize::MAX - 7, 8])).contains("more bytes than memory can have"));
    assert!(refused::<f64>(&said(&[2], &[isize::MIN])).contains("more bytes than memory can have"));
    assert!(refused::<f64>(&said(&[10], &[-8])).contains("more bytes than memory can have"));
    assert!(refused::<f64>(&said(&[2], &[4])).contains("misaligned"));
    let odd = Said::of(ptr::without_provenance_mut::<f64>(60), &[1]);
    assert!(refused::<f64>(&odd).contains("misaligned"));
    assert!(refused::<f32>(&said(&[1], &[8])).contains("expected items of format 'f' (f32), but this buffer has 'd'"));
    assert!(refused::<[f64; 2]>(&said(&[4, 3], &[24, 8])).contains("last dimensions are (2,)"));
    assert!(refused::<[f64; 2]>(&said(&[4, 2], &[24, 16])).contains("in one piece"));
}

#[test]
fn a_pointer_among_the_scalars_of_no_element_leads_to_no_row() {
    let nowhere = ptr::without_provenance_mut::<f32>(64);
    let said = |suboffsets: &[isize]| {
        let said = Said { suboffsets: Some(suboffsets.to_vec()), ..Said::of(nowhere, &[2, 0, 3]) };
        said.check::<[f32; 3]>().unwrap().suboffsets
    };
    assert!(said(&[-1, -1, 4]).is_empty());
    assert_eq!(said(&[4, -1, 4]), [4]);
    assert_eq!(said(&[-1, 4, -1]), [-1, 4]);
}

/// The offsets of all items, by the definition of strides.
fn addresses(shape: &[isize], strides: &[isize]) -> Vec<isize> {
    shape.iter().zip(strides).fold(vec![0], |starts, (&extent, &stride)| {
        starts.iter().flat_map(|start| (0..extent).map(move |index| start + index * stride)).collect()
    })
}

proptest! {
    /// The items of any layout inside 256 items are where the strides put them. For any layout, even one that extends
    /// outside, `len`, `reach` and `may_overlap` are exact.
    #[test]
    fn runs_lead_where_indices_do(
        axes in prop::collection::vec((0_isize..5, -9_isize..9), 0..5),
        start in 0_usize..256,
    ) {
        let (shape, strides): (Vec<_>, Vec<_>) = axes.into_iter().map(|(extent, stride)| (extent, stride * 4)).unzip();
        let memory = Memory::new(0_u32..256);
        let said = Said::of(memory.at(start), &shape).strides(&strides);
        let places = said.check::<u32>().map_err(|problem| TestCaseError::fail(problem.to_string()))?;
        let offsets = addresses(&shape, &strides);
        prop_assert_eq!(places.len, offsets.len());
        if let (Some(&least), Some(&most)) = (offsets.iter().min(), offsets.iter().max()) {
            prop_assert_eq!(places.reach.before, least.unsigned_abs());
            prop_assert_eq!(places.reach.after, most.unsigned_abs() + 4);
        }
        let expected: Option<Vec<u32>> = offsets
            .iter()
            .map(|offset| u32::try_from(start.cast_signed() + offset / 4).ok().filter(|&item| item < 256))
            .collect();
        if let Some(expected) = expected {
            // SAFETY: all items are inside the memory.
            prop_assert_eq!(unsafe { said.read::<u32>() }, expected);
        }
        let mut sorted = offsets;
        sorted.sort_unstable();
        let shares = sorted.windows(2).any(|pair| pair[1] - pair[0] < 4);
        prop_assert_eq!(places.may_overlap(Wanted::of::<u32>(Intent::Write)), shares);
    }

    /// For any fields, the check neither panics nor overflows, and fields that pass are consistent.
    #[test]
    fn any_claims_are_checked(
        numbers in prop::collection::vec((any::<isize>(), any::<isize>(), any::<isize>()), 0..6),
        small in prop::collection::vec(0_isize..3, 6),
        use_small in any::<bool>(),
        buf in any::<usize>(),
        len in any::<isize>(),
        itemsize in prop_oneof![Just(8_isize), any::<isize>()],
        nulls in 0_u8..8,
    ) {
        let given = |bit: u8, array: Vec<isize>| (nulls & bit == 0).then_some(array);
        let shape: Vec<isize> = numbers.iter().zip(&small).map(|(all, &extent)| if use_small { extent } else { all.0 }).collect();
        let claims = Reported {
            buf: ptr::without_provenance_mut(buf),
            owned: true,
            len: if use_small { shape.iter().product::<isize>() * 8 } else { len },
            itemsize,
            ndim: i32::try_from(numbers.len()).unwrap(),
            format: Some(c"d"),
            arrays: Some(Arrays {
                shape: given(1, shape),
                strides: given(2, numbers.iter().map(|all| all.1).collect()),
                suboffsets: given(4, numbers.iter().map(|all| all.2).collect()),
            }),
        };
        if let Ok(places) = claims.check(Wanted::of::<f64>(Intent::Write)) {
            prop_assert_eq!(places.shape.len(), places.strides.len());
            prop_assert!(places.suboffsets.len() <= places.shape.len());
            prop_assert!(places.suboffsets.last().is_none_or(|&last| last >= 0));
            prop_assert!(places.shape.iter().all(|&extent| extent >= 0));
            if places.len > 0 && places.suboffsets.is_empty() {
                prop_assert!(buf.is_multiple_of(8) && buf > places.reach.before);
                prop_assert!(buf.checked_add(places.reach.after).is_some());
            }
        }
    }
}
