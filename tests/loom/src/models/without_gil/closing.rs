//! Closing, and leases that outlive the owner.

use super::*;

#[test]
fn loom_free_threaded_nothing_begins_once_a_writer_has_closed() {
    explore(|| {
        let world = World::new();
        let others: Vec<_> = (0..2)
            .map(|index| {
                let world = world.clone();
                thread::spawn(move || {
                    if index == 0 {
                        if let Some(access) = world.view(WRITER) {
                            world.memory.write();
                            world.release(access);
                        }
                    } else {
                        world.try_guard(GuardKind::Write);
                    }
                })
            })
            .collect();
        if world.close() {
            world.assert_closed();
        }
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn loom_free_threaded_three_threads_close_and_each_finds_it_closed() {
    explore(|| {
        let world = World::new();
        let others: Vec<_> = (0..2)
            .map(|_| {
                let world = world.clone();
                thread::spawn(move || {
                    assert!(world.close(), "nothing is in the way of it");
                    world.assert_closed();
                })
            })
            .collect();
        assert!(world.close(), "nothing is in the way of it");
        world.assert_closed();
        others.into_iter().for_each(|other| other.join().unwrap());
        world.memory.assert_freed_once();
    });
}

#[test]
fn loom_free_threaded_what_is_seen_closed_is_empty() {
    explore(|| {
        let world = World::new();
        let observer = {
            let world = world.clone();
            thread::spawn(move || {
                // Without `yield_now` loom never explores that this thread reads what `close` stored.
                thread::yield_now();
                if world.lock.is_closed() {
                    world.assert_closed();
                }
            })
        };
        assert!(world.close(), "nothing is in the way of it");
        observer.join().unwrap();
    });
}

#[test]
fn loom_free_threaded_two_threads_that_close_agree_whether_it_is_pinned() {
    explore(|| {
        let world = World::new();
        let closers: Vec<_> = (0..2)
            .map(|_| {
                let world = world.clone();
                thread::spawn(move || {
                    let closed = world.close();
                    if closed {
                        world.assert_closed();
                    }
                    closed
                })
            })
            .collect();
        let access = world.view(WRITER);
        if let Some(access) = access {
            world.pin.set(access);
            world.release(access);
            // As a consumer that has kept the address after the release of its view.
            world.memory.write();
        }
        let closed = closers.into_iter().any(|closer| closer.join().unwrap());
        assert!(!closed || access.is_none(), "what was pinned is closed");
        assert_eq!(closed, world.lock.is_closed());
    });
}

#[test]
fn loom_free_threaded_two_threads_that_close_agree_whether_there_is_a_tensor() {
    explore(|| {
        let world = World::new();
        let closers: Vec<_> = (0..2)
            .map(|_| {
                let world = world.clone();
                thread::spawn(move || {
                    let closed = world.close();
                    if closed {
                        world.assert_closed();
                    }
                    closed
                })
            })
            .collect();
        if world.tensor() {
            world.end_tensor();
        }
        // All of them: the one that is told that the cell is closed may not be the one that frees it.
        let closed = closers.into_iter().fold(false, |closed, closer| closer.join().unwrap() | closed);
        assert_eq!(closed, world.lock.is_closed());
        if !closed {
            // Whoever was refused has left the lock as it was.
            assert!(world.close());
        }
        world.memory.assert_freed_once();
    });
}

#[test]
fn loom_free_threaded_what_a_tensor_wrote_is_seen_by_whoever_writes_next() {
    explore(|| {
        let world = World::new();
        let consumer = {
            let world = world.clone();
            thread::spawn(move || {
                if world.tensor() {
                    world.end_tensor();
                }
            })
        };
        if world.lock.begin(GuardKind::Write).is_ok() {
            if world.pin.admit_beside_tensors(GuardKind::Write).is_ok() {
                world.memory.write();
            }
            world.lock.end();
        }
        consumer.join().unwrap();
    });
}

#[test]
fn loom_free_threaded_a_block_is_freed_once_after_its_owner_and_its_tensors() {
    explore(|| {
        let world = World::new();
        assert!(world.tensor());
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
fn loom_free_threaded_what_a_lease_wrote_is_seen_by_whoever_writes_next() {
    explore(|| {
        let world = World::new();
        world.lease();
        let thread = {
            let world = world.clone();
            thread::spawn(move || {
                world.memory.write();
                world.end_lease();
            })
        };
        thread::yield_now();
        world.try_guard(GuardKind::Write);
        thread.join().unwrap();
    });
}

#[test]
fn loom_free_threaded_a_block_is_freed_once_after_its_owner_and_its_leases() {
    explore(|| {
        let world = World::new();
        let leases: Vec<_> = (0..2)
            .map(|_| {
                world.lease();
                let world = world.clone();
                thread::spawn(move || {
                    world.memory.read();
                    world.end_lease();
                })
            })
            .collect();
        world.memory.read();
        world.drop_owner();
        leases.into_iter().for_each(|lease| lease.join().unwrap());
        world.memory.assert_freed_once();
    });
}

#[test]
fn loom_free_threaded_a_block_is_freed_once_after_its_owner_its_last_view_and_its_lease() {
    explore(|| {
        let world = World::new();
        world.lease();
        let access = world.view(WRITER).unwrap();
        let lease = {
            let world = world.clone();
            thread::spawn(move || {
                world.memory.read();
                world.end_lease();
            })
        };
        let viewer = {
            let world = world.clone();
            thread::spawn(move || {
                world.memory.read();
                world.release(access);
            })
        };
        world.memory.read();
        world.drop_owner();
        lease.join().unwrap();
        viewer.join().unwrap();
        world.memory.assert_freed_once();
    });
}
