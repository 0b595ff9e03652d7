//! The table of what each lock admits, and the limits of the counts, for both locks.

use super::{Beside, Closing, Disowned, GuardKind, Missed, Pin, Released, ViewKind, Wants, free_threaded, gil};
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

/// Whether views are traced changes nothing but the fast path.
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

        // Views and guards are in the way; then everything is as it was.
        assert_eq!(view(&lock, MAY_WRITE), Ok(ViewKind::ReadOnly));
        assert_eq!(lock.adopt(), Err(Blocker::Views { writable: 0, readonly: 1 }));
        assert_eq!(lock.release(ViewKind::ReadOnly), Released { views: false, owner: true });
        lock.begin(GuardKind::Read).unwrap();
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
        lock.begin_exclusive(GuardKind::Closed).unwrap();
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
fn full_counts_refuse_and_keep_their_neighbours() {
    let lock = gil::Lock::nearly_full();
    assert!(lock.begin(GuardKind::Read).is_ok());
    assert_eq!(lock.begin(GuardKind::Read), Err(Blocker::Full));
    let before = lock.views();
    assert!(!lock.downgrade());
    assert_eq!(lock.admit(READER).unwrap_err(), Blocker::Full);
    assert_eq!(lock.views(), before);

    let lock = gil::Lock::nearly_full_of_writable();
    let last = lock.admit_unguarded(ViewKind::Writable).unwrap();
    assert!(!last.is_first());
    assert_eq!(lock.join(&last), Ok(()));
    assert_eq!((lock.views().writable, lock.views().readonly), (1 << 31, 0));
    assert!(lock.admit_unguarded(ViewKind::Writable).is_none());
    assert_eq!(lock.admit(WRITER).unwrap_err(), Blocker::Full);
    assert_eq!(lock.join(&lock.admit(READER).unwrap()), Ok(()));
    assert_eq!(lock.release(ViewKind::Writable), Released { views: true, owner: true });
    assert_eq!((lock.views().writable, lock.views().readonly), ((1 << 31) - 1, 1));
    assert!(lock.admit_unguarded(ViewKind::Writable).is_some());

    let lock = free_threaded::Lock::new();
    for _ in 0..(1 << 17) - 1 {
        lock.begin(GuardKind::Read).unwrap();
    }
    assert_eq!(lock.begin(GuardKind::Read), Err(Blocker::Full));
    let mut views = 0;
    while let Ok(admission) = lock.admit(READER) {
        let entry = if admission.is_first() { lock.claim(&admission) } else { lock.join(&admission) };
        assert_eq!(entry, Ok(()));
        if admission.is_first() {
            lock.publish(&admission);
        }
        views += 1;
    }
    assert_eq!(views, (1 << 20) - 1);
    assert_eq!((lock.views().writable, lock.views().readonly), (0, views));
}

#[test]
fn an_orphan_is_freed_by_the_drain_or_by_its_last_view() {
    for views_outlive_the_drain in [false, true] {
        let lock = gil::Lock::new();
        let admission = lock.admit(WRITER).unwrap();
        assert_eq!(lock.claim(&admission), Ok(()));
        assert_eq!(lock.disown(), Disowned::Orphaned);
        if views_outlive_the_drain {
            assert!(!lock.disown_orphan());
            assert!(lock.release(ViewKind::Writable).is_last());
        } else {
            assert!(lock.release(ViewKind::Writable).owner);
            assert!(lock.disown_orphan());
        }
    }
}

#[test]
fn without_a_gil_the_last_view_frees() {
    let lock = free_threaded::Lock::new();
    let admission = lock.admit(READER).unwrap();
    assert_eq!(lock.claim(&admission), Ok(()));
    lock.publish(&admission);
    assert_eq!(lock.disown(), Disowned::LeftToViews);
    assert!(lock.release(ViewKind::ReadOnly).is_last());
}

#[test]
fn without_a_gil_a_first_view_that_never_publishes_is_not_waited_for() {
    let lock = free_threaded::Lock::new();
    let first = lock.admit(READER).unwrap();
    assert_eq!(lock.claim(&first), Ok(()));
    let second = lock.admit(READER).unwrap();
    assert_eq!(lock.join(&second), Err(Missed::Unpublished));
    assert_eq!(lock.views().total(), 1);
}

