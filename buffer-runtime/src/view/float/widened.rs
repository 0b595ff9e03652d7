//! Conversion between `f32` and `f64`: values that are read are widened, and values that are stored are rounded.

use super::super::walk::Items;

/// Rounds to the nearest `f32`.
#[expect(clippy::cast_possible_truncation, reason = "the documentation says that it is rounded")]
#[inline(always)]
pub(super) fn narrow(value: f64) -> f32 {
    value as f32
}

/// How many items are converted at a time: as many as a chunk of `f64` has, and half as many as a chunk of `f32` has.
const ROOM: usize = 512;

/// Calls `change` with the items of a chunk, converted on the stack, and converts back those that have changed.
#[inline(always)]
pub(super) fn change_wide(chunk: &mut [f32], change: &mut impl FnMut(&mut [f64])) {
    let mut wide = [0.0; ROOM];
    for narrowed in chunk.chunks_mut(ROOM) {
        let wide = &mut wide[..narrowed.len()];
        wide.iter_mut().zip(&*narrowed).for_each(|(wide, &item)| *wide = f64::from(item));
        change(wide);
        for (item, &wide) in narrowed.iter_mut().zip(&*wide) {
            // Conversion alone changes a signalling NaN. So the comparison is with the converted item, and an item that
            // `change` left as it was is not stored.
            if wide.to_bits() != f64::from(*item).to_bits() {
                *item = narrow(wide);
            }
        }
    }
}

/// Calls `fold` with the items of a chunk, converted on the stack.
#[inline(always)]
pub(super) fn fold_wide<A>(chunk: &[f32], init: A, fold: &mut impl FnMut(A, &[f64]) -> A) -> A {
    let mut wide = [0.0; ROOM];
    chunk.chunks(ROOM).fold(init, |folded, narrow| {
        wide.iter_mut().zip(narrow).for_each(|(wide, &narrow)| *wide = f64::from(narrow));
        fold(folded, &wide[..narrow.len()])
    })
}

/// The items of either view.
pub(super) enum Floats<'a> {
    Single(Items<'a, f32>),
    Double(Items<'a, f64>),
}

impl Iterator for Floats<'_> {
    type Item = f64;

    #[inline]
    fn next(&mut self) -> Option<f64> {
        match self {
            Self::Single(items) => items.next().map(f64::from),
            Self::Double(items) => items.next(),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Single(items) => items.size_hint(),
            Self::Double(items) => items.size_hint(),
        }
    }

    #[inline]
    fn fold<A, F: FnMut(A, f64) -> A>(self, init: A, mut fold: F) -> A {
        match self {
            Self::Single(items) => items.fold(init, |folded, item| fold(folded, f64::from(item))),
            Self::Double(items) => items.fold(init, fold),
        }
    }
}

impl ExactSizeIterator for Floats<'_> {}
