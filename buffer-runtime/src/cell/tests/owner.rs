//! What the owner of a cell does beside views: swapping, dropping, writing, and making cells.

use super::*;

#[test]
fn miri_a_swapped_cell_is_freed_after_its_last_view() {
    let (mut cell, drops) = counting(&[1, 2, 3]);
    let view = cell.view(&U32, true).unwrap();
    let (replacement, _) = counting(&[]);
    let old = mem::replace(&mut cell, replacement);
    assert_eq!(old.views(), 1);
    drop(old);
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    view.write(9);
    assert_eq!(view.read(), [9; 12]);
    drop(view);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
    assert_eq!(cell.views(), 0);
}

#[test]
fn miri_a_cell_that_is_dropped_on_another_thread_is_freed_after_its_last_view() {
    let (cell, drops) = counting(&[1, 2, 3]);
    let view = cell.view(&U32, true).unwrap();
    let strides = view.strides();
    // An attached thread joins the dropping thread: a drop that attached would deadlock.
    attached(|| thread::spawn(move || drop(cell)).join().unwrap());
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    assert_eq!(view.strides(), strides);
    thread::spawn(move || drop(view)).join().unwrap();
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_a_layout_of_another_class_is_not_joined() {
    static OTHER: Descriptor = natural::<u32>();
    let (cell, _) = counting(&[1, 2]);
    let view = cell.view(&U32, false).unwrap();
    assert!(cell.view(&OTHER, false).is_none());
    assert_eq!(cell.views(), 1);
    drop(view);
    assert!(cell.view(&OTHER, false).is_some());
    assert_eq!(cell.views(), 0);
}

#[test]
fn miri_writing_moves_the_memory_and_the_next_view_follows() {
    let cell = ExportCell::new(vec![1_u32]);
    drop(cell.view(&U32, true).unwrap());
    for round in 1..20 {
        cell.test_write().unwrap().extend([round; 10]);
        let view = cell.view(&U32, false).unwrap();
        assert_eq!(view.shape(), [isize::try_from(cell.len()).unwrap()]);
        assert_eq!(view.read().len(), cell.len() * 4);
    }
    *cell.test_write().unwrap() = Vec::new();
    assert_eq!(cell.len(), 0);
    assert_eq!(cell.view(&U32, false).unwrap().shape(), [0]);
}

#[test]
fn miri_a_panic_under_a_write_guard_leaves_a_whole_cell() {
    let cell = ExportCell::new(vec![1_u32]);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut items = cell.test_write().unwrap();
        items.extend([2; 100]);
        panic!("while writing");
    }));
    assert!(panicked.is_err());
    assert_eq!(cell.len(), 101);
    assert_eq!(cell.view(&U32, false).unwrap().shape(), [101]);
}

#[test]
fn miri_exclusive_borrows_need_no_token_but_no_views() {
    let mut cell = ExportCell::new(vec![1_u32]);
    let view = cell.view(&U32, false).unwrap();
    assert_eq!(cell.get_mut().err().unwrap().views(), 1);
    drop(view);
    cell.get_mut().unwrap().push(2);
    assert_eq!(*cell.test_read().unwrap(), [1, 2]);
}

#[test]
fn a_leaked_guard_locks_for_ever() {
    let mut cell = ExportCell::new(vec![1_u32]);
    mem::forget(cell.test_read().unwrap());
    assert!(cell.get_mut().is_err() && cell.test_write().is_err() && cell.test_share().is_err());
    assert_eq!(cell.view(&U32, false).unwrap().ticket.access, ViewKind::ReadOnly);

    let cell = ExportCell::new(vec![1_u32]);
    mem::forget(cell.test_write().unwrap());
    assert!(cell.view(&U32, false).is_none());
    assert_eq!(
        without_place(cell.test_read().unwrap_err()),
        "cannot read: Rust is changing it (a write guard is alive); try again when the call or thread that holds it has ended"
    );

    let mut cell = ExportCell::new(vec![1_u32]);
    mem::forget(cell.get_mut().unwrap());
    let refusal = cell.test_read().unwrap_err().to_string();
    assert!(refusal.contains("a write guard is alive, taken at ") && refusal.contains("owner.rs"), "{refusal}");

    let cell = ExportCell::new(vec![1_u32]);
    mem::forget(cell.test_share().unwrap());
    assert!(cell.view(&U32, true).is_some());
    assert_eq!(
        without_place(cell.test_write().err().unwrap()),
        "cannot resize: 1 share guard is alive in Rust; try again when the call or thread that holds it has \
         ended, or change values in place through `share`"
    );
}

#[test]
fn miri_a_cell_of_zeros_that_was_never_made_is_closed() {
    // SAFETY: all zeros is a NULL pointer, which a cell may contain.
    drop(unsafe { mem::zeroed::<ExportCell<Vec<u32>>>() });
    // SAFETY: as above.
    let mut cell = unsafe { mem::zeroed::<ExportCell<Vec<u32>>>() };
    // SAFETY: as above.
    let rows = unsafe { mem::zeroed::<ExportCell<crate::storage::Rows<u8>>>() };
    assert!(cell.view(&U32, false).is_none() && rows.test_read().is_err());
    assert_eq!((cell.is_closed(), cell.len(), cell.views(), cell.is_pinned()), (true, 0, 0, false));
    for refused in [cell.test_read().err(), cell.test_write().err(), cell.test_share().err(), cell.test_close().err()] {
        assert!(refused.unwrap().is_closed());
    }
    assert_eq!(cell.get_mut().err().unwrap().to_string(), "cannot resize: it is closed");
    assert!(cell.write_or_detach().is_err() && cell.holders().is_empty());
    cell.detach().unwrap();
    let mut other = ExportCell::new(vec![1_u32]);
    mem::swap(&mut cell, &mut other);
    assert_eq!((cell.len(), other.len()), (1, 0));
    assert!(other.into_inner().is_err());
}

#[cfg(feature = "pickle")]
#[test]
fn miri_a_cell_that_was_made_with_care_is_one_like_any_other() {
    let mut cell = ExportCell::try_new(vec![1_u32]).unwrap();
    let view = cell.view(&U32, true).unwrap();
    assert_eq!((cell.len(), cell.views()), (1, 1));
    drop(view);
    cell.get_mut().unwrap().push(2);
    assert_eq!(*cell.test_read().unwrap(), [1, 2]);
    let array = ExportCell::try_new([3_u8; 40]).unwrap();
    assert_eq!(*array.test_read().unwrap(), [3; 40]);
}
