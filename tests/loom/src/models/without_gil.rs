//! What must be true without a GIL: every thread may do everything at any time.

mod closing;
mod fields;
mod imported;
mod stable;

use super::*;
use crate::lock::free_threaded;

/// A block and its published layout.
struct World {
    lock: free_threaded::Lock,
    memory: Memory,
    layout: UnsafeCell<u32>,
    pin: Pin,
    len: AtomicUsize,
    holds: Holds,
}

/// The content of every published layout.
const LAYOUT: u32 = 42;

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            lock: free_threaded::Lock::new(),
            memory: Memory::new(),
            layout: UnsafeCell::new(0),
            pin: Pin::new(),
            len: AtomicUsize::new(1),
            holds: Holds::new(),
        })
    }

    fn write_layout(&self, value: u32) {
        // SAFETY: loom checks that no access races with it.
        self.layout.with_mut(|layout| unsafe { *layout = value });
    }

    fn assert_layout(&self) {
        // SAFETY: loom checks that no write races with it.
        assert_eq!(self.layout.with(|layout| unsafe { *layout }), LAYOUT, "a layout that nobody published");
    }

    /// Accesses the memory under a guard, if the guard is granted.
    fn try_guard(&self, kind: GuardKind) {
        if self.lock.begin(kind).is_ok() {
            if kind == GuardKind::Write {
                self.memory.write();
            } else {
                self.memory.read();
            }
            self.lock.end();
        }
    }

    /// Requests a view, and gives up after three attempts; `None` if it is refused.
    fn view(&self, wants: Wants) -> Option<ViewKind> {
        for _ in 0..3 {
            let admission = self.lock.admit(wants).ok()?;
            if !admission.is_first() {
                match self.lock.join(&admission) {
                    Ok(()) => {
                        self.assert_layout();
                        return Some(admission.access());
                    }
                    Err(Missed::Changed) => {}
                    Err(Missed::Unpublished) => return None,
                }
            } else if self.lock.claim(&admission) == Ok(()) {
                // Write in two steps, as arrays are written element by element.
                self.write_layout(0);
                self.write_layout(LAYOUT);
                self.lock.publish(&admission);
                return Some(admission.access());
            }
        }
        None
    }

    /// Claims the first view, and abandons it as if the layout did not fit.
    fn fail_to_view(&self) {
        if let Ok(admission) = self.lock.admit(READER)
            && admission.is_first()
            && self.lock.claim(&admission) == Ok(())
        {
            self.write_layout(0);
            assert!(self.lock.abandon(admission.access()).owner);
        }
    }

    /// Begins to close as a cell does, but gives up after a few looks.
    fn begin_closing(&self) -> Option<Closing> {
        for _ in 0..3 {
            match self.lock.begin_closing().ok()? {
                Closing::Underway if self.pin.had_tensors() => thread::yield_now(),
                closing => return Some(closing),
            }
        }
        None
    }

    /// Closes as a cell does. Returns whether the cell is closed; the thread that began the closing frees the memory.
    fn close(&self) -> bool {
        let Some(closing) = self.begin_closing() else { return self.lock.is_closed() };
        if self.pin.admit_beside_tensors(GuardKind::Closed).is_err() {
            if closing == Closing::Begun {
                self.lock.stay_open();
            }
            return false;
        }
        self.len.store(0, Ordering::Relaxed);
        self.lock.close();
        if closing == Closing::Begun {
            self.memory.free();
        }
        true
    }

    fn assert_closed(&self) {
        assert!(self.lock.is_closed());
        assert_eq!(self.len.load(Ordering::Relaxed), 0, "a closed cell is empty");
    }

    fn release(&self, access: ViewKind) {
        if self.lock.release(access).is_last() {
            self.give_up();
        }
    }

    /// Requests a tensor, under a view that is released; whether it was granted. The lease is its own.
    fn tensor(&self) -> bool {
        let Some(access) = self.view(WRITER) else { return false };
        self.pin.begin_tensor(access).unwrap();
        self.holds.add();
        self.release(access);
        true
    }

    fn end_tensor(&self) {
        self.memory.write();
        self.pin.end_tensor();
        self.give_up();
    }

    fn drop_owner(&self) {
        if self.lock.disown() == Disowned::Free {
            self.give_up();
        }
    }

    /// Frees the memory, unless leases are left.
    fn give_up(&self) {
        if self.holds.give_up() {
            self.memory.free();
        }
    }

    /// Begins an owned share guard.
    fn lease(&self) {
        self.lock.begin(GuardKind::Share).unwrap();
        self.holds.add();
    }

    /// Ends an owned share guard. If its lease is the last to go, it frees the memory.
    fn end_lease(&self) {
        // The lock is in the memory that is freed.
        self.memory.read();
        self.lock.end();
        self.give_up();
    }
}

