//! Stable views with a GIL: they begin and end attached, and are read detached.

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
    /// Requests a stable view, as `cell::stable` does, and reads the memory detached.
    fn try_stable(&self, mistake: Mistake) {
        let guarded = mistake != Mistake::NoGuard;
        let begun = self.attached(|lock| !guarded || lock.begin_stable(|| lock.begin(GuardKind::Read)).is_ok());
        if !begun {
            return;
        }
        // In the model, another thread may attach between the two steps. In a request, none can.
        let Some(access) = self.view(ANY) else {
            assert!(!guarded, "nothing refuses a reader beside a read guard");
            return;
        };
        if guarded {
            assert_eq!(access, ViewKind::ReadOnly);
        }
        if mistake == Mistake::EndsEarly {
            self.attached(gil::Lock::end_stable);
        }
        self.memory.read();
        if mistake == Mistake::None {
            self.attached(gil::Lock::end_stable);
        }
        self.release(access);
    }
}

fn beside_writers(mistake: Mistake) {
    for kind in [Some(GuardKind::Write), None] {
        explore(move || {
            let world = World::new();
            let writer = beside(&world, move |world| match kind {
                Some(kind) => {
                    if world.begin(kind).is_ok() {
                        world.write_and_end();
                    }
                }
                None => world.try_write_view(),
            });
            world.try_stable(mistake);
            writer.join().unwrap();
            world.begin(GuardKind::Write).unwrap();
        });
    }
}

#[test]
fn loom_gil_nobody_writes_beside_a_stable_view() {
    beside_writers(Mistake::None);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn loom_gil_a_stable_view_without_a_guard_is_found() {
    beside_writers(Mistake::NoGuard);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn loom_gil_a_guard_that_ends_before_the_last_read_is_found() {
    beside_writers(Mistake::EndsEarly);
}
