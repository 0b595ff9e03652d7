//! Copies of contiguous and strided elements, ranges, and iteration.

use std::collections::TryReserveError;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
#[cfg(feature = "pickle")]
use crate::shared::copy_bytes;
use crate::shared::room_for;

fn numbered(len: usize) -> Vec<u16> {
    (0..=u16::MAX).cycle().take(len).collect()
}

/// Lengths around the one from which on a copy is aligned, with targets at every alignment.
#[test]
fn miri_copies_have_every_element_at_every_alignment() {
    let lengths: &[usize] = if cfg!(miri) { &[0, 3, 40, 600] } else { &[0, 1, 31, 32, 40, 511, 512, 513, 600, 5000] };
    let starts: &[usize] = if cfg!(miri) { &[0, 3] } else { &[0, 1, 2, 3, 7, 8, 15, 16, 17, 31] };
    for (&len, &start) in lengths.iter().flat_map(|len| starts.iter().map(move |start| (len, start))) {
        let source = numbered(len);
        let memory = Memory::new(&vec![u16::MAX; start + len + 5]);
        let whole = memory.shared();
        let part = whole.range(start..start + len);
        part.copy_from_slice(&source);
        assert!(whole.range(..start).iter().chain(whole.range(start + len..).iter()).all(|item| item == u16::MAX));
        assert_eq!(part.to_vec().unwrap(), source);
        let mut copy = vec![0; start + len + 5];
        part.copy_to_slice(&mut copy[start..start + len]);
        assert_eq!(copy[start..start + len], source);
        assert!(copy[..start].iter().chain(&copy[start + len..]).all(|&item| item == 0));
    }
}

#[cfg(feature = "pickle")]
#[test]
fn miri_bytes_are_copied_from_any_address() {
    for (len, start) in [(0, 0), (1, 1), (7, 3), (200, 1), (200, 8), (700, 5)] {
        let mut source: Vec<u8> = (0..=u8::MAX).cycle().take(start + len).collect();
        let mut copy: Vec<u64> = Vec::with_capacity(len.div_ceil(8));
        let to = copy.as_mut_ptr().cast::<u8>();
        // SAFETY: there are as many bytes there, and room for as many here.
        unsafe { copy_bytes(source.as_mut_ptr().wrapping_add(start), to, len) };
        // SAFETY: they were just written.
        assert_eq!(unsafe { std::slice::from_raw_parts(to, len) }, &source[start..]);
    }
    // SAFETY: nothing is read or written.
    unsafe { copy_bytes(std::ptr::null(), std::ptr::null_mut(), 0) };
}

/// Large enough to bypass the caches.
#[test]
fn copies_of_many_megabytes_have_every_element() {
    let source = numbered((17 << 20) / 2 + 3);
    let memory = Memory::new(&vec![0; source.len() + 1]);
    let whole = memory.shared();
    whole.range(1..).copy_from_slice(&source);
    assert!(whole.range(1..).to_vec().unwrap() == source);
    assert_eq!(whole.get(0), 0);
    let mut copy = source.clone();
    whole.range(..source.len()).copy_to_slice(&mut copy);
    assert!(copy[1..] == source[..source.len() - 1]);
}

fn strided<T: Element + PartialEq + fmt::Debug>(item: impl Fn(usize) -> T, stride: isize, count: usize) {
    let reach = stride.unsigned_abs() * count.saturating_sub(1) + 1;
    let memory = Memory::new(&(0..reach).map(&item).collect::<Vec<_>>());
    let whole = memory.shared();
    let first = if stride < 0 { whole.as_ptr().wrapping_add(reach - 1) } else { whole.as_ptr() };
    let run = Run { first, stride: stride * size_of::<T>().cast_signed(), count };
    let indices = || {
        (0..count).map(|index| {
            if stride < 0 { reach - 1 - index * stride.unsigned_abs() } else { index * stride.unsigned_abs() }
        })
    };
    let mut copies = vec![item(99); count];
    // SAFETY: the memory has all elements of the run, and the vector has room for them.
    unsafe { run.copy_out(copies.as_mut_ptr()) };
    assert!(copies.iter().copied().eq(indices().map(&item)), "{stride} {count}");
    let new: Vec<T> = (7..7 + count).map(&item).collect();
    // SAFETY: as above; the memory may be written.
    unsafe { run.copy_in(new.as_ptr()) };
    let mut expected: Vec<T> = (0..reach).map(&item).collect();
    indices().zip(new).for_each(|(index, new)| expected[index] = new);
    assert_eq!(whole.to_vec().unwrap(), expected, "{stride} {count}");
}

