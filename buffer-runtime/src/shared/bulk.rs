//! Work on all elements of shared memory, through local copies of them.

use std::slice;

use super::arrays;
use super::chunk;
use super::run::{Run, Runs, load, store, take};
use super::wide::widely;
use crate::element::Element;

/// Lets `fold` read copies of all elements, a chunk at a time.
pub(crate) fn fold_chunks<T: Element, A>(mut runs: impl Runs<T>, init: A, mut fold: impl FnMut(A, &[T]) -> A) -> A {
    chunk::with_one(|local, room| {
        let mut folded = init;
        while runs.left() > 0 {
            let count = room.min(runs.left());
            // SAFETY: so many are left, and the chunk has room for them.
            unsafe { load(&mut runs, local, count) };
            // SAFETY: `count` elements were just initialised there, and nobody else uses them.
            let local = unsafe { slice::from_raw_parts(local, count) };
            folded = widely(|| fold(folded, local));
        }
        folded
    })
}

/// Lets `fold` read copies of the elements of both, as many of one as of the other, a chunk at a time.
pub(crate) fn fold_chunks_with<T: Element, U: Element, A>(
    mut runs: impl Runs<T>,
    mut others: impl Runs<U>,
    init: A,
    mut fold: impl FnMut(A, &[T], &[U]) -> A,
) -> A {
    chunk::with_two(|local, other, room| {
        // Half of the room: where both come from memory, whose streams run dry in turns, that is much faster.
        let room = room.div_ceil(2);
        let mut folded = init;
        while runs.left().min(others.left()) > 0 {
            let count = room.min(runs.left()).min(others.left());
            // SAFETY: so many are left, and the chunk has room for them.
            unsafe { load(&mut runs, local, count) };
            // SAFETY: as above.
            unsafe { load(&mut others, other, count) };
            // SAFETY: `count` elements were just initialised there, and nobody else uses them.
            let local = unsafe { slice::from_raw_parts(local, count) };
            // SAFETY: as above.
            let other = unsafe { slice::from_raw_parts(other, count) };
            folded = widely(|| fold(folded, local, other));
        }
        folded
    })
}

/// Lets `fold` have copies of all elements as arrays, the last one filled up with `pad`.
pub(crate) fn fold_arrays<T: Element, A, const N: usize>(
    mut runs: impl Runs<T>,
    init: A,
    pad: T,
    mut fold: impl FnMut(A, [T; N]) -> A,
) -> A {
    const { assert!(N > 0, "an array needs at least one element") };
    if let Some(run) = all_of(&runs) {
        // SAFETY: the run is dense, and one of theirs.
        return unsafe { arrays::fold(&run, init, pad, fold) };
    }
    let mut folded = init;
    while runs.left() > 0 {
        folded = fold(folded, next_array(&mut runs, pad));
    }
    folded
}

/// Lets `fold` have copies of the elements of both as arrays, as many of one as of the other.
pub(crate) fn fold_arrays_with<T: Element, U: Element, A, const N: usize>(
    mut runs: impl Runs<T>,
    mut others: impl Runs<U>,
    init: A,
    pads: (T, U),
    mut fold: impl FnMut(A, [T; N], [U; N]) -> A,
) -> A {
    const { assert!(N > 0, "an array needs at least one element") };
    if let (Some(run), Some(other)) = (all_of(&runs), all_of(&others)) {
        // SAFETY: both runs are dense, and theirs.
        return unsafe { arrays::fold_with((&run, &other), init, pads, fold) };
    }
    let mut folded = init;
    while runs.left().min(others.left()) > 0 {
        folded = fold(folded, next_array(&mut runs, pads.0), next_array(&mut others, pads.1));
    }
    folded
}

/// All elements that are left, where they lie one after the other.
fn all_of<T: Element>(runs: &impl Runs<T>) -> Option<Run<T>> {
    runs.peek().filter(|run| run.is_dense() && run.count == runs.left())
}

/// The next elements, with copies of `pad` where there are no more.
#[inline]
fn next_array<T: Element, const N: usize>(runs: &mut impl Runs<T>, pad: T) -> [T; N] {
    let mut array = [pad; N];
    // SAFETY: so many are left, and the array has room for them.
    unsafe { load(runs, array.as_mut_ptr(), N.min(runs.left())) };
    array
}

/// Lets `change` work on copies of all elements, a chunk at a time, and stores what it changed.
///
/// # Safety
///
/// The elements may be written.
pub(crate) unsafe fn for_each_chunk<T: Element>(mut reads: impl Runs<T>, mut change: impl FnMut(&mut [T])) {
    let mut writes = reads.clone();
    chunk::with_two(|before: *mut T, after: *mut T, room| {
        while reads.left() > 0 {
            let count = room.min(reads.left());
            // SAFETY: so many are left, and the chunk has room for them.
            unsafe { load(&mut reads, before, count) };
            // SAFETY: two chunks of their own, the first of which was just filled.
            unsafe { before.copy_to_nonoverlapping(after, count) };
            // SAFETY: `count` elements are initialised there, and nobody else uses them.
            let chunk = unsafe { slice::from_raw_parts_mut(after, count) };
            widely(|| change(chunk));
            take(&mut writes, count, |run, done| {
                // SAFETY: the same elements again (clauses 1 and 3), of which both chunks have initialised copies; the
                // caller vouches that they may be written.
                unsafe { run.store_changed(before.wrapping_add(done), after.wrapping_add(done)) };
            });
        }
    });
}

/// Puts what `change` makes of each element in its place. All are stored, whether they have changed or not.
///
/// # Safety
///
/// The elements may be written.
pub(crate) unsafe fn update<T: Element>(mut reads: impl Runs<T>, mut change: impl FnMut(T) -> T) {
    let mut writes = reads.clone();
    chunk::with_one(|local: *mut T, room| {
        while let Some(run) = reads.peek() {
            if arrays::suit(&run) {
                // SAFETY: the run is theirs, and the caller says that it may be written.
                unsafe { arrays::update(&run, &mut change) };
                reads.skip(run.count);
                writes.skip(run.count);
                continue;
            }
            let count = room.min(reads.left());
            // SAFETY: so many are left, and the chunk has room for them.
            unsafe { load(&mut reads, local, count) };
            // SAFETY: `count` elements are initialised there, and nobody else uses them.
            let chunk = unsafe { slice::from_raw_parts_mut(local, count) };
            widely(|| chunk.iter_mut().for_each(|item| *item = change(*item)));
            // SAFETY: the same elements again (clause 3), which the caller says may be written.
            unsafe { store(&mut writes, chunk) };
        }
    });
}