#[test]
fn without_a_gil_a_closing_that_another_thread_has_begun_is_not_in_the_way() {
    let lock = free_threaded::Lock::new();
    assert_eq!(lock.begin_closing(), Ok(Closing::Begun));
    assert_eq!(lock.begin_closing(), Ok(Closing::Underway));
    lock.stay_open();
    assert!(lock.begin(GuardKind::Write).is_ok());
    assert_eq!(lock.begin_closing(), Err(Blocker::WriteGuard));
    lock.end_write();
    assert_eq!(lock.begin_closing(), Ok(Closing::Begun));
    assert_eq!(lock.begin_closing(), Ok(Closing::Underway));
    // Both closing threads call `close`, in any order.
    for _ in 0..2 {
        lock.close();
        assert!(lock.is_closed());
        assert_eq!(lock.begin_closing(), Err(Blocker::Closed));
    }
    assert_eq!(lock.disown(), Disowned::Free);
}

#[test]
fn without_a_gil_a_stale_admission_changes_nothing() {
    let lock = free_threaded::Lock::new();
    let stale = lock.admit(READER).unwrap();
    lock.begin(GuardKind::Write).unwrap();
    assert_eq!(lock.claim(&stale), Err(Missed::Changed));
    assert_eq!(lock.views().total(), 0);
}

#[test]
fn a_pin_refuses_who_would_move_what_was_seen() {
    let pin = Pin::new();
    let refused =
        || [GuardKind::Read, GuardKind::Share, GuardKind::Write, GuardKind::Closed].map(|kind| pin.admit(kind).err());
    assert!(!pin.is_set());
    assert_eq!(refused(), [None; 4]);
    pin.set(ViewKind::ReadOnly);
    let seen = Some(Blocker::Pinned { writable: false });
    assert_eq!(refused(), [None, None, seen, seen]);
    pin.set(ViewKind::Writable);
    pin.set(ViewKind::ReadOnly);
    let written = Some(Blocker::Pinned { writable: true });
    assert_eq!(refused(), [written, None, written, written]);
    assert!(pin.is_set());
}

#[test]
fn tensors_keep_out_who_would_move_or_read_their_memory() {
    let pin = Pin::new();
    let refused = || {
        [GuardKind::Read, GuardKind::Share, GuardKind::Write, GuardKind::Closed]
            .map(|kind| pin.admit_beside_tensors(kind).err())
    };
    let tensors = |count| Some(Blocker::Tensors(count));
    assert_eq!((pin.tensors(), pin.had_tensors()), (0, false));
    pin.begin_tensor(ViewKind::ReadOnly).unwrap();
    assert_eq!(refused(), [None, None, tensors(1), tensors(1)]);
    pin.begin_tensor(ViewKind::Writable).unwrap();
    assert_eq!(refused(), [tensors(2), None, tensors(2), tensors(2)]);
    // A pin alone does not know them.
    assert_eq!(pin.admit(GuardKind::Write), Ok(()));
    assert!(!pin.is_set());
    pin.end_tensor();
    assert_eq!(refused(), [tensors(1), None, tensors(1), tensors(1)]);
    pin.end_tensor();
    assert_eq!(refused(), [None; 4]);
    pin.begin_tensor(ViewKind::ReadOnly).unwrap();
    assert_eq!(refused(), [None, None, tensors(1), tensors(1)]);
    pin.set(ViewKind::Writable);
    let pinned = Some(Blocker::Pinned { writable: true });
    assert_eq!(refused(), [pinned, None, pinned, pinned]);
    pin.end_tensor();
    assert_eq!((pin.tensors(), pin.had_tensors()), (0, true));

    let full = Pin::full_of_tensors();
    assert_eq!(full.begin_tensor(ViewKind::Writable), Err(Blocker::Full));
    full.end_tensor();
    assert_eq!(full.begin_tensor(ViewKind::Writable), Ok(()));
    assert_eq!(full.begin_tensor(ViewKind::ReadOnly), Err(Blocker::Full));
}
