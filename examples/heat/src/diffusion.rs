//! One step of the heat equation, on memory that Python may read and write at the same time.

use buffer_runtime::Shared;

/// With a larger rate, differences between neighbours can grow from step to step instead of shrinking.
pub(crate) const LARGEST_RATE: f64 = 0.25;

/// A plate whose temperatures are stored row by row.
pub(crate) struct Diffusion<'a> {
    pub(crate) cells: &'a Shared<f64>,
    /// Room for a copy of `cells`.
    pub(crate) before: &'a mut [f64],
    pub(crate) width: usize,
    pub(crate) rate: f64,
}

impl Diffusion<'_> {
    /// Stores the next temperature of every inner cell. Stores nothing in the others, so that what numpy writes there at
    /// the same time is kept.
    pub(crate) fn step(&mut self) {
        self.cells.copy_to_slice(self.before);
        let (before, width, rate) = (&*self.before, self.width, self.rate);
        let last_row = before.len() / width - 1;
        let mut start = 0;
        // A chunk is a part of the plate that may begin and end anywhere in a row.
        self.cells.for_each_chunk(|chunk| {
            let end = start + chunk.len();
            for row in (start / width).max(1)..end.div_ceil(width).min(last_row) {
                let first = start.max(row * width + 1);
                let last = end.min((row + 1) * width - 1);
                if first < last {
                    let next = &mut chunk[first - start..last - start];
                    let from = |index: usize| &before[index..index + next.len()];
                    relax(next, from(first), [first - width, first - 1, first + 1, first + width].map(from), rate);
                }
            }
            start = end;
        });
    }
}

/// Computes the next temperatures of inner cells side by side, from what they and their neighbours had before.
#[inline(always)]
fn relax(next: &mut [f64], before: &[f64], [north, west, east, south]: [&[f64]; 4], rate: f64) {
    let neighbours = north.iter().zip(south).zip(west.iter().zip(east));
    for ((next, before), ((north, south), (west, east))) in next.iter_mut().zip(before).zip(neighbours) {
        *next = before + rate * (north + south + west + east - 4.0 * before);
    }
}
