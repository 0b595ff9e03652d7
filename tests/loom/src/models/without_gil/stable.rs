//! Stable views without a GIL: nobody writes memory that a stable view shows.

use super::*;

/// A deliberate mistake in a model. Loom must find it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mistake {
    None,
    /// The view begins without its read guard.
    NoGuard,
    /// The guard ends before the last read.
    EndsEarly,
}

impl World {
    /// Requests a stable view, as `cell::stable` does, and reads the memory.
    fn try_stable(&self, mistake: Mistake) {
        let guarded = mistake != Mistake::NoGuard;
        if guarded && self.lock.begin_stable(|| self.lock.begin(GuardKind::Read)).is_err() {
            return;
        }
        if let Some(access) = self.view(ANY) {
            if mistake == Mistake::EndsEarly {
                self.lock.end_stable();
            }
            self.memory.read();
            if guarded && mistake != Mistake::EndsEarly {
                self.lock.end_stable();
            }
            if guarded {
                assert_eq!(access, ViewKind::ReadOnly);
            }
            self.release(access);
        } else if guarded {
            self.lock.end_stable();
        }
    }
}

/// A stable view, beside everything that writes.
fn beside_writers(mistake: Mistake) {
    for kind in [Some(GuardKind::Write), None] {
        explore(move || {
            let world = World::new();
            let writer = beside(&world, move |world| match kind {
                Some(kind) => world.try_guard(kind),
                None => world.try_write_view(),
            });
            world.try_stable(mistake);
            writer.join().unwrap();
            // No guard and no view is left.
            world.lock.begin(GuardKind::Write).unwrap();
        });
    }
}

#[test]
fn loom_free_threaded_nobody_writes_beside_a_stable_view() {
    beside_writers(Mistake::None);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn loom_free_threaded_a_stable_view_without_a_guard_is_found() {
    beside_writers(Mistake::NoGuard);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn loom_free_threaded_a_guard_that_ends_before_the_last_read_is_found() {
    beside_writers(Mistake::EndsEarly);
}

#[test]
fn loom_free_threaded_a_stable_view_outlives_the_owner() {
    explore(|| {
        let world = World::new();
        world.lock.begin_stable(|| world.lock.begin(GuardKind::Read)).unwrap();
        let access = world.view(ANY).unwrap();
        let viewer = beside(&world, move |world| {
            world.memory.read();
            world.lock.end_stable();
            world.release(access);
        });
        world.drop_owner();
        viewer.join().unwrap();
        world.memory.assert_freed_once();
    });
}