#[test]
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any values will do")]
fn miri_strided_runs_are_copied_whole() {
    let counts: &[usize] = if cfg!(miri) { &[1, 9, 30] } else { &[1, 2, 7, 8, 9, 17, 600, 5000] };
    for stride in [1, -1, 2, -2, 3] {
        for &count in counts {
            strided(|index| index as u8, stride, count);
            strided(|index| index as u16, stride, count);
            strided(|index| index as f32, stride, count);
            strided(|index| [index as u64, 1], stride, count);
            strided(|index| Be::new(index as u32), stride, count);
        }
    }
}

#[test]
fn miri_ranges_are_handles_to_their_elements() {
    let memory = Memory::new(&[1_u32, 2, 3, 4, 5]);
    let whole = memory.shared();
    let middle = whole.range(1..4);
    assert_eq!((middle.len(), middle.get(0), middle.range(1..=1).get(0)), (3, 2, 3));
    middle.set(2, 40);
    middle.range(..1).fill(20);
    assert_eq!(whole.to_vec().unwrap(), [1, 20, 3, 40, 5]);
    let reads: &SharedRead<u32> = &whole;
    assert_eq!(reads.range(3..).to_vec().unwrap(), [40, 5]);
    assert!(whole.range(5..).is_empty() && whole.range(2..2).is_empty());
    assert!(whole.range(..).iter().eq(whole.iter()));
    thread::scope(|scope| {
        let (low, high) = (whole.range(..2), whole.range(2..));
        scope.spawn(move || low.fill(0));
        high.fill(9);
    });
    assert_eq!(whole.to_vec().unwrap(), [0, 0, 9, 9, 9]);
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "one of the refused ranges")]
fn ranges_out_of_range_panic() {
    let memory = Memory::new(&[1_u8; 5]);
    let whole = memory.shared();
    let panics = |range: &dyn Fn() -> usize| assert!(catch_unwind(AssertUnwindSafe(range)).is_err());
    panics(&|| whole.range(..6).len());
    panics(&|| whole.range(6..).len());
    panics(&|| whole.range(3..2).len());
    panics(&|| whole.range(..=usize::MAX).len());
    panics(&|| whole.range(2..4).range(1..3).len());
}

#[test]
fn miri_an_iterator_folds_what_it_has_left() {
    let items = numbered(if cfg!(miri) { 70 } else { 5000 });
    let memory = Memory::new(&items);
    let shared = memory.shared();
    let mut iter = shared.iter();
    let ends = (iter.next(), iter.next_back(), iter.nth(2), iter.len());
    assert_eq!(ends, (Some(0), items.last().copied(), Some(3), items.len() - 5));
    let mut rest = Vec::new();
    iter.for_each(|item| rest.push(item));
    assert_eq!(rest, items[4..items.len() - 1]);
    let sum: u64 = items.iter().copied().map(u64::from).sum();
    assert_eq!(shared.iter().map(u64::from).sum::<u64>(), sum);
    let mut looped = Vec::new();
    for item in &shared {
        looped.push(item);
    }
    assert_eq!(looped, items);
    let reads: &SharedRead<u16> = &shared;
    assert!(reads.into_iter().eq(items));
}

#[test]
fn room_for_many_elements_is_usable() {
    let mut room = room_for::<u64>(1 << 20).unwrap();
    assert!(room.is_empty() && room.capacity() >= 1 << 20);
    room.resize(1 << 20, 7);
    assert!(room.iter().all(|&item| item == 7));
    assert!(room_for::<u64>(usize::MAX).is_err());
}

#[test]
fn the_error_of_a_copy_names_the_items_and_its_cause() {
    let cause = room_for::<u64>(usize::MAX).unwrap_err();
    let error = CopyError::new(7, cause.clone());
    assert_eq!(error.to_string(), "there is no memory for a copy of the 7 items of a buffer");
    assert_eq!(error.source().unwrap().to_string(), cause.to_string());
    assert_eq!(TryReserveError::from(error), cause);
}
