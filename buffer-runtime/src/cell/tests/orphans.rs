//! The queue of orphans while blocks are freed and pushed in the middle of another push.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::cell::orphans::MEANWHILE;

/// A cell with a view, so that dropping the cell queues its block, and the count of drops of its storage.
fn viewed() -> (ExportCell<Counting>, View, Arc<AtomicUsize>) {
    let (cell, drops) = counting(&[1]);
    let view = cell.view(&U32, true).unwrap();
    (cell, view, drops)
}

/// The first block of the queue is freed, and another one is queued at the same address if the allocator reuses it.
/// Then the exchange sees no change.
#[test]
fn miri_orphans_are_left_while_another_takes_the_address_of_the_first() {
    // Miri chooses by chance whether it uses an address again.
    const ROUNDS: usize = 200;
    let mut taken = 0;
    for round in 0..ROUNDS {
        if round >= 10 && taken > 0 {
            break;
        }
        let (first, first_view, first_drops) = viewed();
        let address = first.address().addr().get();
        drop(first);
        let (pushed, pushed_view, pushed_drops) = viewed();
        let others = Rc::new(RefCell::new(Vec::new()));
        let meanwhile = {
            let others = others.clone();
            move || {
                drop(first_view);
                assert_eq!(first_drops.load(Ordering::Relaxed), 1);
                let mut is_there = false;
                while !is_there && others.borrow().len() < 32 {
                    let (cell, view, drops) = viewed();
                    is_there = cell.address().addr().get() == address;
                    others.borrow_mut().push((view, drops));
                }
            }
        };
        MEANWHILE.set(Some(Box::new(meanwhile)));
        drop(pushed);
        assert!(MEANWHILE.take().is_none(), "the push has paused");
        drop(pushed_view);
        assert_eq!(pushed_drops.load(Ordering::Relaxed), 1);
        for (view, drops) in others.take() {
            taken += usize::from(view.ticket.block.addr().get() == address);
            assert_eq!(drops.load(Ordering::Relaxed), 0);
            drop(view);
            assert_eq!(drops.load(Ordering::Relaxed), 1);
        }
    }
    assert!(taken > 0 || !cfg!(miri), "no address was used twice");
}

/// Owners on detached threads, each of which pauses in the middle of its push, while views end.
#[test]
fn tsan_miri_orphans_are_left_by_many_threads_while_views_end() {
    let mut counts = Vec::new();
    thread::scope(|scope| {
        for _ in 0..6 {
            let (cell, view, drops) = viewed();
            counts.push(drops);
            scope.spawn(move || {
                MEANWHILE.set(Some(Box::new(thread::yield_now)));
                drop(cell);
            });
            scope.spawn(move || drop(view));
        }
    });
    counts.iter().for_each(|drops| assert_dropped_once(drops));
}
