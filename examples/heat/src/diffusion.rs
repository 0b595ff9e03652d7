//! One step of the heat equation, on memory that Python may read and write at the same time.

use buffer_runtime::Shared;

/// With a larger rate, differences between neighbours can grow from step to step instead of shrinking.
pub(crate) const LARGEST_RATE: f64 = 0.25;

/// How many rows a [`Diffusion`] has room for.
pub(crate) const ROWS: usize = 4;

/// A plate whose temperatures are stored row by row.
pub(crate) struct Diffusion<'a> {
    pub(crate) cells: &'a Shared<f64>,
    /// Room for [`ROWS`] rows: a step copies no more of the plate than it needs at a time.
    pub(crate) rows: &'a mut [f64],
    pub(crate) width: usize,
    pub(crate) rate: f64,
}

impl Diffusion<'_> {
    /// Stores the next temperature of every inner cell. Stores nothing in the outermost cells, so values that numpy
    /// writes there at the same time are kept.
    pub(crate) fn step(&mut self) {
        let Self { cells, width, rate, .. } = *self;
        let (north, rest) = self.rows.split_at_mut(width);
        let (here, rest) = rest.split_at_mut(width);
        let (south, next) = rest.split_at_mut(width);
        // Three rows as they were before this step. By now, the row above has been overwritten in the plate.
        let (mut north, mut here, mut south) = (north, here, south);
        let row = |number: usize| cells.range(number * width..(number + 1) * width);
        row(0).copy_to_slice(north);
        row(1).copy_to_slice(here);
        for number in 1..cells.len() / width - 1 {
            row(number + 1).copy_to_slice(south);
            let inner = 1..width - 1;
            let next = &mut next[inner.clone()];
            relax(next, here, [&north[inner.clone()], &south[inner.clone()]], rate);
            row(number).range(inner).copy_from_slice(next);
            (north, here, south) = (here, south, north);
        }
    }
}

/// Computes the next temperatures of a row's inner cells from the previous ones of the row and of its neighbours' inner
/// cells.
#[inline(always)]
fn relax(next: &mut [f64], here: &[f64], [north, south]: [&[f64]; 2], rate: f64) {
    let (west, middle, east) = (here, &here[1..], &here[2..]);
    let neighbours = north.iter().zip(south).zip(west.iter().zip(east));
    for ((next, before), ((north, south), (west, east))) in next.iter_mut().zip(middle).zip(neighbours) {
        *next = before + rate * (north + south + west + east - 4.0 * before);
    }
}
