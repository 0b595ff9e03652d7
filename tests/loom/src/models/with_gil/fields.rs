//! Two fields of an object, each with a lock of its own.

use super::*;

/// Begins write guards of both fields, one after the other, or of none. Attached.
fn begin_both(one: &World, other: &World) -> bool {
    one.lock.begin(GuardKind::Write).is_ok()
        && other.lock.begin(GuardKind::Write).inspect_err(|_| one.lock.end_write()).is_ok()
}

#[test]
fn loom_gil_of_two_fields_both_have_changed_or_neither() {
    for order in [[0, 1], [1, 0]] {
        explore(move || {
            let gil = Arc::new(Mutex::new(()));
            let worlds = [World::new(), World::new()];
            let writer = {
                let (worlds, gil) = (worlds.clone(), gil.clone());
                thread::spawn(move || {
                    let [one, other] = &worlds;
                    let attached = gil.lock().unwrap();
                    let begun = begin_both(one, other);
                    drop(attached);
                    if begun {
                        // Detached, as guards may be used and dropped.
                        one.memory.write();
                        one.lock.end_write();
                        other.memory.write();
                        other.lock.end_write();
                    }
                })
            };
            let attached = gil.lock().unwrap();
            let views = order.map(|which| worlds[which].view(READER));
            if views.iter().all(Option::is_some) {
                assert_eq!(worlds[0].memory.value(), worlds[1].memory.value());
            }
            for (which, view) in order.into_iter().zip(views) {
                if let Some(access) = view {
                    worlds[which].release(access);
                }
            }
            drop(attached);
            writer.join().unwrap();
        });
    }
}
