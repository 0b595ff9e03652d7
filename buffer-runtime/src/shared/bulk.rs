//! Work on local copies of all elements of shared memory.

use std::slice;

use super::arrays;
use super::chunk;
use super::run::{Run, Runs, load, store, take};
use super::wide::widely;
use crate::element::Element;

/// Calls `fold` with copies of all elements, a chunk at a time.
pub(crate) fn fold_chunks<T: Element, A>(mut runs: impl Runs<T>, init: A, mut fold: impl FnMut(A, &[T]) -> A) -> A {
    chunk::with_one(|local, room| {
        let mut folded = init;
        while runs.left() > 0 {
            let count = room.min(runs.left());
            // SAFETY: `count` elements are left, and the chunk has room for them.
            unsafe { load(&mut runs, local, count) };
            // SAFETY: `count` elements were just initialised there, and no other code uses them.
            let local = unsafe { slice::from_raw_parts(local, count) };
            folded = widely(|| fold(folded, local));
        }
        folded
    })
}

/// Calls `fold` with copies of the elements of both, a chunk at a time, with equally many elements of each.
pub(crate) fn fold_chunks_with<T: Element, U: Element, A>(
    mut runs: impl Runs<T>,
    mut others: impl Runs<U>,
    init: A,
    mut fold: impl FnMut(A, &[T], &[U]) -> A,
) -> A {
    chunk::with_two(|local, other, room| {
        // Use half of the room: much faster if both are in main memory, since the stream of each pauses during the copy
        // of the other.
        let room = room.div_ceil(2);
        let mut folded = init;
        while runs.left().min(others.left()) > 0 {
            let count = room.min(runs.left()).min(others.left());
            // SAFETY: `count` elements are left, and the chunk has room for them.
            unsafe { load(&mut runs, local, count) };
            // SAFETY: as above.
            unsafe { load(&mut others, other, count) };
            // SAFETY: `count` elements were just initialised there, and no other code uses them.
            let local = unsafe { slice::from_raw_parts(local, count) };
            // SAFETY: as above.
            let other = unsafe { slice::from_raw_parts(other, count) };
            folded = widely(|| fold(folded, local, other));
        }
        folded
    })
}

/// Calls `fold` with copies of all elements as arrays, the last one filled up with `pad`.
pub(crate) fn fold_arrays<T: Element, A, const N: usize>(
    mut runs: impl Runs<T>,
    init: A,
    pad: T,
    mut fold: impl FnMut(A, [T; N]) -> A,
) -> A {
    const { assert!(N > 0, "an array needs at least one element") };
    if let Some(run) = all_of(&runs) {
        // SAFETY: `all_of` returns only a dense run of `runs`, so clause 1 applies to it.
        return unsafe { arrays::fold(&run, init, pad, fold) };
    }
    let mut folded = init;
    while runs.left() > 0 {
        folded = fold(folded, next_array(&mut runs, pad));
    }
    folded
}

/// Calls `fold` with copies of the elements of both as arrays, with equally many elements of each.
pub(crate) fn fold_arrays_with<T: Element, U: Element, A, const N: usize>(
    mut runs: impl Runs<T>,
    mut others: impl Runs<U>,
    init: A,
    pads: (T, U),
    mut fold: impl FnMut(A, [T; N], [U; N]) -> A,
) -> A {
    const { assert!(N > 0, "an array needs at least one element") };
    if let (Some(run), Some(other)) = (all_of(&runs), all_of(&others)) {
        // SAFETY: as in `fold_arrays`, for both runs.
        return unsafe { arrays::fold_with((&run, &other), init, pads, fold) };
    }
    let mut folded = init;
    while runs.left().min(others.left()) > 0 {
        folded = fold(folded, next_array(&mut runs, pads.0), next_array(&mut others, pads.1));
    }
    folded
}

/// All elements that are left, as one run, if they are contiguous.
fn all_of<T: Element>(runs: &impl Runs<T>) -> Option<Run<T>> {
    runs.peek().filter(|run| run.is_dense() && run.count == runs.left())
}

/// The next elements, filled up with copies of `pad` after the last.
#[inline]
fn next_array<T: Element, const N: usize>(runs: &mut impl Runs<T>, pad: T) -> [T; N] {
    let mut array = [pad; N];
    // SAFETY: no more elements are loaded than are left, and the array has room for `N`.
    unsafe { load(runs, array.as_mut_ptr(), N.min(runs.left())) };
    array
}

/// Calls `change` with copies of all elements, a chunk at a time, and stores the units that it changed.
///
/// # Safety
///
/// The elements may be written.
pub(crate) unsafe fn for_each_chunk<T: Element>(mut reads: impl Runs<T>, mut change: impl FnMut(&mut [T])) {
    if let Some(run) = all_of(&reads).filter(arrays::can_change) {
        // SAFETY: `all_of` returns only a dense run of `reads`, so clause 1 applies to it, and `can_change` returns
        // `true` for it. The caller guarantees that it may be written.
        return unsafe { arrays::change(&run, change) };
    }
    let mut writes = reads.clone();
    chunk::with_two(|before: *mut T, after: *mut T, room| {
        while reads.left() > 0 {
            let count = room.min(reads.left());
            // SAFETY: `count` elements are left, and the chunk has room for them.
            unsafe { load(&mut reads, before, count) };
            // SAFETY: the two chunks are separate, and `count` elements of the first were just loaded.
            unsafe { before.copy_to_nonoverlapping(after, count) };
            // SAFETY: `count` elements are initialised there, and no other code uses them.
            let chunk = unsafe { slice::from_raw_parts_mut(after, count) };
            widely(|| change(chunk));
            take(&mut writes, count, |run, done| {
                // SAFETY: by clauses 1 and 3 these are the same elements again, and both chunks have initialised copies
                // of them; the caller guarantees that they may be written.
                unsafe { run.store_changed(before.wrapping_add(done), after.wrapping_add(done)) };
            });
        }
    });
}

/// Replaces each element by the result of `change`. All elements are stored, whether they have changed or not.
///
/// # Safety
///
/// The elements may be written.
pub(crate) unsafe fn update<T: Element>(mut reads: impl Runs<T>, mut change: impl FnMut(T) -> T) {
    let mut writes = reads.clone();
    chunk::with_one(|local: *mut T, room| {
        while let Some(run) = reads.peek() {
            if arrays::suit(&run) {
                // SAFETY: the run suits, clause 1 applies to it, and the caller guarantees that it may be written.
                unsafe { arrays::update(&run, &mut change) };
                reads.skip(run.count);
                writes.skip(run.count);
                continue;
            }
            let count = room.min(reads.left());
            // SAFETY: `count` elements are left, and the chunk has room for them.
            unsafe { load(&mut reads, local, count) };
            // SAFETY: `count` elements are initialised there, and no other code uses them.
            let chunk = unsafe { slice::from_raw_parts_mut(local, count) };
            widely(|| chunk.iter_mut().for_each(|item| *item = change(*item)));
            // SAFETY: by clause 3 these are the same elements again; the caller guarantees that they may be written.
            unsafe { store(&mut writes, chunk) };
        }
    });
}
