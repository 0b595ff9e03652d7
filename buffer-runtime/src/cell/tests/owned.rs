//! Owned share guards: they outlive the cell, and end on any thread.

use std::mem::ManuallyDrop;
use std::sync::Barrier;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::storage::Rows;

impl<S: Exportable<Access: MayWrite>> ExportCell<S> {
    fn test_share_owned(&self) -> Result<OwnedShareGuard<S>, BorrowError> {
        attached(|| self.begin(GuardKind::Share, Attempt::Share))?;
        Ok(OwnedShareGuard::new(self))
    }
}

const SHARE: &str = ", or change values in place through `share`";
const SHARED: &str = "1 share guard is alive in Rust; try again when the call or thread that holds it has ended";

#[test]
fn an_owned_guard_goes_to_any_thread() {
    fn assert<T: Send + Sync + 'static>() {}
    assert::<OwnedShareGuard<Vec<f32>>>();
    assert::<OwnedShareGuard<Rows<u8>>>();
    assert::<OwnedShareGuard<crate::ForeignBuffer<[u16; 3]>>>();
}

#[test]
fn miri_an_owned_guard_counts_as_a_share_guard() {
    let mut cell = ExportCell::new(vec![0_u32; 3]);
    let owned = cell.test_share_owned().unwrap();
    for (refusal, attempt) in [
        (cell.test_write().err(), "resize"),
        (cell.test_read().err(), "read"),
        (cell.get_mut().err(), "resize"),
        (cell.write_or_detach().err(), "resize"),
        (cell.test_close().err(), "close"),
    ] {
        let hint = if attempt == "resize" { SHARE } else { "" };
        assert_eq!(without_place(refusal.unwrap()), format!("cannot {attempt}: {SHARED}{hint}"));
    }
    let (borrowed, view) = (cell.test_share().unwrap(), cell.view(&U32, true).unwrap());
    owned.fill(0x0101_0101);
    assert_eq!((borrowed.get(2), view.read()), (0x0101_0101, vec![1; 12]));
    drop(borrowed);
    assert_eq!(without_place(cell.test_write().err().unwrap()), format!("cannot resize: {SHARED}{SHARE}"));
    let (mut cell, error) = cell.into_inner().unwrap_err();
    assert_eq!(without_place(error), format!("cannot take the storage: {SHARED}"));
    assert_eq!(format!("{owned:?}"), "OwnedShareGuard { len: 3, .. }");
    drop(owned);
    assert_eq!(cell.test_write().err().unwrap().views(), 1);
    drop(view);
    cell.get_mut().unwrap().push(7);
    assert_eq!(cell.into_inner().unwrap().len(), 4);
}

#[test]
fn miri_an_owned_guard_is_refused_as_a_share_guard_is() {
    let cell = ExportCell::new(vec![0_u32; 3]);
    let reader = cell.test_read().unwrap();
    assert_eq!(cell.test_share_owned().unwrap_err().to_string(), cell.test_share().unwrap_err().to_string());
    drop(reader);
    let writer = cell.test_write().unwrap();
    assert_eq!(cell.test_share_owned().unwrap_err().to_string(), cell.test_share().unwrap_err().to_string());
    drop(writer);
    cell.test_close().unwrap();
    assert!(cell.test_share_owned().unwrap_err().is_closed());
}

/// Ends the cell, a view and an owned guard in every order. A storage whose drop is user code waits for an attached
/// thread if the guard ends last.
#[test]
fn miri_views_owned_guards_and_the_cell_end_in_any_order() {
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (cell, drops) = counting(&[1, 2, 3]);
        let (mut view, mut owned) = (cell.view(&U32, true), Some(cell.test_share_owned().unwrap()));
        let mut cell = Some(cell);
        for (step, which) in order.into_iter().enumerate() {
            match which {
                0 => drop(cell.take()),
                1 => drop(view.take()),
                _ => drop(owned.take()),
            }
            if let Some(view) = &view {
                view.write(9);
            }
            if let Some(owned) = &owned {
                owned.set(0, 7);
                assert_eq!(owned.get(0), 7);
            }
            let over = step == 2;
            let waits = over && which == 2;
            // A test on another thread may take the queue in which the block waits.
            let expected = usize::from(over && !waits)..=usize::from(over);
            assert!(expected.contains(&drops.load(Ordering::Relaxed)), "{order:?}");
        }
        assert_dropped_once(&drops);
    }
}

