//! Imported memory without a GIL: at most one thread makes it the cell's own, and nobody reads or writes meanwhile.

use super::*;

impl World {
    /// Makes the memory the cell's own, if it is imported and nothing is in the way. Returns whether it did. With
    /// `untested`, does so even if the lock refuses.
    fn try_adopt(&self, untested: bool) -> bool {
        let adopted = self.lock.adopt() == Ok(true);
        if adopted || untested {
            self.memory.write();
        }
        if adopted {
            self.lock.end_write();
        }
        adopted
    }
}

/// A thread that adopts, one that reads under a guard or writes under a view, and this one, which adopts as well.
fn beside_others(untested: bool) {
    for reads in [true, false] {
        explore(move || {
            let world = World::new();
            world.lock.begin_import().unwrap();
            let rival = {
                let world = world.clone();
                thread::spawn(move || world.try_adopt(false))
            };
            let other = {
                let world = world.clone();
                thread::spawn(move || {
                    if reads {
                        world.try_guard(GuardKind::Read);
                    } else if let Some(access) = world.view(WRITER) {
                        assert_eq!(world.lock.stable_views(), 0);
                        world.memory.write();
                        world.release(access);
                    }
                })
            };
            let adopted = world.try_adopt(untested);
            assert!(!(rival.join().unwrap() && adopted), "both have made it the cell's own");
            other.join().unwrap();
            // A later caller finds that the memory is the cell's own, or makes it so.
            match world.lock.adopt() {
                Ok(true) => {}
                found => {
                    assert_eq!(found, Ok(false));
                    world.lock.begin(GuardKind::Write).unwrap();
                }
            }
            assert_eq!(world.lock.stable_views(), 0);
            world.memory.write();
        });
    }
}

#[test]
fn loom_free_threaded_one_thread_adopts_imported_memory() {
    beside_others(false);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn loom_free_threaded_an_adoption_that_was_refused_is_found() {
    beside_others(true);
}
