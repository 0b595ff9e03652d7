//! Views and guards with a GIL: which thread sees the writes of others, and which views and guards exclude each other.

use super::*;

#[test]
fn loom_gil_what_a_detached_guard_wrote_is_seen_by_the_next_view() {
    for kind in [GuardKind::Write, GuardKind::Share] {
        explore(move || {
            let world = World::new();
            world.begin(kind).unwrap();
            let detached = beside(&world, move |world| {
                world.memory.write();
                if kind == GuardKind::Write { world.lock.end_write() } else { world.lock.end() }
            });
            if kind == GuardKind::Write {
                world.try_read_view();
            } else {
                world.try_write();
            }
            detached.join().unwrap();
        });
    }
}

#[test]
fn loom_gil_a_detached_reader_is_done_before_anyone_writes() {
    explore(|| {
        let world = World::new();
        world.begin(GuardKind::Read).unwrap();
        world.begin(GuardKind::Read).unwrap();
        let readers: Vec<_> = (0..2)
            .map(|_| {
                beside(&world, move |world| {
                    world.memory.read();
                    world.lock.end();
                })
            })
            .collect();
        world.try_write_view();
        world.try_write();
        joined(readers);
    });
}

#[test]
fn loom_gil_guards_begin_while_others_end() {
    explore(|| {
        let world = World::new();
        world.begin(GuardKind::Read).unwrap();
        let reader = beside(&world, move |world| world.lock.end());
        world.begin(GuardKind::Read).unwrap();
        world.lock.end();
        reader.join().unwrap();
        world.begin(GuardKind::Write).unwrap();
    });
}

/// A thread that begins to trace, and the detached thread of a guard, which may be the same thread. (A write guard ends
/// by a store. loom does not know that a read-modify-write of another thread is before or after that store, never both.
/// So only share guards end beside another thread that begins to trace.)
#[test]
fn loom_gil_tracing_begins_and_no_guard_is_lost() {
    for kind in [GuardKind::Write, GuardKind::Share] {
        explore(move || {
            let world = World::new();
            world.begin(kind).unwrap();
            let holder = beside(&world, move |world| {
                if kind == GuardKind::Write {
                    world.memory.write();
                    world.lock.trace(true);
                    world.lock.end_write();
                } else {
                    world.memory.read();
                    world.lock.end();
                }
            });
            if kind == GuardKind::Share {
                world.lock.trace(true);
                world.begin(kind).unwrap();
                world.lock.end();
            }
            world.try_write();
            holder.join().unwrap();
            assert_eq!(world.lock.guards(), None);
            assert!(world.attached(|lock| lock.admit_unguarded(ViewKind::Writable)).is_none());
            world.begin(GuardKind::Write).unwrap();
        });
    }
}

#[test]
fn loom_gil_an_exclusive_borrow_sees_that_the_last_view_is_gone() {
    explore(|| {
        let world = World::new();
        let access = world.view(WRITER).unwrap();
        let viewer = beside(&world, move |world| world.write_and_release(access));
        thread::yield_now();
        if world.lock.begin_exclusive(GuardKind::Write).is_ok() {
            world.write_and_end();
        }
        viewer.join().unwrap();
    });
}

#[test]
fn loom_gil_what_was_pinned_is_left_alone_by_whoever_comes_after_the_view() {
    explore(|| {
        let world = World::new();
        let viewer = beside(&world, move |world| {
            // Other attached threads see the grant of a view as one step.
            let access = world.attached(|lock| {
                let admission = lock.admit(WRITER).ok()?;
                assert_eq!(lock.claim(&admission), Ok(()));
                world.pin.set(admission.access());
                Some(admission.access())
            });
            if let Some(access) = access {
                world.release(access);
                // Write as a consumer does that has kept the address after the release of its view.
                world.memory.write();
            }
        });
        if world.begin(GuardKind::Write).is_ok() {
            if world.pin.admit(GuardKind::Write).is_ok() {
                world.memory.write();
            }
            world.lock.end_write();
        }
        viewer.join().unwrap();
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
