//! What must be true with a GIL. A mutex stands for the GIL.

mod fields;
mod stable;

use super::*;
use crate::lock::gil;

/// A block, the GIL, and the queue of orphans.
struct World {
    lock: gil::Lock,
    memory: Memory,
    gil: Mutex<()>,
    orphaned: Mutex<bool>,
    pin: Pin,
    holds: Holds,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            lock: gil::Lock::new(),
            memory: Memory::new(),
            gil: Mutex::new(()),
            orphaned: Mutex::new(false),
            pin: Pin::new(),
            holds: Holds::new(),
        })
    }

    fn attached<R>(&self, work: impl FnOnce(&gil::Lock) -> R) -> R {
        let _gil = self.gil.lock().unwrap();
        work(&self.lock)
    }

    /// Requests a view; `None` if it is refused.
    fn view(&self, wants: Wants) -> Option<ViewKind> {
        self.attached(|lock| {
            let admission = lock.admit(wants).ok()?;
            let entry = if admission.is_first() { lock.claim(&admission) } else { lock.join(&admission) };
            assert_eq!(entry, Ok(()));
            Some(admission.access())
        })
    }

    fn release(&self, access: ViewKind) {
        self.attached(|lock| {
            if lock.release(access).is_last() {
                self.give_up();
            }
        });
    }

    /// Frees the memory, unless leases are left.
    fn give_up(&self) {
        if self.holds.give_up() {
            self.memory.free();
        }
    }

    /// Begins an owned share guard.
    fn lease(&self) {
        self.attached(|lock| lock.begin(GuardKind::Share)).unwrap();
        self.holds.add();
    }

    /// Ends an owned share guard, on any thread. If its lease is the last to go, it frees the memory or pushes it on
    /// the queue.
    fn end_lease(&self, drops_plainly: bool) {
        // The lock is in the memory that is freed.
        self.memory.read();
        self.lock.end();
        if self.holds.give_up() {
            if drops_plainly {
                self.memory.free();
            } else {
                *self.orphaned.lock().unwrap() = true;
            }
        }
    }

    /// Begins a tensor, under a view that is released. The lease is its own.
    fn tensor(&self) {
        let access = self.view(WRITER).unwrap();
        self.attached(|_| {
            self.pin.begin_tensor(access).unwrap();
            self.holds.add();
        });
        self.release(access);
    }

    /// Ends a tensor, on any thread, whose storage drops plainly.
    fn end_tensor(&self) {
        self.memory.write();
        self.pin.end_tensor();
        self.give_up();
    }

    /// Drops the owner, on any thread.
    fn drop_owner(&self) {
        match self.lock.disown() {
            Disowned::Free => self.give_up(),
            Disowned::Orphaned => *self.orphaned.lock().unwrap() = true,
            Disowned::LeftToViews => unreachable!("only the other lock leaves it to views"),
        }
    }

    fn drain(&self) {
        self.attached(|lock| {
            if std::mem::take(&mut *self.orphaned.lock().unwrap()) && lock.disown_orphan() {
                self.give_up();
            }
        });
    }
}

#[test]
fn loom_gil_what_a_detached_guard_wrote_is_seen_by_the_next_view() {
    for kind in [GuardKind::Write, GuardKind::Share] {
        explore(move || {
            let world = World::new();
            world.attached(|lock| lock.begin(kind)).unwrap();
            let detached = {
                let world = world.clone();
                thread::spawn(move || {
                    world.memory.write();
                    if kind == GuardKind::Write { world.lock.end_write() } else { world.lock.end() }
                })
            };
            if kind == GuardKind::Write {
                if let Some(access) = world.view(READER) {
                    world.memory.read();
                    world.release(access);
                }
            } else if world.attached(|lock| lock.begin(GuardKind::Write)).is_ok() {
                world.memory.write();
                world.lock.end_write();
            }
            detached.join().unwrap();
        });
    }
}

