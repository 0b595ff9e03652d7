//! Whether two items of a layout have bytes in common.
//!
//! Two items of `w + 1` bytes do if their distance, the sum of `stride * d` over all axes, is in `-w..=w`. Here `d` is
//! the difference of their indices along an axis of `n` items, any number in `-(n - 1)..=n - 1`; not all of the `d` are
//! 0. (Differences have either sign, so the signs of the strides do not matter.) This is a search for integers. For two
//! axes it is exact and takes a few divisions. For more axes, it tries the differences along the longest strides one by
//! one, as far as the shorter strides can compensate for them. The number of tries is bounded. If the bound is reached,
//! the result is that items may overlap.

use crate::limits::MAX_NDIM;

/// The work after which a search gives up, in units of one tried difference: at most about a millisecond.
const WORK: i64 = 10_000;
/// The work of deciding two axes at once, in the same units.
const OF_TWO: i64 = 10;
/// The most axes of a search; axes that continue each other count as one. It bounds the depth of the recursion.
const MOST_AXES: usize = 16;
/// The largest distance that all axes of a search may add up to. No memory is that large, and no sum here overflows.
const FARTHEST: i64 = i64::MAX / 8;

/// Whether two items of a layout may have bytes in common, so that writing one would write another.
///
/// `false` is always exact. `true` is exact for up to two axes that interleave, and for any other layout that the
/// search decides within its bound on work, if the items are at most [`FARTHEST`] bytes apart.
pub(crate) fn may_overlap(shape: &[isize], strides: &[isize], itemsize: isize) -> bool {
    !shape.contains(&0) && Search::new(shape, strides, itemsize).is_none_or(|mut search| search.overlaps())
}

/// Whether items of different rows may have bytes in common, if rows of this layout start at these addresses.
#[inline]
pub(crate) fn rows_may_overlap(shape: &[isize], strides: &[isize], itemsize: isize, starts: &[*mut u8]) -> bool {
    if shape.contains(&0) {
        return false;
    }
    let Some(mut search) = Search::new(shape, strides, itemsize) else { return true };
    let mut addresses: Vec<usize> = starts.iter().map(|start| start.addr()).collect();
    addresses.sort_unstable();
    let reach = search.reach();
    addresses.iter().enumerate().any(|(index, address)| {
        let distances = addresses[index + 1..].iter().map(|next| i64::try_from(next - address).unwrap_or(i64::MAX));
        // Rows that are farther away cannot overlap this one.
        distances.take_while(|&distance| distance <= reach).any(|distance| search.spend(1) || search.meets(0, distance))
    })
}

/// One axis of at least two items.
#[derive(Clone, Copy, Default)]
struct Axis {
    /// The absolute value of the stride; larger than an item (contiguous items are merged into one first).
    stride: i64,
    /// The largest difference of two indices along it.
    most: i64,
    /// The largest absolute sum that the axes after this one, with shorter strides, can bring into `-w..=w`.
    slack: i64,
}

struct Search {
    /// In descending order of their strides.
    axes: [Axis; MOST_AXES],
    count: usize,
    /// The size of an item, less 1.
    w: i64,
    /// How much work is left.
    left: i64,
}

impl Search {
    /// None if items certainly overlap, or if the layout is too large to search. The shape has no 0.
    fn new(shape: &[isize], strides: &[isize], itemsize: isize) -> Option<Self> {
        let mut sorted = [(0_i64, 0_i64); MAX_NDIM];
        let mut count = 0;
        for (&extent, &stride) in shape.iter().zip(strides).filter(|&(&extent, _)| extent > 1) {
            let axis = (i64::try_from(stride.unsigned_abs()).ok()?, i64::try_from(extent).ok()?);
            // There are few axes, and a generic sort is a lot of code to compile.
            let place = sorted[..count].partition_point(|&other| other < axis);
            sorted.copy_within(place..count, place + 1);
            sorted[place] = axis;
            count += 1;
        }
        let sorted = &sorted[..count];

        let mut size = i64::try_from(itemsize).ok()?;
        let mut merged = [(0_i64, 0_i64); MOST_AXES];
        let mut count: usize = 0;
        for &(stride, extent) in sorted {
            if stride < size {
                return None;
            }
            let last = count.checked_sub(1).map(|last| &mut merged[last]);
            match last {
                // Contiguous items act as one larger item: it shares bytes with another one exactly if one of its items
                // does.
                None if stride == size => size = size.checked_mul(extent)?,
                Some((last, items)) if last.checked_mul(*items) == Some(stride) => {
                    *items = items.checked_mul(extent)?;
                }
                _ => {
                    *merged.get_mut(count)? = (stride, extent);
                    count += 1;
                }
            }
        }

        let mut search = Self { axes: [Axis::default(); MOST_AXES], count, w: size - 1, left: WORK };
        let mut slack = search.w;
        for (axis, &(stride, extent)) in search.axes[..count].iter_mut().rev().zip(&merged) {
            let most = extent - 1;
            *axis = Axis { stride, most, slack };
            slack = stride.checked_mul(most)?.checked_add(slack)?;
        }
        (slack <= FARTHEST).then_some(search)
    }

