//! Walks over the elements of any layout, in C order of their indices.

use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::{ptr, slice};

use super::reported::Places;
use super::starts::Starts;
use crate::element::Element;
use crate::shared::{self, Run, Runs};

/// One dimension.
#[derive(Clone, Copy)]
struct Axis {
    extent: usize,
    /// In bytes.
    stride: isize,
}

/// A layout as runs of elements at equal distances, each as long as possible. Dimensions that continue each other are
/// merged, and dimensions of extent 1 are omitted.
pub(super) struct Walk {
    starts: Starts,
    /// The dimensions around a run, outermost first. No extent is 0, unless there are no elements.
    outer: Box<[Axis]>,
    run: Axis,
    len: usize,
}

impl Walk {
    pub(super) fn new(starts: Starts, places: &Places, size: usize) -> Self {
        let stride = size.cast_signed();
        if places.c_contiguous {
            return Self { starts, outer: Box::default(), run: Axis { extent: places.len, stride }, len: places.len };
        }
        let depth = places.suboffsets.len();
        let dimensions = places.shape[depth..].iter().zip(&places.strides[depth..]);
        let mut merged: Vec<Axis> = Vec::new();
        for (&extent, &stride) in dimensions.filter(|&(&extent, _)| extent != 1) {
            let axis = Axis { extent: extent.cast_unsigned(), stride };
            match merged.last_mut() {
                // The product of the extents is at most `len`. Offsets wrap, so the merged dimension has the same
                // addresses.
                Some(last) if last.stride == stride.wrapping_mul(extent) => {
                    *last = Axis { extent: last.extent * axis.extent, stride };
                }
                _ => merged.push(axis),
            }
        }
        let run = merged.pop().unwrap_or(Axis { extent: 1, stride });
        Self { starts, outer: merged.into_boxed_slice(), run, len: places.len }
    }

    /// A cursor at the first element.
    pub(super) fn cursor<T>(&self) -> Cursor<'_, T> {
        let mut starts = self.starts.as_slice().iter();
        let at = starts.next().copied().unwrap_or(ptr::null_mut());
        Cursor {
            walk: self,
            starts,
            index: vec![0; self.outer.len()].into_boxed_slice(),
            at,
            done: 0,
            left: self.len,
            elements: PhantomData,
        }
    }

    /// The number of elements.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The addresses at which elements start, in C order of the indices of rows.
    pub(super) fn starts(&self) -> &[*mut u8] {
        self.starts.as_slice()
    }
}

/// A position in a [`Walk`].
pub(super) struct Cursor<'a, T> {
    walk: &'a Walk,
    /// The starts after the current one.
    starts: slice::Iter<'a, *mut u8>,
    /// The index of this run in the dimensions around it.
    index: Box<[usize]>,
    /// The next element of this run.
    at: *mut u8,
    /// The number of elements of this run before `at`.
    done: usize,
    left: usize,
    elements: PhantomData<T>,
}

impl<T> Cursor<'_, T> {
    /// Moves from the end of a run to the first element of the next run.
    fn advance(&mut self) {
        let back = |at: *mut u8, axis: &Axis| {
            // Wrapping: the end of a run is one stride past its last element, which may be outside the memory.
            at.wrapping_byte_offset(axis.stride.wrapping_mul(axis.extent.cast_signed()).wrapping_neg())
        };
        self.done = 0;
        self.at = back(self.at, &self.walk.run);
        for (index, axis) in self.index.iter_mut().zip(&self.walk.outer).rev() {
            *index += 1;
            self.at = self.at.wrapping_byte_offset(axis.stride);
            if *index < axis.extent {
                return;
            }
            *index = 0;
            self.at = back(self.at, axis);
        }
        self.at = self.starts.next().copied().unwrap_or(ptr::null_mut());
    }
}

impl<T> Clone for Cursor<'_, T> {
    fn clone(&self) -> Self {
        Self { starts: self.starts.clone(), index: self.index.clone(), ..*self }
    }
}

// SAFETY: a `Walk` visits `len` elements from its starts, all of which its view has checked. For what a view cannot
// check, it relies on the exporter, as its invariants state.
unsafe impl<T: Element> Runs<T> for Cursor<'_, T> {
    #[inline]
    fn left(&self) -> usize {
        self.left
    }

    #[inline]
    fn peek(&self) -> Option<Run<T>> {
        let run = self.walk.run;
        let count = run.extent - self.done;
        (self.left > 0).then_some(Run { first: self.at.cast(), stride: run.stride, count })
    }

    #[inline]
    fn skip(&mut self, count: usize) {
        let run = self.walk.run;
        self.at = self.at.wrapping_byte_offset(run.stride.wrapping_mul(count.cast_signed()));
        self.done += count;
        self.left -= count;
        if self.done == run.extent && self.left > 0 {
            self.advance();
        }
    }
}

/// The items of a [`BufferView`](super::BufferView), in C order of their indices.
///
/// In a `for` loop, each item is loaded when it is returned. A method that takes all items, such as `sum`, `fold` or
/// `for_each`, loads a chunk of them at a time, and is faster.
///
/// Made by [`BufferView::iter`](super::BufferView::iter).
#[must_use = "items are loaded only when the iterator returns them; loop over it"]
pub struct Items<'a, T> {
    cursor: Cursor<'a, T>,
    run: Run<T>,
}

impl<'a, T: Element> Items<'a, T> {
    pub(super) fn new(cursor: Cursor<'a, T>) -> Self {
        Self { cursor, run: Run { first: ptr::null_mut(), stride: 0, count: 0 } }
    }
}

impl<T: Element> Iterator for Items<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if self.run.count == 0 {
            self.run = self.cursor.next_run(usize::MAX)?;
        }
        // SAFETY: the run is from the cursor, and still has an element.
        let item = unsafe { self.run.load_first() };
        self.run.first = self.run.first.wrapping_byte_offset(self.run.stride);
        self.run.count -= 1;
        Some(item)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.cursor.left + self.run.count;
        (left, Some(left))
    }

    fn fold<A, F: FnMut(A, T) -> A>(self, init: A, mut fold: F) -> A {
        shared::fold_chunks(self, init, |folded, chunk| chunk.iter().copied().fold(folded, &mut fold))
    }
}

impl<T> Clone for Items<'_, T> {
    fn clone(&self) -> Self {
        Self { cursor: self.cursor.clone(), run: self.run.clone() }
    }
}

// SAFETY: the elements are those that are left of `run`, which is from the cursor, followed by those of the cursor.
unsafe impl<T: Element> Runs<T> for Items<'_, T> {
    fn left(&self) -> usize {
        self.run.count + self.cursor.left
    }

    #[inline]
    fn peek(&self) -> Option<Run<T>> {
        if self.run.count == 0 { self.cursor.peek() } else { Some(self.run.clone()) }
    }

    #[inline]
    fn skip(&mut self, count: usize) {
        if self.run.count == 0 {
            return self.cursor.skip(count);
        }
        // Wrapping, as in the cursor.
        self.run.first = self.run.first.wrapping_byte_offset(self.run.stride.wrapping_mul(count.cast_signed()));
        self.run.count -= count;
    }
}

impl<T: Element> ExactSizeIterator for Items<'_, T> {}

impl<T: Element> FusedIterator for Items<'_, T> {}