#[test]
fn loom_gil_a_detached_reader_is_done_before_anyone_writes() {
    explore(|| {
        let world = World::new();
        world.attached(|lock| lock.begin(GuardKind::Read)).unwrap();
        world.attached(|lock| lock.begin(GuardKind::Read)).unwrap();
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let world = world.clone();
                thread::spawn(move || {
                    world.memory.read();
                    world.lock.end();
                })
            })
            .collect();
        if let Some(access) = world.view(WRITER) {
            world.memory.write();
            world.release(access);
        }
        if world.attached(|lock| lock.begin(GuardKind::Write)).is_ok() {
            world.memory.write();
            world.lock.end_write();
        }
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

#[test]
fn loom_gil_guards_begin_while_others_end() {
    explore(|| {
        let world = World::new();
        world.attached(|lock| lock.begin(GuardKind::Read)).unwrap();
        let reader = {
            let world = world.clone();
            thread::spawn(move || world.lock.end())
        };
        world.attached(|lock| lock.begin(GuardKind::Read)).unwrap();
        world.lock.end();
        reader.join().unwrap();
        world.attached(|lock| lock.begin(GuardKind::Write)).unwrap();
    });
}

/// A thread that begins to trace, and the detached thread of a guard, which may be the same. (A write guard ends by a store.
/// loom does not know that a read-modify-write of another thread is before or after that store, never both. So only
/// share guards end beside another thread that begins to trace.)
#[test]
fn loom_gil_tracing_begins_and_no_guard_is_lost() {
    for kind in [GuardKind::Write, GuardKind::Share] {
        explore(move || {
            let world = World::new();
            world.attached(|lock| lock.begin(kind)).unwrap();
            let holder = {
                let world = world.clone();
                thread::spawn(move || {
                    if kind == GuardKind::Write {
                        world.memory.write();
                        world.lock.trace(true);
                        world.lock.end_write();
                    } else {
                        world.memory.read();
                        world.lock.end();
                    }
                })
            };
            if kind == GuardKind::Share {
                world.lock.trace(true);
                world.attached(|lock| lock.begin(kind)).unwrap();
                world.lock.end();
            }
            if world.attached(|lock| lock.begin(GuardKind::Write)).is_ok() {
                world.memory.write();
                world.lock.end_write();
            }
            holder.join().unwrap();
            assert_eq!(world.lock.guards(), None);
            assert!(world.attached(|lock| lock.admit_unguarded(ViewKind::Writable)).is_none());
            world.attached(|lock| lock.begin(GuardKind::Write)).unwrap();
        });
    }
}

#[test]
fn loom_gil_a_block_is_freed_once_after_a_detached_owner_and_its_views() {
    explore(|| {
        let world = World::new();
        let access = world.view(WRITER).unwrap();
        let viewer = {
            let world = world.clone();
            thread::spawn(move || {
                world.memory.write();
                world.release(access);
            })
        };
        let owner = {
            let world = world.clone();
            thread::spawn(move || {
                // Without `yield_now` loom never explores that the owner reads what the release stored.
                thread::yield_now();
                world.drop_owner();
            })
        };
        world.drain();
        viewer.join().unwrap();
        owner.join().unwrap();
        world.drain();
        world.memory.assert_freed_once();
    });
}

#[test]
fn loom_gil_an_exclusive_borrow_sees_that_the_last_view_is_gone() {
    explore(|| {
        let world = World::new();
        let access = world.view(WRITER).unwrap();
        let viewer = {
            let world = world.clone();
            thread::spawn(move || {
                world.memory.write();
                world.release(access);
            })
        };
        thread::yield_now();
        if world.lock.begin_exclusive(GuardKind::Write).is_ok() {
            world.memory.write();
            world.lock.end_write();
        }
        viewer.join().unwrap();
    });
}

#[test]
fn loom_gil_what_was_pinned_is_left_alone_by_whoever_comes_after_the_view() {
    explore(|| {
        let world = World::new();
        let viewer = {
            let world = world.clone();
            thread::spawn(move || {
                // Other attached threads see the grant of a view as one step.
                let access = world.attached(|lock| {
                    let admission = lock.admit(WRITER).ok()?;
                    assert_eq!(lock.claim(&admission), Ok(()));
                    world.pin.set(admission.access());
                    Some(admission.access())
                });
                if let Some(access) = access {
                    world.release(access);
                    // As a consumer that has kept the address after the release of its view.
                    world.memory.write();
                }
            })
        };
        if world.attached(|lock| lock.begin(GuardKind::Write)).is_ok() {
            if world.pin.admit(GuardKind::Write).is_ok() {
                world.memory.write();
            }
            world.lock.end_write();
        }
        viewer.join().unwrap();
    });
}

#[test]
fn loom_gil_what_a_tensor_wrote_is_seen_by_whoever_writes_next() {
    explore(|| {
        let world = World::new();
        world.tensor();
        let consumer = {
            let world = world.clone();
            thread::spawn(move || world.end_tensor())
        };
        if world.attached(|lock| lock.begin(GuardKind::Write)).is_ok() {
            if world.pin.admit_beside_tensors(GuardKind::Write).is_ok() {
                world.memory.write();
            }
            world.lock.end_write();
        }
        consumer.join().unwrap();
    });
}

#[test]
fn loom_gil_a_block_is_freed_once_after_its_owner_and_its_tensors() {
    explore(|| {
        let world = World::new();
        world.tensor();
        let consumer = {
            let world = world.clone();
            thread::spawn(move || world.end_tensor())
        };
        world.drop_owner();
        consumer.join().unwrap();
        world.memory.assert_freed_once();
    });
}

#[test]
fn loom_gil_what_is_seen_closed_is_empty() {
    explore(|| {
        let world = World::new();
        let len = Arc::new(AtomicUsize::new(1));
        let detached = {
            let (world, len) = (world.clone(), len.clone());
            thread::spawn(move || {
                // Without `yield_now` loom never explores that this thread reads what `close` stored.
                thread::yield_now();
                if world.lock.is_closed() {
                    assert_eq!(len.load(Ordering::Relaxed), 0, "a closed cell is empty");
                }
            })
        };
        world.attached(|lock| {
            assert_eq!(lock.begin_closing(), Ok(Closing::Begun));
            len.store(0, Ordering::Relaxed);
            lock.close();
        });
        detached.join().unwrap();
    });
}

#[test]
fn loom_gil_what_a_lease_wrote_is_seen_by_whoever_writes_next() {
    for exclusive in [false, true] {
        explore(move || {
            let world = World::new();
            world.lease();
            let thread = {
                let world = world.clone();
                thread::spawn(move || {
                    world.memory.write();
                    world.end_lease(true);
                })
            };
            thread::yield_now();
            let begun = if exclusive {
                world.lock.begin_exclusive(GuardKind::Write)
            } else {
                world.attached(|lock| lock.begin(GuardKind::Write)).map(drop)
            };
            if begun.is_ok() {
                world.memory.write();
                world.lock.end_write();
            }
            thread.join().unwrap();
        });
    }
}

#[test]
fn loom_gil_a_block_is_freed_once_after_its_owner_and_its_leases() {
    for drops_plainly in [true, false] {
        explore(move || {
            let world = World::new();
            let leases: Vec<_> = (0..2)
                .map(|_| {
                    world.lease();
                    let world = world.clone();
                    thread::spawn(move || {
                        world.memory.read();
                        world.end_lease(drops_plainly);
                    })
                })
                .collect();
            world.memory.read();
            world.drop_owner();
            leases.into_iter().for_each(|lease| lease.join().unwrap());
            world.drain();
            world.memory.assert_freed_once();
        });
    }
}

#[test]
fn loom_gil_a_block_is_freed_once_after_its_owner_its_last_view_and_its_lease() {
    for drops_plainly in [true, false] {
        explore(move || {
            let world = World::new();
            world.lease();
            let access = world.view(WRITER).unwrap();
            let lease = {
                let world = world.clone();
                thread::spawn(move || {
                    world.memory.read();
                    world.end_lease(drops_plainly);
                })
            };
            let viewer = {
                let world = world.clone();
                thread::spawn(move || {
                    world.memory.read();
                    world.release(access);
                })
            };
            world.drop_owner();
            world.drain();
            lease.join().unwrap();
            viewer.join().unwrap();
            world.drain();
            world.memory.assert_freed_once();
        });
    }
}
