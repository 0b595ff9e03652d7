//! Imported memory with a GIL. Adoption begins attached; the memory is written, and guards end, on detached threads.

use super::*;

/// What a thread does that adopts imported memory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Adopts {
    /// It copies the memory, writes the copy detached, and ends its guard there.
    AndWrites,
    /// As above, even if the lock has refused. Loom must find this mistake.
    Untested,
    /// There is no memory for the copy.
    AndAbandons,
}

impl World {
    /// Makes the memory the cell's own, if it is imported and nothing is in the way. Returns whether it did.
    fn try_adopt(&self, how: Adopts) -> bool {
        let begun = self.attached(gil::Lock::adopt) == Ok(true);
        if how == Adopts::AndAbandons {
            if begun {
                // The copy may run Python code, and other threads may attach meanwhile.
                self.memory.read();
                self.attached(gil::Lock::abandon_adoption);
            }
            return false;
        }
        if begun || how == Adopts::Untested {
            self.memory.write();
        }
        if begun {
            self.lock.end_write();
        }
        begun
    }
}

/// What a third thread does meanwhile.
#[derive(Clone, Copy)]
enum Other {
    ReadsUnderAGuard,
    ReadsUnderAView,
    WritesUnderAView,
}

/// A thread that adopts, one that reads or writes, and this one, which adopts as well.
fn beside_others(how: Adopts) {
    for other in [Other::ReadsUnderAGuard, Other::ReadsUnderAView, Other::WritesUnderAView] {
        explore(move || {
            let world = World::new();
            world.attached(|lock| lock.begin_import().unwrap());
            let rival = beside(&world, |world| world.try_adopt(Adopts::AndWrites));
            let other = beside(&world, move |world| match other {
                Other::ReadsUnderAGuard => {
                    if world.begin(GuardKind::Read).is_ok() {
                        world.memory.read();
                        world.lock.end();
                    }
                }
                Other::ReadsUnderAView => world.try_read_view(),
                Other::WritesUnderAView => {
                    if let Some(access) = world.view(WRITER) {
                        assert_eq!(world.lock.stable_views(), 0, "nobody writes imported memory");
                        world.write_and_release(access);
                    }
                }
            });
            let adopted = world.try_adopt(how);
            assert!(!(rival.join().unwrap() && adopted), "both have made it the cell's own");
            other.join().unwrap();
            // A later caller finds that the memory is the cell's own, or makes it so.
            match world.attached(gil::Lock::adopt) {
                Ok(true) => {}
                found => {
                    assert_eq!(found, Ok(false));
                    world.begin(GuardKind::Write).unwrap();
                }
            }
            assert_eq!(world.lock.stable_views(), 0);
            world.memory.write();
        });
    }
}

#[test]
fn loom_gil_one_thread_adopts_imported_memory() {
    beside_others(Adopts::AndWrites);
}

#[test]
fn loom_gil_an_adoption_without_memory_leaves_it_to_others() {
    beside_others(Adopts::AndAbandons);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn loom_gil_an_adoption_that_was_refused_is_found() {
    beside_others(Adopts::Untested);
}
