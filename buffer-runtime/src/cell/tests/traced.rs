//! Traced views, whose notes end with them.

use super::*;
use crate::trace::{Holding, TracedView, noted};

/// A view that is traced.
struct Traced {
    internal: *mut std::ffi::c_void,
    data: *mut u8,
}

// SAFETY: as for `View`.
unsafe impl Send for Traced {}

impl<S: Storage> ExportCell<S> {
    fn traced_view(&self, line: u32) -> Traced {
        let view = mem::ManuallyDrop::new(self.view(&U32, true).unwrap());
        Traced { internal: noted(view.ticket, line), data: view.data }
    }

    fn lines(&self) -> Vec<Option<u32>> {
        self.holders().iter().map(|holder| holder.line).collect()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        // SAFETY: the view is counted, and ends here.
        attached(|| unsafe { release(self.internal) });
    }
}

#[test]
fn miri_notes_end_with_their_views_in_any_order() {
    let (cell, drops) = counting(&[1, 2]);
    let [mut first, second, third] = [1, 2, 0].map(|line| Some(cell.traced_view(line)));
    assert_eq!(cell.lines(), [None, Some(2), Some(1)]);
    let untraced = cell.view(&U32, false).unwrap();
    let holders = cell.holders();
    assert_eq!((holders.len(), holders[3].age, holders[2].file), (4, None, Some("a.py")));
    assert!(holders.iter().all(|holder| holder.access == Holding::WritableView));
    assert_eq!(holders[0].thread.as_deref(), Some("main"));
    drop(second);
    assert_eq!(cell.lines(), [None, Some(1), None]);
    let again = cell.traced_view(7);
    assert_eq!(cell.lines(), [Some(7), None, Some(1), None]);
    drop(first.take());
    drop(untraced);
    assert_eq!(cell.lines(), [Some(7), None]);
    drop(cell);
    drop(again);
    // SAFETY: what a held view points to is alive.
    assert_eq!(unsafe { third.as_ref().unwrap().data.read() }, 1);
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop(third);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn tsan_miri_notes_are_taken_by_many_threads() {
    let (cell, _) = counting(&[1, 2]);
    thread::scope(|scope| {
        for line in 1..4 {
            let cell = &cell;
            scope.spawn(move || {
                for _ in 0..3 {
                    let view = cell.traced_view(line);
                    assert!(cell.lines().contains(&Some(line)));
                    drop(view);
                }
            });
        }
    });
    assert_eq!((cell.lines(), cell.views()), (vec![], 0));
}

#[test]
fn what_others_keep_is_no_traced_view() {
    let base = 0x7f00_1234_5640_usize;
    let is_ours = |internal| TracedView::from_internal(std::ptr::without_provenance_mut(internal)).is_some();
    assert!(is_ours(base | 0b1110));
    for other in (0..4096).chain((0..64).filter(|low| low % 16 != 0b1110).map(|low| base | low)) {
        assert!(!is_ours(other), "{other:#x}");
    }
    let block = NonNull::without_provenance(std::num::NonZero::new(base).unwrap());
    for access in [ViewKind::Writable, ViewKind::ReadOnly] {
        let internal = Ticket { block, access }.to_internal();
        assert!(TracedView::from_internal(internal).is_none());
        assert!(TracedView::from_internal(PartTicket(block.cast()).to_internal()).is_none());
    }
    let traced = std::ptr::without_provenance_mut(base | 0b1110);
    assert!(Ticket::from_internal(traced).is_none() && PartTicket::from_internal(traced).is_none());
}
