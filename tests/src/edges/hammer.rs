//! Many threads use one cell: views and guards begin and end in every way at once.

use std::ffi::c_int;
use std::iter::Sum;
use std::ops::Add;
use std::sync::Barrier;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use pyo3::ffi;
use pyo3::prelude::*;

use super::raw::Buffer;
use super::series::Series;

/// Pseudo-random choices, different for each seed.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// What a thread did, to check that everything happened at least once.
#[derive(Default)]
struct Deeds {
    views: usize,
    reads: usize,
    shares: usize,
    writes: usize,
    refusals: usize,
}

impl Add for Deeds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            views: self.views + other.views,
            reads: self.reads + other.reads,
            shares: self.shares + other.shares,
            writes: self.writes + other.writes,
            refusals: self.refusals + other.refusals,
        }
    }
}

impl Sum for Deeds {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// Runs `threads` Rust threads. Each of them, `rounds` times, views, reads, shares or replaces the elements of a series
/// of zeros, and passes views on to be released by other threads.
///
/// Returns how often each kind of access was granted, and how often any was refused.
#[pyfunction]
fn hammer(py: Python<'_>, series: Py<Series>, threads: usize, rounds: usize) -> [usize; 5] {
    let together = Barrier::new(threads);
    let deeds: Deeds = py.detach(|| {
        thread::scope(|scope| {
            let (senders, receivers): (Vec<_>, Vec<_>) = (0..threads).map(|_| mpsc::channel()).unzip();
            let mut neighbours = senders.into_iter().cycle().skip(1);
            let workers: Vec<_> = (0_u64..)
                .zip(receivers)
                .map(|(seed, received)| {
                    let neighbour = neighbours.next().expect("a cycle has no end");
                    let (series, together) = (&series, &together);
                    scope.spawn(move || work(series, Choices(seed), rounds, together, neighbour, received))
                })
                .collect();
            drop(neighbours);
            workers.into_iter().map(|worker| worker.join().expect("no thread panics")).sum()
        })
    });
    [deeds.views, deeds.reads, deeds.shares, deeds.writes, deeds.refusals]
}

fn work(
    series: &Py<Series>,
    mut choices: Choices,
    rounds: usize,
    together: &Barrier,
    neighbour: Sender<Buffer>,
    received: Receiver<Buffer>,
) -> Deeds {
    let mut deeds = Deeds::default();
    let data = &series.get().data;
    for round in 0..rounds {
        // Keeps the threads together, so that none runs ahead of the others.
        if round % 16 == 0 {
            together.wait();
        }
        received.try_iter().for_each(|view| Python::attach(|py| view.release(py)));
        match choices.below(4) {
            0 => {
                let flags = if choices.below(2) == 0 { ffi::PyBUF_FULL } else { ffi::PyBUF_FULL_RO };
                match Python::attach(|py| viewed(py, series, flags)) {
                    None => deeds.refusals += 1,
                    Some(view) => {
                        deeds.views += 1;
                        assert!(is_zero(&view));
                        if choices.below(4) == 0 {
                            neighbour.send(view).expect("the neighbour waits for its senders");
                        } else {
                            Python::attach(|py| view.release(py));
                        }
                    }
                }
            }
            1 => match Python::attach(|py| data.read(py)) {
                Err(_) => deeds.refusals += 1,
                Ok(elements) => {
                    deeds.reads += 1;
                    assert!(elements.iter().all(|element| element.to_bits() == 0));
                }
            },
            2 => match Python::attach(|py| data.share(py)) {
                Err(_) => deeds.refusals += 1,
                Ok(elements) => {
                    deeds.shares += 1;
                    assert!(elements.iter().all(|element| element.to_bits() == 0));
                    elements.fill(0.0);
                }
            },
            _ => match Python::attach(|py| data.write(py)) {
                Err(_) => deeds.refusals += 1,
                Ok(mut elements) => {
                    deeds.writes += 1;
                    // Another length means another allocation and another layout.
                    *elements = vec![0.0; usize::try_from(choices.below(100)).expect("below 100")];
                }
            },
        }
    }
    // The neighbour's receiver ends when its last sender is dropped.
    drop(neighbour);
    received.iter().for_each(|view| Python::attach(|py| view.release(py)));
    deeds
}

fn viewed(py: Python<'_>, series: &Py<Series>, flags: c_int) -> Option<Buffer> {
    let view = Buffer::request(series.bind(py), flags);
    if view.is_none() {
        drop(PyErr::fetch(py));
    }
    view
}

/// Whether all that a view shows is zero, reading as foreign code does.
fn is_zero(view: &Buffer) -> bool {
    (0..view.len()).all(|index| {
        // SAFETY: inside the view, which is held.
        let byte = unsafe { view.data().add(index) };
        // SAFETY: as above.
        unsafe { byte.read_volatile() == 0 }
    })
}

pub(super) fn add(edges: &Bound<'_, PyModule>) -> PyResult<()> {
    edges.add_function(wrap_pyfunction!(hammer, edges)?)
}
