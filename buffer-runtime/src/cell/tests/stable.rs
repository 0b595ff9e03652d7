//! Stable views: what they exclude and what excludes them, in both orders of arrival, and how they end.

use super::*;
use crate::error::ViewError;
use crate::lock::Blocker;
use crate::request::Refusal;

/// A stable view.
struct Held(Description);

// SAFETY: views may be released on any thread.
unsafe impl Send for Held {}

impl Drop for Held {
    fn drop(&mut self) {
        assert!(Ticket::from_internal(self.0.internal).is_none());
        // SAFETY: the view is counted, and ends here.
        attached(|| unsafe { release(self.0.internal) });
    }
}

/// A stable view, and where its elements are. (No slice: a reference to memory must not be an argument of the drop that
/// frees the memory.)
struct Stable<T> {
    first: *const T,
    len: usize,
    _held: Held,
}

// SAFETY: views may be released on any thread, and nobody writes the elements.
unsafe impl<T: Sync> Send for Stable<T> {}

impl<T> Stable<T> {
    fn items(&self) -> &[T] {
        // SAFETY: the view shows these elements, which nobody writes while it lives.
        unsafe { slice::from_raw_parts(self.first, self.len) }
    }
}

impl<S: Exportable> ExportCell<S> {
    fn stable(&self, descriptor: &'static Descriptor) -> Result<Stable<S::Element>, Denied> {
        let flags = Flags(Flags::FORMAT | Flags::INDIRECT | Flags::STABLE);
        self.stable_as(descriptor, flags)
    }

    fn stable_as(&self, descriptor: &'static Descriptor, flags: Flags) -> Result<Stable<S::Element>, Denied> {
        attached(|| {
            let grant = loop {
                // SAFETY: the cell is borrowed; `attached` stands for the GIL.
                match unsafe { grant(self.address(), descriptor, flags, || Some(&Fixed::NATURAL)) } {
                    Err(Denied::Changed | Denied::Unpublished) => thread::yield_now(),
                    other => break other,
                }
            }?;
            let mut shown = MaybeUninit::uninit();
            // SAFETY: the description has room.
            let buf = unsafe { grant.hand_out(shown.as_mut_ptr(), S::INDIRECT) };
            // SAFETY: it was written.
            let held = Held(unsafe { shown.assume_init() });
            assert_eq!(held.0.readonly, 1);
            let len = held.0.len.cast_unsigned() / size_of::<S::Element>();
            Ok(Stable { first: buf.cast(), len, _held: held })
        })
    }
}