    /// The largest distance at which two rows can have bytes in common.
    fn reach(&self) -> i64 {
        self.axes[..self.count].first().map_or(self.w, |axis| axis.stride * axis.most + axis.slack)
    }

    /// Subtracts work that is about to be done. Returns whether that exceeds the bound.
    fn spend(&mut self, work: i64) -> bool {
        self.left -= work;
        self.left < 0
    }

    /// Whether two different items overlap. The first difference that is not 0 may be assumed to be positive.
    fn overlaps(&mut self) -> bool {
        (0..self.count).any(|axis| {
            let (_, to) = self.differences(axis, 0);
            self.meets_with(axis, 0, 1, to)
        })
    }

    /// Whether some differences along the axes from `axis` on bring the sum into `-w..=w`.
    fn meets(&mut self, axis: usize, sum: i64) -> bool {
        if axis == self.count {
            return (-self.w..=self.w).contains(&sum);
        }
        let (from, to) = self.differences(axis, sum);
        self.meets_with(axis, sum, from, to)
    }

    /// The least and the greatest difference along an axis for which the axes after it can still compensate for the
    /// sum.
    fn differences(&self, axis: usize, sum: i64) -> (i64, i64) {
        let Axis { stride, most, slack } = self.axes[axis];
        let (least, greatest) = (-(slack + sum).div_euclid(stride), (slack - sum).div_euclid(stride));
        (least.max(-most), greatest.min(most))
    }

    /// As [`meets`](Self::meets), with differences in `from..=to` along the first axis.
    fn meets_with(&mut self, axis: usize, sum: i64, from: i64, to: i64) -> bool {
        if from > to {
            return false;
        }
        let stride = self.axes[axis].stride;
        match self.count - axis {
            1 => true,
            2 => {
                // The second axis reaches every multiple of its stride that is close enough.
                let second = self.axes[axis + 1].stride;
                let first = (sum + stride * from + self.w).rem_euclid(second);
                self.spend(OF_TWO) || steps_into(stride.rem_euclid(second), first, second, to - from + 1, 2 * self.w)
            }
            _ => (from..=to).any(|difference| self.spend(1) || self.meets(axis + 1, sum + stride * difference)),
        }
    }
}

/// Whether `(first + step * x) % modulus <= most` for an `x` in `0..count`.
fn steps_into(step: i64, first: i64, modulus: i64, count: i64, most: i64) -> bool {
    if most >= modulus - 1 {
        return true;
    }
    let [step, first, modulus, count, most] = [step, first, modulus, count, most].map(i64::cast_unsigned);
    // The second quotient equals the first one for each such x, and is 1 larger for every other x. So the sums differ
    // by `count` exactly if there is no such x.
    let all = sum_of_quotients(step, first, modulus, count);
    let shifted = sum_of_quotients(step, first + (modulus - 1 - most), modulus, count);
    all.wrapping_add(count) != shifted
}

/// The sum of `(first + step * x) / modulus` over all `x` in `0..count`, modulo 2 to the 64th.
///
/// As in Euclid's algorithm: take the integer parts out of `step` and `first`, and then count the points with integer
/// coordinates under the line along its other axis.
fn sum_of_quotients(mut step: u64, mut first: u64, mut modulus: u64, mut count: u64) -> u64 {
    let mut sum = 0_u64;
    loop {
        let pairs = if count.is_multiple_of(2) {
            (count / 2).wrapping_mul(count.wrapping_sub(1))
        } else {
            count.wrapping_mul((count - 1) / 2)
        };
        sum = sum.wrapping_add(pairs.wrapping_mul(step / modulus)).wrapping_add(count.wrapping_mul(first / modulus));
        step %= modulus;
        first %= modulus;
        // A step is at most a stride, so this is at most the sum of all distances, which is bounded.
        let end = step * count + first;
        if end < modulus {
            return sum;
        }
        (count, first) = (end / modulus, end % modulus);
        (step, modulus) = (modulus, step);
    }
}

#[cfg(test)]
mod tests;
