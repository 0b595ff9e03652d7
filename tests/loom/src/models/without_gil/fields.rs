//! Two fields of an object, each with a lock of its own.

use super::*;

/// Takes both locks for writing, one after the other, or none.
fn write_both(worlds: &[Arc<World>; 2]) {
    let [one, other] = worlds;
    if one.lock.begin(GuardKind::Write).is_err() {
        return;
    }
    if other.lock.begin(GuardKind::Write).is_ok() {
        one.memory.write();
        other.memory.write();
        other.lock.end_write();
    }
    one.lock.end_write();
}

#[test]
fn loom_free_threaded_of_two_fields_both_have_changed_or_neither() {
    for order in [[0, 1], [1, 0]] {
        explore(move || {
            let worlds = [World::new(), World::new()];
            let writer = {
                let worlds = worlds.clone();
                thread::spawn(move || write_both(&worlds))
            };
            let views = order.map(|which| worlds[which].view(READER));
            if views.iter().all(Option::is_some) {
                assert_eq!(worlds[0].memory.value(), worlds[1].memory.value());
            }
            for (which, view) in order.into_iter().zip(views) {
                if let Some(access) = view {
                    worlds[which].release(access);
                }
            }
            writer.join().unwrap();
        });
    }
}
