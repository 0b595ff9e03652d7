//! What keeps a block alive without a GIL: its owner, its views, its leases and its tensors. The last to end frees it.

use super::*;

#[test]
fn loom_free_threaded_a_block_is_freed_once_after_owner_and_views() {
    explore(|| {
        let world = World::new();
        let first = world.view(WRITER).unwrap();
        let second = world.view(READER).unwrap();
        let viewers: Vec<_> = [first, second]
            .into_iter()
            .map(|access| beside(&world, move |world| world.read_and_release(access)))
            .collect();
        // The last read by the owner.
        world.memory.read();
        world.drop_owner();
        joined(viewers);
        world.memory.assert_freed_once();
    });
}

#[test]
fn loom_free_threaded_what_a_tensor_wrote_is_seen_by_whoever_writes_next() {
    explore(|| {
        let world = World::new();
        let consumer = beside(&world, move |world| {
            if world.tensor() {
                world.end_tensor();
            }
        });
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
        let consumer = beside(&world, World::end_tensor);
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
        let thread = beside(&world, move |world| {
            world.memory.write();
            world.end_lease();
        });
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
                beside(&world, World::read_and_end_lease)
            })
            .collect();
        world.memory.read();
        world.drop_owner();
        joined(leases);
        world.memory.assert_freed_once();
    });
}

#[test]
fn loom_free_threaded_a_block_is_freed_once_after_its_owner_its_last_view_and_its_lease() {
    explore(|| {
        let world = World::new();
        world.lease();
        let access = world.view(WRITER).unwrap();
        let lease = beside(&world, World::read_and_end_lease);
        let viewer = beside(&world, move |world| world.read_and_release(access));
        world.memory.read();
        world.drop_owner();
        lease.join().unwrap();
        viewer.join().unwrap();
        world.memory.assert_freed_once();
    });
}