#[test]
fn miri_views_and_owned_guards_keep_memory_that_is_only_freed() {
    fn outlived<S: Storage<Access = ReadWrite>>(storage: S, descriptor: &'static Descriptor) {
        assert!(<S as Exportable>::DROPS_PLAINLY);
        let cell = ExportCell::new(storage);
        let view = cell.view(descriptor, true).unwrap();
        let owned = cell.test_share_owned().unwrap();
        drop((cell, view));
        let values: Vec<_> = owned.iter().collect();
        owned.copy_from_slice(&values);
        // Miri reports the block as leaked if this does not free it.
        thread::spawn(move || drop(owned)).join().unwrap();
    }

    static BYTES: Descriptor = natural::<u8>();
    static PAIRS: Descriptor = natural::<[u16; 2]>();
    outlived(vec![1_u32, 2, 3], &U32);
    outlived(Vec::<u8>::new(), &BYTES);
    outlived(vec![1_u8; 5].into_boxed_slice(), &BYTES);
    outlived([[1_u16, 2]; 3], &PAIRS);

    let cell = ExportCell::new(Rows::from_rows([vec![1_u8, 2], vec![3, 4]]).unwrap());
    let owned = cell.test_share_owned().unwrap();
    drop(cell);
    owned.row(1).set(0, 9);
    assert_eq!(owned.iter().map(|row| row.get(0)).collect::<Vec<_>>(), [1, 9]);
    assert_eq!((owned.len(), owned.row_len(), owned.is_empty()), (2, 2, false));
}

#[test]
fn miri_an_owned_guard_stays_with_its_memory_when_cells_are_swapped() {
    let (mut one, drops) = counting(&[1]);
    let (mut other, _) = counting(&[2, 2]);
    let owned = one.test_share_owned().unwrap();
    mem::swap(&mut one, &mut other);
    assert!(one.test_write().is_ok());
    assert!(other.test_write().is_err());
    assert_eq!((owned.len(), owned.get(0)), (1, 1));
    drop(mem::replace(&mut other, counting(&[]).0));
    owned.set(0, 5);
    assert_eq!((owned.get(0), drops.load(Ordering::Relaxed)), (5, 0));
    drop(owned);
    assert_dropped_once(&drops);
}

#[test]
fn miri_a_detached_cell_leaves_its_memory_to_owned_guards() {
    let (mut cell, drops) = counting(&[1, 2]);
    let owned = cell.test_share_owned().unwrap();
    cell.detach().unwrap();
    assert!(cell.is_closed() && cell.test_share_owned().unwrap_err().is_closed());
    owned.fill(3);
    assert_eq!((owned.get(1), drops.load(Ordering::Relaxed)), (3, 0));
    drop(owned);
    assert_dropped_once(&drops);
}

/// A forgotten borrowed guard ends when its cell is dropped. A forgotten owned guard keeps its memory.
#[test]
fn a_forgotten_owned_guard_keeps_the_memory() {
    let (cell, drops) = counting(&[1]);
    // Not `mem::forget`, so that the test itself leaks nothing.
    let forgotten = ManuallyDrop::new(cell.test_share_owned().unwrap());
    mem::forget(cell.test_share().unwrap());
    assert!(cell.test_write().is_err());
    drop(cell);
    attached(drain);
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop(ManuallyDrop::into_inner(forgotten));
    assert_dropped_once(&drops);
}

