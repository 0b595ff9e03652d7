//! What keeps a block alive with a GIL: its owner, its views, its leases and its tensors. The last to end frees it.

use super::*;

#[test]
fn loom_gil_a_block_is_freed_once_after_a_detached_owner_and_its_views() {
    explore(|| {
        let world = World::new();
        let access = world.view(WRITER).unwrap();
        let viewer = beside(&world, move |world| world.write_and_release(access));
        let owner = beside(&world, move |world| {
            // Without `yield_now` loom never explores that the owner reads what the release stored.
            thread::yield_now();
            world.drop_owner();
        });
        world.drain();
        viewer.join().unwrap();
        owner.join().unwrap();
        world.drain();
        world.memory.assert_freed_once();
    });
}

#[test]
fn loom_gil_what_a_tensor_wrote_is_seen_by_whoever_writes_next() {
    explore(|| {
        let world = World::new();
        world.tensor();
        let consumer = beside(&world, World::end_tensor);
        if world.begin(GuardKind::Write).is_ok() {
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
        let consumer = beside(&world, World::end_tensor);
        world.drop_owner();
        consumer.join().unwrap();
        world.memory.assert_freed_once();
    });
}

#[test]
fn loom_gil_what_a_lease_wrote_is_seen_by_whoever_writes_next() {
    for exclusive in [false, true] {
        explore(move || {
            let world = World::new();
            world.lease();
            let thread = beside(&world, move |world| {
                world.memory.write();
                world.end_lease(true);
            });
            thread::yield_now();
            let begun = if exclusive {
                world.lock.begin_exclusive(GuardKind::Write)
            } else {
                world.begin(GuardKind::Write).map(drop)
            };
            if begun.is_ok() {
                world.write_and_end();
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
                    beside(&world, move |world| world.read_and_end_lease(drops_plainly))
                })
                .collect();
            world.memory.read();
            world.drop_owner();
            joined(leases);
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
            let lease = beside(&world, move |world| world.read_and_end_lease(drops_plainly));
            let viewer = beside(&world, move |world| {
                world.memory.read();
                world.release(access);
            });
            world.drop_owner();
            world.drain();
            lease.join().unwrap();
            viewer.join().unwrap();
            world.drain();
            world.memory.assert_freed_once();
        });
    }
}
