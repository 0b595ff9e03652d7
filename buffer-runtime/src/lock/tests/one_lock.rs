//! What only one of the locks does: the limits of its counts, and how blocks are freed.

use super::*;

/// To admit such a view at once would cost the common cases a comparison.
#[test]
fn with_a_gil_a_writable_view_beside_read_only_ones_alone_is_no_common_case() {
    let lock = gil::Lock::new();
    let reader = lock.admit(READER).unwrap();
    assert_eq!(lock.claim(&reader), Ok(()));
    assert!(lock.admit_unguarded(ViewKind::Writable).is_none());
    assert!(!lock.admit_unguarded(ViewKind::ReadOnly).unwrap().is_first());
    assert_eq!(lock.join(&lock.admit(WRITER).unwrap()), Ok(()));
    assert!(!lock.admit_unguarded(ViewKind::Writable).unwrap().is_first());
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
    (0..(1 << 17) - 1).for_each(|_| lock.end());
    for access in [ViewKind::ReadOnly, ViewKind::Writable] {
        assert!(lock.admit_unguarded(access).is_none());
    }
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