fn refused<T>(result: Result<Stable<T>, Denied>) -> ViewError {
    match result.err() {
        Some(Denied::Refused(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// The refusal of a stable view, because of this.
fn unstable<S>(cell: &ExportCell<S>, blocker: Blocker) -> ViewError {
    ViewError::Unstable { blocker, held: crate::error::Held::by(cell.header(), blocker) }
}

const ONE: Blocker = Blocker::StableViews { stable: 1, guards: 0 };

#[test]
fn miri_what_a_stable_view_excludes() {
    let cell = ExportCell::new(vec![1_u32, 2]);
    let stable = cell.stable(&U32).unwrap();
    assert_eq!(stable.items(), [1, 2]);
    // Granted: more stable views, read guards, and views that need not write.
    let second = cell.stable(&U32).unwrap();
    let reader = cell.test_read().unwrap();
    assert_eq!(*reader, *second.items());
    let view = cell.view(&U32, false).unwrap();
    assert_eq!(view.shown.readonly, 1);
    assert_eq!(cell.views(), 3);
    // Refused: all that writes.
    assert!(cell.view(&U32, true).is_none());
    let two = Blocker::StableViews { stable: 2, guards: 1 };
    assert_eq!(cell.test_write().err(), Some(cell.header().refused(Attempt::Resize, two)));
    drop(reader);
    drop(view);
    drop(second);
    assert_eq!(cell.test_write().err(), Some(cell.header().refused(Attempt::Resize, ONE)));
    assert_eq!(cell.test_share().err(), Some(cell.header().refused(Attempt::Share, ONE)));
    assert_eq!(cell.test_close().err(), Some(cell.header().refused(Attempt::Close, ONE)));
    assert_eq!(stable.items(), [1, 2]);
    drop(stable);
    assert_eq!(cell.views(), 0);
    cell.test_write().unwrap().push(3);
    assert_eq!(cell.test_close().unwrap(), [1, 2, 3]);
}

#[test]
fn miri_what_excludes_a_stable_view() {
    let cell = ExportCell::new(vec![1_u32, 2]);
    // Granted beside read guards and read-only views.
    let reader = cell.test_read().unwrap();
    let view = cell.view(&U32, false).unwrap();
    drop(cell.stable(&U32).unwrap());
    drop(reader);
    // The view was granted beside the guard, so it is read-only.
    drop(cell.stable(&U32).unwrap());
    drop(view);
    // Refused beside all that writes, and then nothing has changed.
    let view = cell.view(&U32, false).unwrap();
    let writable = Blocker::Views { writable: 1, readonly: 0 };
    assert_eq!(refused(cell.stable(&U32)), unstable(&cell, writable));
    view.write(7);
    drop(view);
    let share = cell.test_share().unwrap();
    assert_eq!(refused(cell.stable(&U32)), unstable(&cell, Blocker::ShareGuards(1)));
    drop(share);
    let write = cell.test_write().unwrap();
    assert_eq!(refused(cell.stable(&U32)), unstable(&cell, Blocker::WriteGuard));
    drop(write);
    assert_eq!(cell.views(), 0);
    drop(cell.stable(&U32).unwrap());
    cell.test_close().unwrap();
    assert_eq!(refused(cell.stable(&U32)), unstable(&cell, Blocker::Closed));
}

#[test]
fn miri_a_pinned_memory_that_a_consumer_may_still_write_is_not_stable() {
    let cell = ExportCell::new(vec![1_u32]);
    drop(cell.pinning_view(&U32, false));
    let pinned = Blocker::Pinned { writable: true };
    assert_eq!(refused(cell.stable(&U32)), unstable(&cell, pinned));
}

#[test]
fn miri_a_storage_that_promises_nothing_gets_no_stable_view() {
    let (cell, _) = counting(&[1, 2]);
    assert_eq!(refused(cell.stable(&U32)), ViewError::Request(Refusal::Unstable));
    assert_eq!(cell.views(), 0);
    // SAFETY: nobody else has the address of the storage.
    let promised = ExportCell::new(unsafe { crate::Stable::new(Counting { items: vec![5], drops: Arc::default() }) });
    assert_eq!(promised.stable(&U32).unwrap().items(), [5]);
    promised.test_write().unwrap().as_mut_slice()[0] = 6;
    assert_eq!(promised.stable(&U32).unwrap().items(), [6]);
}

#[test]
fn malformed_requests_are_refused_before_anything_else() {
    let cell = ExportCell::new(vec![1_u32, 2]);
    let write = cell.test_write().unwrap();
    for bits in [Flags::WRITABLE, 0x002, 0x200, 0x800, Flags::READ] {
        let flags = Flags(bits | Flags::STABLE);
        assert_eq!(refused(cell.stable_as(&U32, flags)), ViewError::Request(Refusal::Malformed), "{bits:#x}");
    }
    drop(write);
}

static PAIRS: Descriptor = natural::<[u32; 2]>();

#[test]
fn a_stable_view_that_the_layout_refuses_leaves_nothing_behind() {
    let cell = ExportCell::new(vec![[1_u32, 2], [3, 4]]);
    let f_contiguous = Flags(Flags::F_CONTIGUOUS | Flags::STABLE);
    assert_eq!(refused(cell.stable_as(&PAIRS, f_contiguous)), ViewError::Request(Refusal::NotFContiguous));
    assert_eq!(cell.views(), 0);
    drop(cell.test_write().unwrap());
    assert_eq!(cell.view(&PAIRS, true).unwrap().shown.readonly, 0);
}

#[test]
fn miri_a_stable_view_outlives_its_cell() {
    let cell = ExportCell::new(vec![1_u32, 2]);
    let (one, two) = (cell.stable(&U32).unwrap(), cell.stable(&U32).unwrap());
    let drop_cell = thread::spawn(move || drop(cell));
    drop_cell.join().unwrap();
    drop(one);
    assert_eq!(two.items(), [1, 2]);
    drop(two);
    attached(drain);
}

#[test]
fn miri_a_copy_on_write_leaves_the_memory_to_its_stable_view() {
    let mut cell = ExportCell::new(vec![1_u32, 2]);
    let stable = cell.stable(&U32).unwrap();
    cell.write_or_detach().unwrap().push(3);
    assert_eq!((stable.items(), cell.len()), ([1, 2].as_slice(), 3));
    drop(stable);
    attached(drain);

    let stable = cell.stable(&U32).unwrap();
    cell.detach().unwrap();
    assert_eq!(stable.items(), [1, 2, 3]);
    drop(stable);
    attached(drain);
}

/// A detached thread reads under a stable view, while other threads request everything that writes.
#[test]
fn tsan_nobody_writes_what_a_stable_view_shows() {
    let cell = ExportCell::new(vec![0_u32; 64]);
    let rounds = if cfg!(miri) { 10 } else { 300 };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..rounds {
                    if let Ok(stable) = cell.stable(&U32) {
                        let items = stable.items();
                        assert!(items.iter().all(|&item| item == items[0]));
                    }
                }
            });
        }
        scope.spawn(|| {
            for round in 0..rounds {
                if let Ok(mut items) = cell.test_write() {
                    items.fill(round);
                }
            }
        });
        scope.spawn(|| {
            for _ in 0..rounds {
                if let Some(view) = cell.view(&U32, true) {
                    view.write(1);
                }
                if let Ok(items) = cell.test_share() {
                    (0..items.len()).for_each(|index| items.set(index, 5));
                }
            }
        });
    });
    assert_eq!(cell.views(), 0);
    cell.test_write().unwrap().clear();
}
