//! Closing without a GIL: all threads that close at the same time agree.

use super::*;

#[test]
fn loom_free_threaded_nothing_begins_once_a_writer_has_closed() {
    explore(|| {
        let world = World::new();
        let others: Vec<_> = (0..2)
            .map(|index| {
                beside(&world, move |world| {
                    if index == 0 {
                        world.try_write_view();
                    } else {
                        world.try_guard(GuardKind::Write);
                    }
                })
            })
            .collect();
        world.close_and_look();
        joined(others);
    });
}

#[test]
fn loom_free_threaded_three_threads_close_and_each_finds_it_closed() {
    explore(|| {
        let world = World::new();
        let others: Vec<_> = (0..2)
            .map(|_| {
                beside(&world, move |world| {
                    assert!(world.close_and_look(), "nothing is in the way of it");
                })
            })
            .collect();
        assert!(world.close_and_look(), "nothing is in the way of it");
        joined(others);
        world.memory.assert_freed_once();
    });
}

#[test]
fn loom_free_threaded_what_is_seen_closed_is_empty() {
    explore(|| {
        let world = World::new();
        let observer = beside(&world, move |world| {
            // Without `yield_now` loom never explores that this thread reads what `close` stored.
            thread::yield_now();
            if world.lock.is_closed() {
                world.assert_closed();
            }
        });
        assert!(world.close(), "nothing is in the way of it");
        observer.join().unwrap();
    });
}

#[test]
fn loom_free_threaded_two_threads_that_close_agree_whether_it_is_pinned() {
    explore(|| {
        let world = World::new();
        let closers: Vec<_> = (0..2).map(|_| beside(&world, World::close_and_look)).collect();
        let access = world.view(WRITER);
        if let Some(access) = access {
            world.pin.set(access);
            world.release(access);
            // Write as a consumer does that has kept the address after the release of its view.
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
        let closers: Vec<_> = (0..2).map(|_| beside(&world, World::close_and_look)).collect();
        if world.tensor() {
            world.end_tensor();
        }
        // Join all of them: the thread that learns that the cell is closed may not be the one that frees it.
        let closed = closers.into_iter().fold(false, |closed, closer| closer.join().unwrap() | closed);
        assert_eq!(closed, world.lock.is_closed());
        if !closed {
            // A thread that was refused has left the lock as it was.
            assert!(world.close());
        }
        world.memory.assert_freed_once();
    });
}
