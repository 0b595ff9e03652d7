//! Cells that end before their objects do, with views and without.

use super::*;

#[test]
fn miri_a_closed_cell_has_given_its_storage_away() {
    let (cell, drops) = counting(&[1, 2]);
    let view = cell.view(&U32, false).unwrap();
    assert_eq!(
        cell.test_close().err().unwrap().to_string(),
        "cannot close: 1 writable view is alive; release or delete every view first; set BUFFER_TRACE=1 to see where"
    );
    drop(view);
    let storage = cell.test_close().map_err(|error| error.to_string()).unwrap();
    assert_eq!(storage.items, [1, 2]);
    assert!(cell.view(&U32, false).is_none());
    assert!(cell.test_write().err().unwrap().is_closed());
    assert_eq!(cell.test_close().err().unwrap().to_string(), "cannot close: it is closed");
    assert!(cell.is_empty());
    drop(cell);
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop(storage);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_the_storage_comes_out_whole() {
    let (cell, drops) = counting(&[4]);
    let view = cell.view(&U32, false).unwrap();
    let (cell, error) = cell.into_inner().map(drop).unwrap_err();
    assert_eq!(error.views(), 1);
    drop(view);
    let storage = cell.into_inner().map_err(|(_, error)| error).unwrap();
    assert_eq!((&storage.items[..], drops.load(Ordering::Relaxed)), (&[4_u32][..], 0));
}

#[test]
fn miri_a_detached_cell_is_closed_and_its_views_keep_the_memory() {
    let (mut cell, drops) = counting(&[1, 2, 3]);
    let (view, second) = (cell.view(&U32, true).unwrap(), cell.view(&U32, false).unwrap());
    cell.detach().unwrap();
    assert!(cell.is_closed() && cell.is_empty());
    assert_eq!((cell.views(), drops.load(Ordering::Relaxed)), (0, 0));
    assert!(cell.view(&U32, false).is_none());
    for refusal in [
        cell.test_write().err(),
        cell.test_read().err(),
        cell.test_share().err(),
        cell.get_mut().err(),
        cell.test_close().err(),
    ] {
        assert!(refusal.unwrap().is_closed());
    }
    view.write(9);
    drop(view);
    assert_eq!((second.read(), second.shape()), (vec![9; 12], vec![3]));
    drop(cell);
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop(second);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_a_cell_that_nobody_views_is_emptied_by_detach() {
    let (mut cell, drops) = counting(&[1]);
    cell.detach().unwrap();
    assert_eq!(drops.load(Ordering::Relaxed), 1);
    cell.detach().unwrap();
    assert!(cell.is_closed());
    let (cell, error) = cell.into_inner().map(drop).unwrap_err();
    assert_eq!(error.to_string(), "cannot take the storage: it is closed");
    drop(cell);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_a_closed_cell_may_be_detached() {
    let (mut cell, drops) = counting(&[1]);
    let storage = cell.test_close().unwrap();
    cell.detach().unwrap();
    assert!(cell.is_closed());
    drop((cell, storage));
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_leaked_guards_keep_nobody_from_detaching() {
    for kind in [GuardKind::Read, GuardKind::Share, GuardKind::Write] {
        let (mut cell, drops) = counting(&[1]);
        cell.begin(kind, Attempt::Write).unwrap();
        cell.detach().unwrap();
        assert_eq!(drops.load(Ordering::Relaxed), 1, "{kind:?}");
    }
}

#[test]
fn miri_a_cell_is_detached_on_another_thread_while_its_views_end() {
    for _ in 0..5 {
        let (mut cell, drops) = counting(&[0; 4]);
        let views = [cell.view(&U32, true).unwrap(), cell.view(&U32, true).unwrap()];
        let threads = views.map(|view| thread::spawn(move || drop(view)));
        thread::spawn(move || cell.detach().unwrap()).join().unwrap();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_dropped_once(&drops);
    }
}

#[test]
fn miri_a_storage_whose_drop_panics_leaves_a_closed_cell() {
    struct Panicking(Vec<u8>);

    // SAFETY: as for its Vec.
    unsafe impl Storage for Panicking {
        type Element = u8;
        type Access = ReadWrite;

        unsafe fn raw(this: *mut Self) -> (NonNull<u8>, usize) {
            // SAFETY: the caller vouches for `this`; only the Vec's address is computed.
            let bytes = unsafe { &raw mut (*this).0 };
            // SAFETY: as the caller vouches.
            unsafe { Vec::raw(bytes) }
        }
    }

    impl Drop for Panicking {
        fn drop(&mut self) {
            panic!("while dropping");
        }
    }

    let mut cell = ExportCell::new(Panicking(vec![1, 2]));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cell.detach())).is_err());
    assert!(cell.is_closed());
}

#[test]
fn miri_a_cell_of_rows_is_detached() {
    static ROWS: Descriptor = natural::<u16>();
    let mut cell = ExportCell::new(crate::storage::Rows::from_rows([vec![1_u16, 2], vec![3, 4]]).unwrap());
    let view = cell.view(&ROWS, true).unwrap();
    cell.detach().unwrap();
    assert!(cell.view(&ROWS, false).is_none());
    assert_eq!(view.shape(), [2, 2]);
}

#[test]
fn miri_a_storage_whose_drop_panics_leaves_no_block() {
    struct Panicking;

    // SAFETY: no elements, at an aligned address that is not null.
    unsafe impl Storage for Panicking {
        type Element = u8;
        type Access = ReadWrite;

        unsafe fn raw(_: *mut Self) -> (NonNull<u8>, usize) {
            (NonNull::dangling(), 0)
        }
    }

    impl Drop for Panicking {
        fn drop(&mut self) {
            panic!("while dropping");
        }
    }

    let cell = ExportCell::new(Panicking);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(cell))).is_err());
}