#[test]
fn loom_free_threaded_nobody_reads_a_layout_before_it_is_published() {
    explore(|| {
        let world = World::new();
        let viewers: Vec<_> = (0..2)
            .map(|_| {
                let world = world.clone();
                thread::spawn(move || {
                    if let Some(access) = world.view(READER) {
                        world.assert_layout();
                        world.release(access);
                    }
                })
            })
            .collect();
        viewers.into_iter().for_each(|viewer| viewer.join().unwrap());
    });
}

#[test]
fn loom_free_threaded_a_second_epoch_is_not_taken_for_the_first() {
    explore(|| {
        let world = World::new();
        let first = world.view(READER).unwrap();
        let joiner = {
            let world = world.clone();
            thread::spawn(move || {
                if let Some(access) = world.view(READER) {
                    world.assert_layout();
                    world.release(access);
                }
            })
        };
        world.release(first);
        if let Some(second) = world.view(READER) {
            world.release(second);
        }
        joiner.join().unwrap();
    });
}

#[test]
fn loom_free_threaded_an_abandoned_layout_is_nobodys() {
    explore(|| {
        let world = World::new();
        let joiner = {
            let world = world.clone();
            thread::spawn(move || {
                if let Some(access) = world.view(READER) {
                    world.assert_layout();
                    world.release(access);
                }
            })
        };
        world.fail_to_view();
        if let Some(access) = world.view(READER) {
            world.assert_layout();
            world.release(access);
        }
        joiner.join().unwrap();
    });
}

#[test]
fn loom_free_threaded_a_view_after_two_epochs_does_not_join_an_abandoned_one() {
    explore(|| {
        let world = World::new();
        // Publish once, so that `published` has the parity of the epoch after the next one.
        let access = world.view(READER).unwrap();
        world.release(access);
        let joiner = {
            let world = world.clone();
            thread::spawn(move || {
                if let Some(access) = world.view(READER) {
                    world.assert_layout();
                    world.release(access);
                }
            })
        };
        world.fail_to_view();
        world.fail_to_view();
        joiner.join().unwrap();
    });
}

#[test]
fn loom_free_threaded_views_and_guards_keep_out_of_each_others_way() {
    for kind in [GuardKind::Write, GuardKind::Read] {
        explore(move || {
            let world = World::new();
            let viewer = {
                let world = world.clone();
                thread::spawn(move || {
                    if let Some(access) = world.view(WRITER) {
                        world.memory.write();
                        world.release(access);
                    }
                })
            };
            world.try_guard(kind);
            viewer.join().unwrap();
        });
    }
}

#[test]
fn loom_free_threaded_readers_share_and_writers_do_not() {
    explore(|| {
        let world = World::new();
        let other = {
            let world = world.clone();
            thread::spawn(move || {
                world.try_guard(GuardKind::Read);
                world.try_guard(GuardKind::Write);
            })
        };
        world.try_guard(GuardKind::Write);
        world.try_guard(GuardKind::Read);
        other.join().unwrap();
    });
}

#[test]
fn loom_free_threaded_a_block_is_freed_once_after_owner_and_views() {
    explore(|| {
        let world = World::new();
        let first = world.view(WRITER).unwrap();
        let second = world.view(READER).unwrap();
        let viewers: Vec<_> = [first, second]
            .into_iter()
            .map(|access| {
                let world = world.clone();
                thread::spawn(move || {
                    world.memory.read();
                    world.release(access);
                })
            })
            .collect();
        // The last read by the owner.
        world.memory.read();
        world.drop_owner();
        viewers.into_iter().for_each(|viewer| viewer.join().unwrap());
        world.memory.assert_freed_once();
    });
}

#[test]
fn loom_free_threaded_what_was_pinned_is_left_alone_by_whoever_comes_after_the_view() {
    for kind in [GuardKind::Write, GuardKind::Read] {
        explore(move || {
            let world = World::new();
            let viewer = {
                let world = world.clone();
                thread::spawn(move || {
                    if let Some(access) = world.view(WRITER) {
                        world.pin.set(access);
                        world.release(access);
                        // As a consumer that has kept the address after the release of its view.
                        world.memory.write();
                    }
                })
            };
            if world.lock.begin(kind).is_ok() {
                match world.pin.admit(kind) {
                    Ok(()) if kind == GuardKind::Write => world.memory.write(),
                    Ok(()) => world.memory.read(),
                    Err(_) => {}
                }
                world.lock.end();
            }
            viewer.join().unwrap();
        });
    }
}

#[test]
fn loom_free_threaded_tracing_begins_on_another_thread_and_nothing_is_lost() {
    explore(|| {
        let world = World::new();
        let tracer = {
            let world = world.clone();
            thread::spawn(move || {
                world.lock.trace(true);
                world.lock.trace(false);
            })
        };
        let viewer = {
            let world = world.clone();
            thread::spawn(move || {
                if let Some(access) = world.view(WRITER) {
                    world.memory.write();
                    world.release(access);
                }
            })
        };
        world.try_guard(GuardKind::Write);
        tracer.join().unwrap();
        viewer.join().unwrap();
        assert_eq!((world.lock.guards(), world.lock.views().total()), (None, 0));
        assert!(world.lock.admit_unguarded(ViewKind::Writable).is_some());
    });
}
