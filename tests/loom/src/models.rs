//! Models of both locks. Loom explores every interleaving with a limited number of preemptions (two by default), and
//! every value that a weakly ordered load may return.
//!
//! `Memory` stands for the elements, `layout` for the published arrays: loom's `UnsafeCell` fails a model in which two
//! accesses race. The threads use views and guards as a consumer or the owner would.

mod with_gil;
mod without_gil;

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread::{self, JoinHandle};

use crate::lock::{Beside, Blocker, Closing, Disowned, GuardKind, Holds, Missed, Pin, ViewKind, Wants};

const READER: Wants = Wants { may_write: false, must_write: false };
const WRITER: Wants = Wants { may_write: true, must_write: true };
/// The request that most consumers make of a class that allows writing.
const ANY: Wants = Wants { may_write: true, must_write: false };

/// Explores a model with at most `LOOM_MAX_PREEMPTIONS` preemptions, or two if that variable is not set.
fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    builder.check(model);
}

/// Runs `work` on another thread, with the same world.
fn beside<W: 'static, R: 'static>(world: &Arc<W>, work: impl FnOnce(&W) -> R + 'static) -> JoinHandle<R> {
    let world = world.clone();
    thread::spawn(move || work(&world))
}

/// Waits for threads, and returns what they have returned.
fn joined<R>(threads: impl IntoIterator<Item = JoinHandle<R>>) -> Vec<R> {
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

/// Elements that must be freed at most once, and never used afterwards.
struct Memory {
    elements: UnsafeCell<u32>,
    frees: AtomicUsize,
}

impl Memory {
    fn new() -> Self {
        Self { elements: UnsafeCell::new(0), frees: AtomicUsize::new(0) }
    }

    fn read(&self) {
        self.value();
    }

    fn value(&self) -> u32 {
        assert_eq!(self.frees.load(Ordering::Relaxed), 0, "read after free");
        // SAFETY: loom checks that no write races with it.
        self.elements.with(|elements| unsafe { *elements })
    }

    fn write(&self) {
        assert_eq!(self.frees.load(Ordering::Relaxed), 0, "written after free");
        // SAFETY: loom checks that no access races with it.
        self.elements.with_mut(|elements| unsafe { *elements += 1 });
    }

    fn free(&self) {
        self.write();
        self.frees.fetch_add(1, Ordering::Relaxed);
    }

    fn assert_freed_once(&self) {
        assert_eq!(self.frees.load(Ordering::Relaxed), 1, "freed exactly once");
    }
}
