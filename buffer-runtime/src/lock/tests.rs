//! The table of what each lock admits, for both locks.

mod one_lock;
mod pins;

use super::{Beside, Closing, Disowned, GuardKind, Missed, Pin, Released, ViewKind, Views, Wants, free_threaded, gil};
use crate::lock::Blocker;

const READER: Wants = Wants { may_write: false, must_write: false };
const MAY_WRITE: Wants = Wants { may_write: true, must_write: false };
const WRITER: Wants = Wants { may_write: true, must_write: true };

macro_rules! for_both_locks {
    ($($(#[$attribute:meta])* fn $name:ident($lock:ident) $body:block)*) => {
        mod with_gil {
            use super::{*, gil::Lock};
            $($(#[$attribute])* fn $name() { for_untraced_and_traced!($lock, $body) })*

            fn view(lock: &Lock, wants: Wants) -> Result<ViewKind, Blocker> { request!(lock, wants) }
        }
        mod without_gil {
            use super::{*, free_threaded::Lock};
            $($(#[$attribute])* fn $name() { for_untraced_and_traced!($lock, $body) })*

            fn view(lock: &Lock, wants: Wants) -> Result<ViewKind, Blocker> { request!(lock, wants) }
        }
    };
}

/// Tracing views must change nothing but the fast path.
macro_rules! for_untraced_and_traced {
    ($lock:ident, $body:block) => {
        for traced in [false, true] {
            let $lock = Lock::new();
            $lock.trace(traced);
            $body
        }
    };
}

/// Requests a view as `cell::grant` does, without a layout.
macro_rules! request {
    ($lock:expr, $wants:expr) => {{
        let admission = $lock.admit($wants)?;
        if admission.is_first() {
            assert_eq!($lock.claim(&admission), Ok(()));
            $lock.publish(&admission);
        } else {
            assert_eq!($lock.join(&admission), Ok(()));
        }
        Ok(admission.access())
    }};
}

for_both_locks! {
    #[test]
    fn imported_memory_is_read_only_until_it_is_adopted(lock) {
        assert_eq!(lock.adopt(), Ok(false));
        assert_eq!(lock.guards(), None);
        lock.begin_import().unwrap();
        let imported = Blocker::StableViews { stable: 1, guards: 0 };
        assert_eq!(view(&lock, WRITER), Err(imported));
        for kind in [GuardKind::Write, GuardKind::Share, GuardKind::Closed] {
            assert_eq!(lock.begin(kind), Err(imported));
        }
        assert_eq!(imported.naming_import(), Blocker::Imported);

        // Views and guards are in the way. After they have ended, everything is as before.
        assert_eq!(view(&lock, MAY_WRITE), Ok(ViewKind::ReadOnly));
        assert_eq!(lock.adopt(), Err(Blocker::Views { writable: 0, readonly: 1 }));
        lock.begin(GuardKind::Read).unwrap();
        assert_eq!(lock.adopt(), Err(Blocker::ReadGuards(1)));
        assert_eq!(lock.release(ViewKind::ReadOnly), Released { views: false, owner: true });
        assert_eq!(lock.adopt(), Err(Blocker::ReadGuards(1)));
        lock.end();
        assert_eq!((lock.guards(), lock.stable_views()), (Some((GuardKind::Read, 1)), 1));

        assert_eq!(lock.adopt(), Ok(true));
        assert_eq!((lock.guards(), lock.stable_views()), (Some((GuardKind::Write, 1)), 0));
        assert_eq!(lock.adopt(), Err(Blocker::WriteGuard));
        lock.abandon_adoption();
        assert_eq!(lock.begin(GuardKind::Write), Err(imported));
        assert_eq!(lock.adopt(), Ok(true));
        lock.end_write();
        assert_eq!(lock.guards(), None);
        assert_eq!(view(&lock, WRITER), Ok(ViewKind::Writable));
        assert_eq!(lock.adopt(), Err(Blocker::Views { writable: 1, readonly: 0 }));
    }

    #[test]
    fn views_of_both_kinds_live_together(lock) {
        assert_eq!(view(&lock, WRITER), Ok(ViewKind::Writable));
        assert_eq!(view(&lock, READER), Ok(ViewKind::ReadOnly));
        assert_eq!(view(&lock, MAY_WRITE), Ok(ViewKind::Writable));
        assert_eq!((lock.views().writable, lock.views().readonly), (2, 1));
        for access in [ViewKind::Writable, ViewKind::ReadOnly] {
            assert_eq!(lock.release(access), Released { views: true, owner: true });
        }
        assert_eq!(lock.views().total(), 1);
        assert_eq!(lock.release(ViewKind::Writable), Released { views: false, owner: true });
        assert_eq!(lock.views().total(), 0);
    }

    #[test]
    fn guards_refuse_what_the_table_says(lock) {
        lock.begin(GuardKind::Read).unwrap();
        lock.begin(GuardKind::Read).unwrap();
        assert_eq!(view(&lock, WRITER), Err(Blocker::ReadGuards(2)));
        assert_eq!(view(&lock, MAY_WRITE), Ok(ViewKind::ReadOnly));
        assert_eq!(lock.begin(GuardKind::Share), Err(Blocker::ReadGuards(2)));
        assert_eq!(lock.begin(GuardKind::Write), Err(Blocker::ReadGuards(2)));
        lock.end();
        lock.end();
        assert_eq!(lock.begin(GuardKind::Write), Err(Blocker::Views { writable: 0, readonly: 1 }));
        assert!(lock.begin(GuardKind::Share).is_ok());
        assert_eq!(lock.begin(GuardKind::Read), Err(Blocker::ShareGuards(1)));
        assert_eq!(view(&lock, WRITER), Ok(ViewKind::Writable));
        lock.end();
        assert_eq!(lock.begin(GuardKind::Read), Err(Blocker::Views { writable: 1, readonly: 0 }));
        let _ = lock.release(ViewKind::Writable);
        let _ = lock.release(ViewKind::ReadOnly);

        lock.begin(GuardKind::Write).unwrap();
        for kind in [GuardKind::Read, GuardKind::Share, GuardKind::Write, GuardKind::Closed] {
            assert_eq!(lock.begin(kind), Err(Blocker::WriteGuard));
        }
        assert_eq!(view(&lock, READER), Err(Blocker::WriteGuard));
        lock.end_write();
        assert!(!lock.is_closed());
        lock.begin(GuardKind::Closed).unwrap();
        assert!(lock.is_closed());
        assert_eq!(view(&lock, READER), Err(Blocker::Closed));
        assert_eq!(lock.begin(GuardKind::Read), Err(Blocker::Closed));
    }

    #[test]
    fn a_stable_view_is_a_read_guard_that_the_refusal_names(lock) {
        let read = || lock.begin(GuardKind::Read);
        assert_eq!(lock.begin_stable(read), Ok(()));
        assert_eq!(view(&lock, MAY_WRITE), Ok(ViewKind::ReadOnly));
        let alone = Blocker::StableViews { stable: 1, guards: 0 };
        assert_eq!(view(&lock, WRITER), Err(alone));
        lock.begin(GuardKind::Read).unwrap();
        assert_eq!(lock.begin_stable(read), Ok(()));
        assert_eq!(lock.stable_views(), 2);
        let three = Blocker::StableViews { stable: 2, guards: 1 };
        assert_eq!(lock.begin(GuardKind::Write), Err(three));
        assert_eq!(lock.begin(GuardKind::Share), Err(three));
        assert_eq!(lock.begin_exclusive(GuardKind::Write), Err(three));
        assert_eq!(lock.begin_closing(), Err(three));
        lock.end();
        lock.end_stable();
        assert_eq!(lock.begin(GuardKind::Write), Err(alone));
        lock.end_stable();
        lock.begin(GuardKind::Read).unwrap();
        assert_eq!(lock.begin(GuardKind::Write), Err(Blocker::ReadGuards(1)));
        lock.end();
        let _ = lock.release(ViewKind::ReadOnly);

        assert_eq!(view(&lock, MAY_WRITE), Ok(ViewKind::Writable));
        assert_eq!(lock.begin_stable(read), Err(Blocker::Views { writable: 1, readonly: 0 }));
        let _ = lock.release(ViewKind::Writable);
        for (kind, held) in [(GuardKind::Share, Blocker::ShareGuards(1)), (GuardKind::Write, Blocker::WriteGuard)] {
            lock.begin(kind).unwrap();
            assert_eq!(lock.begin_stable(read), Err(held));
            lock.end();
        }
        // A refusal has counted nothing.
        assert_eq!(lock.stable_views(), 0);
        lock.begin(GuardKind::Read).unwrap();
        assert_eq!(lock.begin(GuardKind::Write), Err(Blocker::ReadGuards(1)));
    }

    #[test]
    fn closing_ends_open_or_closed(lock) {
        lock.begin(GuardKind::Share).unwrap();
        assert_eq!(lock.begin_closing(), Err(Blocker::ShareGuards(1)));
        lock.end();
        assert_eq!(view(&lock, READER), Ok(ViewKind::ReadOnly));
        assert_eq!(lock.begin_closing(), Err(Blocker::Views { writable: 0, readonly: 1 }));
        let _ = lock.release(ViewKind::ReadOnly);

        assert_eq!(lock.begin_closing(), Ok(Closing::Begun));
        assert!(!lock.is_closed());
        assert_eq!(view(&lock, READER), Err(Blocker::WriteGuard));
        for kind in [GuardKind::Read, GuardKind::Share, GuardKind::Write, GuardKind::Closed] {
            assert_eq!(lock.begin(kind), Err(Blocker::WriteGuard));
        }
        lock.stay_open();

        lock.begin(GuardKind::Write).unwrap();
        assert_eq!(lock.begin_closing(), Err(Blocker::WriteGuard));
        lock.end();

        assert_eq!(lock.begin_closing(), Ok(Closing::Begun));
        lock.close();
        assert_eq!(lock.begin_closing(), Err(Blocker::Closed));
        assert!(lock.is_closed());
        assert_eq!(view(&lock, READER), Err(Blocker::Closed));
        for kind in [GuardKind::Read, GuardKind::Share, GuardKind::Write, GuardKind::Closed] {
            assert_eq!(lock.begin(kind), Err(Blocker::Closed));
        }
        assert!(lock.admit_unguarded(ViewKind::ReadOnly).is_none());
        assert_eq!(lock.disown(), Disowned::Free);
    }

    #[test]
    fn the_common_case_is_a_case_of_the_table(lock) {
        lock.trace(false);
        let common = lock.admit_unguarded(ViewKind::Writable).unwrap();
        assert!(common.is_first());
        assert_eq!(lock.claim(&common), Ok(()));
        lock.publish(&common);
        assert!(!lock.admit_unguarded(ViewKind::ReadOnly).unwrap().is_first());
        for kind in [GuardKind::Share, GuardKind::Read] {
            let _ = lock.begin(kind);
            assert!(lock.admit_unguarded(ViewKind::ReadOnly).is_none());
        }
        lock.end();
        assert!(lock.admit_unguarded(ViewKind::ReadOnly).is_some());
    }

    #[test]
    fn traced_views_are_not_the_common_case(lock) {
        for traced in [true, false, true, true] {
            lock.trace(traced);
            let is_traced = || lock.admit_unguarded(ViewKind::Writable).is_none();
            assert_eq!(is_traced(), traced);
            assert_eq!(view(&lock, WRITER), Ok(ViewKind::Writable));
            assert_eq!(is_traced(), traced);
            assert!(!lock.release(ViewKind::Writable).views);
            for kind in [GuardKind::Write, GuardKind::Read, GuardKind::Share] {
                assert_eq!(lock.begin(kind), Ok(Beside::NoGuard));
                assert_eq!(lock.guards(), Some((kind, 1)));
                if kind == GuardKind::Write {
                    lock.end_write();
                } else {
                    assert_eq!(lock.begin(kind), Ok(Beside::Guards));
                    assert_eq!(lock.guards(), Some((kind, 2)));
                    lock.end();
                    lock.end();
                }
                assert_eq!((is_traced(), lock.guards()), (traced, None));
            }
            lock.begin_exclusive(GuardKind::Write).unwrap();
            lock.end_write();
            assert_eq!(lock.begin_closing(), Ok(Closing::Begun));
            lock.stay_open();
            assert_eq!(is_traced(), traced);

            lock.begin_import().unwrap();
            assert_eq!(lock.adopt(), Ok(true));
            lock.abandon_adoption();
            assert_eq!(lock.adopt(), Ok(true));
            lock.end_write();
            assert_eq!((is_traced(), lock.guards()), (traced, None));
        }
    }

    #[test]
    fn exclusive_borrows_obey_the_same_table(lock) {
        assert_eq!(view(&lock, READER), Ok(ViewKind::ReadOnly));
        assert_eq!(lock.begin_exclusive(GuardKind::Write), Err(Blocker::Views { writable: 0, readonly: 1 }));
        let _ = lock.release(ViewKind::ReadOnly);
        lock.begin_exclusive(GuardKind::Write).unwrap();
        assert_eq!(lock.begin_exclusive(GuardKind::Write), Err(Blocker::WriteGuard));
        lock.end();
        // A tensor may be in the way after the guard has begun.
        lock.begin_exclusive(GuardKind::Closed).unwrap();
        lock.end();
        assert!(!lock.is_closed());
        lock.begin_exclusive(GuardKind::Closed).unwrap();
        assert!(lock.is_closed());
    }

    #[test]
    fn a_view_that_turns_out_read_only_is_counted_as_one(lock) {
        assert_eq!(view(&lock, MAY_WRITE), Ok(ViewKind::Writable));
        assert_eq!(view(&lock, WRITER), Ok(ViewKind::Writable));
        assert!(lock.downgrade());
        assert_eq!((lock.views().writable, lock.views().readonly), (1, 1));
        assert!(lock.release(ViewKind::Writable).views);
        assert!(lock.begin(GuardKind::Read).is_ok());
        assert!(!lock.release(ViewKind::ReadOnly).views);
    }

    #[test]
    fn an_abandoned_claim_leaves_no_view(lock) {
        for _ in 0..3 {
            let admission = lock.admit(WRITER).unwrap();
            assert!(admission.is_first());
            assert_eq!(lock.claim(&admission), Ok(()));
            assert!(lock.abandon(admission.access()).owner);
            assert_eq!(lock.views().total(), 0);
        }
        assert_eq!(view(&lock, WRITER), Ok(ViewKind::Writable));
    }

    #[test]
    fn an_owner_without_views_frees_at_once(lock) {
        assert_eq!(lock.disown(), Disowned::Free);
    }
}

#[test]
fn a_blocker_counts_no_more_guards_than_there_are() {
    // Without a GIL, a thread may read one count before and the other one after another thread has changed both.
    let stable = |stable, guards| Blocker::StableViews { stable, guards };
    assert_eq!(Blocker::ReadGuards(1).naming_stable(2), stable(1, 0));
    assert_eq!(Blocker::ReadGuards(3).naming_stable(2), stable(2, 1));
    assert_eq!(Blocker::ReadGuards(3).naming_stable(0), Blocker::ReadGuards(3));
    assert_eq!(stable(1, 0).naming_import(), Blocker::Imported);
    assert_eq!(stable(1, 2).naming_import(), Blocker::ReadGuards(2));
    let [none, one] = [0, 1].map(|readonly| Views { writable: 0, readonly });
    assert_eq!(Blocker::of_adoption(none, 2), Blocker::ReadGuards(1));
    assert_eq!(Blocker::of_adoption(one, 2), Blocker::Views { writable: 0, readonly: 1 });
    assert_eq!(Blocker::of_adoption(one, 4), Blocker::ReadGuards(2));
}