#[test]
fn miri_forgotten_borrowed_guards_keep_no_memory_from_an_owned_one() {
    let (cell, drops) = counting(&[1]);
    mem::forget(cell.test_share().unwrap());
    let owned = cell.test_share_owned().unwrap();
    drop(cell);
    drop(owned);
    assert_dropped_once(&drops);
}

#[test]
fn miri_a_panic_ends_an_owned_guard() {
    let (cell, drops) = counting(&[1]);
    let owned = cell.test_share_owned().unwrap();
    let panicked = thread::spawn(move || {
        owned.set(0, 2);
        panic!("while shared");
    });
    assert!(panicked.join().is_err());
    assert_eq!(cell.test_write().unwrap().items, [2]);
    drop(cell);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

/// Blocks that leases have left are freed by the drop of any other cell on an attached thread.
#[test]
#[cfg(miri)]
fn miri_what_leases_leave_does_not_add_up() {
    let mut left = Vec::new();
    for _ in 0..5 {
        let (cell, drops) = counting(&[1]);
        let owned = cell.test_share_owned().unwrap();
        crate::interpreter::attached(|_| drop(cell));
        drop(owned);
        left.push(drops);
        let waiting = left.iter().filter(|drops| drops.load(Ordering::Relaxed) == 0).count();
        // Tests on other threads may take the queue at any time.
        assert!(waiting <= 1, "{waiting} blocks wait");
    }
    left.iter().for_each(|drops| assert_dropped_once(drops));
}

/// The owner, a view and two owned guards end at the same time, each on a thread of its own. Only the last one may
/// still access the block.
#[test]
fn tsan_miri_the_last_views_owned_guards_and_the_owner_go_at_once() {
    let rounds = if cfg!(miri) { 20 } else { 500 };
    for round in 0..rounds {
        let (cell, drops) = counting(&[0; 4]);
        let view = (round % 2 == 0).then(|| cell.view(&U32, true).unwrap());
        let owned = [cell.test_share_owned().unwrap(), cell.test_share_owned().unwrap()];
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for owned in owned {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    owned.set(1, owned.get(0) + 1);
                    drop(owned);
                });
            }
            scope.spawn(|| {
                start.wait();
                drop(view);
            });
            start.wait();
            drop(cell);
        });
        assert_dropped_once(&drops);
    }
}

/// The same with a storage that the last of them frees, whichever is last.
#[test]
fn tsan_miri_the_last_views_owned_guards_and_the_owner_free_at_once() {
    let rounds = if cfg!(miri) { 20 } else { 500 };
    for _ in 0..rounds {
        let cell = ExportCell::new(vec![0_u32; 4]);
        let view = cell.view(&U32, true).unwrap();
        let owned = cell.test_share_owned().unwrap();
        let start = Barrier::new(3);
        thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                owned.fill(1);
                drop(owned);
            });
            scope.spawn(|| {
                start.wait();
                drop(view);
            });
            start.wait();
            drop(cell);
        });
        attached(drain);
    }
}

/// A thread fills the memory beside views that come and go, until writing is no longer refused.
#[test]
fn tsan_miri_a_producer_fills_what_others_view() {
    let rounds = if cfg!(miri) { 3 } else { 100 };
    let mut cell = ExportCell::new(vec![0_u32; 8]);
    for round in 1..=rounds {
        let owned = cell.test_share_owned().unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let producer = thread::spawn({
            let stopped = stopped.clone();
            move || {
                while !stopped.load(Ordering::Relaxed) {
                    owned.update(|value| value.wrapping_add(1));
                    thread::yield_now();
                }
            }
        });
        for _ in 0..3 {
            let view = cell.view(&U32, true).unwrap();
            assert!(cell.test_write().is_err());
            assert_eq!(view.shape(), [8 + round - 1]);
        }
        stopped.store(true, Ordering::Relaxed);
        // Does not join the thread: the lock alone orders what it wrote before what is written here.
        loop {
            match cell.get_mut() {
                Ok(mut items) => break items.push(0),
                Err(_) => thread::yield_now(),
            }
        }
        producer.join().unwrap();
    }
}
