//! Views and guards without a GIL: which layout each thread reads, and which views and guards exclude each other.

use super::*;

#[test]
fn loom_free_threaded_nobody_reads_a_layout_before_it_is_published() {
    explore(|| {
        let world = World::new();
        let viewers: Vec<_> = (0..2).map(|_| beside(&world, World::try_read_view)).collect();
        joined(viewers);
    });
}

#[test]
fn loom_free_threaded_a_second_epoch_is_not_taken_for_the_first() {
    explore(|| {
        let world = World::new();
        let first = world.view(READER).unwrap();
        let joiner = beside(&world, World::try_read_view);
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
        let joiner = beside(&world, World::try_read_view);
        world.fail_to_view();
        world.try_read_view();
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
        let joiner = beside(&world, World::try_read_view);
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
            let viewer = beside(&world, World::try_write_view);
            world.try_guard(kind);
            viewer.join().unwrap();
        });
    }
}

#[test]
fn loom_free_threaded_readers_share_and_writers_do_not() {
    explore(|| {
        let world = World::new();
        let other = beside(&world, move |world| {
            world.try_guard(GuardKind::Read);
            world.try_guard(GuardKind::Write);
        });
        world.try_guard(GuardKind::Write);
        world.try_guard(GuardKind::Read);
        other.join().unwrap();
    });
}

#[test]
fn loom_free_threaded_what_was_pinned_is_left_alone_by_whoever_comes_after_the_view() {
    for kind in [GuardKind::Write, GuardKind::Read] {
        explore(move || {
            let world = World::new();
            let viewer = beside(&world, move |world| {
                if let Some(access) = world.view(WRITER) {
                    world.pin.set(access);
                    world.release(access);
                    // Write as a consumer does that has kept the address after the release of its view.
                    world.memory.write();
                }
            });
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
        let tracer = beside(&world, move |world| {
            world.lock.trace(true);
            world.lock.trace(false);
        });
        let viewer = beside(&world, World::try_write_view);
        world.try_guard(GuardKind::Write);
        tracer.join().unwrap();
        viewer.join().unwrap();
        assert_eq!((world.lock.guards(), world.lock.views().total()), (None, 0));
        assert!(world.lock.admit_unguarded(ViewKind::Writable).is_some());
    });
}
