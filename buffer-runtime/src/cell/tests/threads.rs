//! Views, guards and owners that run at the same time on many threads, for ThreadSanitizer and Miri.

use std::sync::Barrier;

use super::*;

/// Readers on many threads, views beside them, and a detached thread that drops what they read.
#[test]
fn tsan_guards_views_and_owners_on_many_threads() {
    for _ in 0..50 {
        let (cell, drops) = counting(&[0; 64]);
        thread::scope(|scope| {
            for _ in 0..2 {
                let reader = cell.test_read().unwrap();
                scope.spawn(move || assert_eq!(reader.iter().sum::<u32>(), 0));
            }
            let view = cell.view(&U32, false).unwrap();
            scope.spawn(move || assert_eq!(view.read().len(), 256));
        });
        let writer = cell.test_write().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut writer = writer;
                writer.items.extend([0; 64]);
            });
        });
        let views: Vec<_> = (0..2).map(|_| cell.view(&U32, true).unwrap()).collect();
        let threads: Vec<_> =
            views.into_iter().map(|view| thread::spawn(move || assert_eq!(view.read()[0], 0))).collect();
        let owner = thread::spawn(move || drop(cell));
        threads.into_iter().for_each(|viewer| viewer.join().unwrap());
        owner.join().unwrap();
        assert_dropped_once(&drops);
    }
}

/// First views, joining views and writers that grow the storage in between.
#[test]
fn tsan_views_come_and_go_on_many_threads() {
    let cell = ExportCell::new(vec![0_u32; 8]);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..300 {
                    // Refused while another thread holds the write guard.
                    if let Some(view) = cell.view(&U32, false) {
                        assert_eq!(view.shape(), [isize::try_from(view.nbytes() / 4).unwrap()]);
                        assert_eq!(view.strides(), [4]);
                    }
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..300 {
                if let Ok(mut items) = cell.test_write() {
                    items.push(0);
                }
            }
        });
    });
    assert_eq!(cell.views(), 0);
    cell.test_write().unwrap().clear();
}

/// The last two views and the owner end at the same time, each on a thread of its own. Only the last one to end may
/// still access the block, and no reference of the others may cover it until they return.
#[test]
fn miri_the_last_views_and_the_owner_go_at_once() {
    for _ in 0..20 {
        let (cell, drops) = counting(&[0; 4]);
        let (one, two) = (cell.view(&U32, true).unwrap(), cell.view(&U32, true).unwrap());
        let start = Barrier::new(3);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                drop(one);
            });
            scope.spawn(|| {
                start.wait();
                drop(two);
            });
            start.wait();
            drop(cell);
        });
        assert_dropped_once(&drops);
    }
}

/// One of the threads that close a cell gets the storage; the others get the error that it is closed; all find it
/// empty.
#[test]
fn tsan_miri_threads_close_one_cell_at_once() {
    let rounds = if cfg!(miri) { 20 } else { 2_000 };
    for _ in 0..rounds {
        let (cell, drops) = counting(&[1, 2]);
        let start = Barrier::new(3);
        let storages = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    start.wait();
                    match cell.test_close() {
                        Ok(storage) => {
                            assert_eq!(storage.items, [1, 2]);
                            storages.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => assert_eq!(error.to_string(), "cannot close: it is closed"),
                    }
                    assert!(cell.is_closed() && cell.is_empty());
                });
            }
        });
        assert_eq!((storages.into_inner(), drops.load(Ordering::Relaxed)), (1, 1));
    }
}
