//! Views of parts, and the spares that they leave.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::*;
use crate::layout::{Declaration, Item, Memory};

static PART: Descriptor = Descriptor { natural: false, ..natural::<u8>() };
const FLAGS: Flags = Flags(Flags::FORMAT | Flags::INDIRECT | Flags::WRITABLE);
const READING: Flags = Flags(Flags::FORMAT | Flags::INDIRECT);

/// Keeps the other tests from taking the spares that this one leaves.
fn alone() -> MutexGuard<'static, ()> {
    static TESTS: Mutex<()> = Mutex::new(());
    TESTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every second item of `u32`, from the second on.
fn every_second(extent: isize) -> Fixed<1, 2> {
    Fixed::new([Dim::Extent(extent)], [Distance::Bytes(4), Distance::Bytes(8)])
}

/// A view of a part of a cell of `u32`, resolved anew.
fn view_part<D: Evaluated>(
    (object, cell): (usize, &ExportCell<Counting>),
    dims: &D,
    flags: Flags,
) -> Result<Description, Denied> {
    attached(|| {
        // SAFETY: the cell is borrowed; what attached threads do alone they do here under a mutex.
        let granted = || unsafe { grant(cell.address(), &U32, flags, || Some(Fixed::NATURAL)) };
        let whole = loop {
            match granted() {
                Err(Denied::Changed | Denied::Unpublished) => thread::yield_now(),
                granted => break granted?,
            }
        };
        let part = PartGrant::new(object, (whole, U32.format), &PART, &dims.declaration(&PART), flags)?;
        let mut shown = MaybeUninit::uninit();
        // SAFETY: the description has room.
        let buf = unsafe { part.hand_out(shown.as_mut_ptr()) };
        assert_eq!(buf, cell.header().data().wrapping_add(4));
        // SAFETY: it was written.
        Ok(unsafe { shown.assume_init() })
    })
}

/// The same as the slot does at once if an earlier view of the part, with this layout, was kept.
fn view_again<D: Evaluated>(
    (object, cell): (usize, &ExportCell<Counting>),
    dims: &D,
    flags: Flags,
) -> Option<Description> {
    attached(|| {
        // SAFETY: attached.
        let again = unsafe { Again::of(object, &PART, dims, flags) }?;
        // SAFETY: the cell is borrowed; attached.
        let Ok(whole) = (unsafe { grant(cell.address(), &U32, flags, || Some(Fixed::NATURAL)) }) else {
            again.keep();
            return None;
        };
        let mut shown = MaybeUninit::uninit();
        // SAFETY: the view of the whole is counted, and the description has room.
        let buf = unsafe { again.show(whole.ticket(), shown.as_mut_ptr()) }?;
        // The view of the part holds it.
        let _ = whole.leave();
        assert_eq!(buf, cell.header().data().wrapping_add(4));
        // SAFETY: the first item is part of the memory, which the view keeps.
        unsafe { buf.read() };
        // SAFETY: it was written.
        Some(unsafe { shown.assume_init() })
    })
}

fn end(part: Description) {
    // SAFETY: the part belongs to this view, which ends here.
    attached(|| unsafe { release(part.internal) });
}

/// The extent and the stride of a view.
fn numbers(part: &Description) -> (isize, isize) {
    // SAFETY: what a held view points to is alive.
    let extent = unsafe { part.shape.read() };
    // SAFETY: as above.
    (extent, unsafe { part.strides.read() })
}

#[test]
fn miri_a_part_lives_from_its_request_to_its_release() {
    let _alone = alone();
    let (cell, drops) = counting(&(0..10).collect::<Vec<u32>>());
    let whole = cell.view(&U32, true).unwrap();
    let misfit = view_part((0, &cell), &every_second(6), FLAGS);
    assert!(matches!(misfit, Err(Denied::Misfit { memory: Memory { len: 40, .. }, .. })));
    assert_eq!(cell.views(), 1);
    let part = view_part((0, &cell), &every_second(5), FLAGS).unwrap();
    assert_eq!(cell.views(), 2);
    assert_eq!((part.len, part.itemsize), (20, 4));
    // The owner is dropped first, then the whole's view, and then the part.
    drop(cell);
    assert_eq!(numbers(&part), (5, 8));
    // SAFETY: what a held view points to is alive; a format ends in a NUL.
    assert_eq!(unsafe { CStr::from_ptr(part.format) }, c"I");
    assert!(Ticket::from_internal(part.internal).is_none());
    drop(whole);
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    end(part);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_what_a_view_of_a_part_leaves_serves_the_same_part() {
    let _alone = alone();
    let (cell, drops) = counting(&(0..10).collect::<Vec<u32>>());
    let of = (16, &cell);
    assert!(view_again(of, &every_second(5), FLAGS).is_none());
    end(view_part(of, &every_second(5), FLAGS).unwrap());
    for _ in 0..2 {
        let part = view_again(of, &every_second(5), FLAGS).unwrap();
        // A view in use does not serve as a spare.
        assert!(view_again(of, &every_second(5), FLAGS).is_none());
        assert_eq!((numbers(&part), part.len, part.readonly, cell.views()), ((5, 8), 20, 0, 1));
        end(part);
    }
    // Any request that the layout answers is served.
    assert!(view_again(of, &every_second(5), Flags(0)).is_none());
    let part = view_again(of, &every_second(5), Flags(Flags::STRIDES)).unwrap();
    assert!(part.format.is_null() && !part.strides.is_null());
    // The view keeps the memory, though the owner was dropped.
    drop(cell);
    assert_eq!((numbers(&part), drops.load(Ordering::Relaxed)), ((5, 8), 0));
    end(part);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_what_is_left_serves_no_other_layout() {
    let _alone = alone();
    let (cell, _) = counting(&(0..10).collect::<Vec<u32>>());
    let of = (32, &cell);
    end(view_part(of, &every_second(5), FLAGS).unwrap());
    let other_stride = Fixed::new([Dim::Extent(5)], [Distance::Bytes(4), Distance::Bytes(4)]);
    let other_offset = Fixed::new([Dim::Extent(5)], [Distance::Bytes(0), Distance::Bytes(8)]);
    for other in [other_stride, other_offset, every_second(4)] {
        assert!(view_again(of, &other, FLAGS).is_none());
    }
    // SAFETY: attached.
    assert!(attached(|| unsafe { Again::of(32, &OTHER_PART, &every_second(5), FLAGS) }.is_none()));
    // It is still there.
    end(view_again(of, &every_second(5), FLAGS).unwrap());
    // Less memory, more memory, and as much elsewhere.
    cell.test_write().unwrap().items.truncate(9);
    assert!(view_again(of, &every_second(5), FLAGS).is_none());
    assert_eq!(cell.views(), 0);
    cell.test_write().unwrap().items = (0..11).collect();
    assert!(view_again(of, &every_second(5), FLAGS).is_none());
    cell.test_write().unwrap().items = (0..10).collect();
    end(view_again(of, &every_second(5), FLAGS).unwrap());
    assert_eq!(cell.views(), 0);
}

static OTHER_PART: Descriptor = Descriptor { natural: false, ..natural::<u8>() };

#[test]
fn miri_what_is_left_serves_the_same_access_only() {
    let _alone = alone();
    let (cell, _) = counting(&(0..10).collect::<Vec<u32>>());
    let of = (48, &cell);
    end(view_part(of, &every_second(5), FLAGS).unwrap());
    let reader = cell.test_read().unwrap();
    assert!(view_again(of, &every_second(5), READING).is_none());
    end(view_part(of, &every_second(5), READING).unwrap());
    let part = view_again(of, &every_second(5), READING).unwrap();
    assert_eq!((part.readonly, cell.header().lock.views().readonly), (1, 1));
    drop(reader);
    end(part);
    // The spare's layout does not answer such a request.
    assert!(view_again(of, &every_second(5), FLAGS).is_none());
    assert!(view_again(of, &every_second(5), READING).is_none());
    assert_eq!(cell.views(), 0);
}

/// Overlapping items make a part read-only. So each view of it is counted anew.
#[test]
fn miri_a_part_that_overlaps_itself_is_counted_as_read_only_again() {
    let _alone = alone();
    let (cell, _) = counting(&(0..10).collect::<Vec<u32>>());
    let of = (64, &cell);
    let windows = Fixed::new([Dim::Extent(3), Dim::Extent(2)], [4, 4, 4].map(Distance::Bytes));
    end(view_part(of, &windows, READING).unwrap());
    let part = view_again(of, &windows, READING).unwrap();
    let views = cell.header().lock.views();
    assert_eq!((part.readonly, views.writable, views.readonly), (1, 0, 1));
    end(part);
    assert_eq!(cell.views(), 0);
}

/// Numbers and items that are known only at run time.
struct AtRunTime<'a>(Declaration<'a>);

impl crate::layout::SealedEvaluated for AtRunTime<'_> {}

// SAFETY: the functions only return stored values; `count` is 0.
unsafe impl Evaluated for AtRunTime<'_> {
    fn count(&self) -> usize {
        0
    }

    fn declaration(&self, _descriptor: &Descriptor) -> Declaration<'_> {
        self.0
    }

    fn varies(&self) -> bool {
        true
    }

    fn still_says(&self, _offset: &dyn Fn() -> isize, _arrays: &[isize]) -> bool {
        false
    }
}

#[test]
fn miri_all_of_a_declaration_at_run_time_is_compared() {
    let _alone = alone();
    let (cell, _) = counting(&(0..10).collect::<Vec<u32>>());
    let of = (80, &cell);
    let (extents, strides) = ([Dim::Extent(2), Dim::Extent(3)], [8, 4].map(Distance::Bytes));
    let declared = Declaration {
        extents: Some(&extents),
        offset: Some(Distance::Bytes(4)),
        strides: Some(&strides),
        item: Some(Item { format: c"I", itemsize: 4 }),
        ..Declaration::default()
    };
    end(view_part(of, &AtRunTime(declared), READING).unwrap());
    let again = |declared| view_again(of, &AtRunTime(declared), READING).map(end).is_some();
    assert!(again(declared));
    let other = [
        Declaration { extents: Some(&[Dim::Extent(2)]), ..declared },
        Declaration { extents: Some(&[Dim::Extent(2), Dim::Extent(2)]), ..declared },
        Declaration { extents: Some(&[Dim::Extent(2), Dim::Extent(3), Dim::Extent(1)]), ..declared },
        Declaration { offset: Some(Distance::Bytes(0)), ..declared },
        Declaration { offset: Some(Distance::TooLarge), ..declared },
        Declaration { strides: Some(&strides[..1]), ..declared },
        Declaration { strides: Some(&[Distance::Bytes(8), Distance::Bytes(8)]), ..declared },
        Declaration { item: Some(Item { format: c"i", itemsize: 4 }), ..declared },
        Declaration { item: Some(Item { format: c"II", itemsize: 4 }), ..declared },
        Declaration { item: Some(Item { format: c"I", itemsize: 2 }), ..declared },
        Declaration { readonly: true, ..declared },
        Declaration { is_incomplete: true, ..declared },
    ];
    for (index, declared) in other.into_iter().enumerate() {
        assert!(!again(declared), "{index}");
    }
    assert!(again(declared));
}

/// A declaration that never changes, with its number.
struct Numbered<'a>(Declaration<'a>);

impl crate::layout::SealedEvaluated for Numbered<'_> {}

// SAFETY: the functions only return stored values; `count` is 0.
unsafe impl Evaluated for Numbered<'_> {
    fn count(&self) -> usize {
        0
    }

    fn declaration(&self, _descriptor: &Descriptor) -> Declaration<'_> {
        self.0
    }

    fn serial(&self) -> u64 {
        self.0.serial
    }

    fn still_says(&self, _offset: &dyn Fn() -> isize, _arrays: &[isize]) -> bool {
        false
    }
}

#[test]
fn miri_a_declaration_with_a_number_is_compared_by_it() {
    let _alone = alone();
    let (cell, _) = counting(&(0..10).collect::<Vec<u32>>());
    let of = (112, &cell);
    let declared = |serial| {
        Numbered(Declaration {
            extents: Some(&[Dim::Extent(2)]),
            offset: Some(Distance::Bytes(4)),
            serial,
            ..Declaration::default()
        })
    };
    end(view_part(of, &declared(7), FLAGS).unwrap());
    assert!(view_again(of, &declared(8), FLAGS).is_none());
    let part = view_again(of, &declared(7), FLAGS).unwrap();
    assert_eq!(numbers(&part), (2, 4));
    end(part);
    // A declaration without a number is not mistaken for one that has a number.
    end(view_part(of, &every_second(5), FLAGS).unwrap());
    assert!(view_again(of, &declared(7), FLAGS).is_none());
    assert!(view_again(of, &declared(1), FLAGS).is_none());
}

/// Several threads view parts that share one place.
#[test]
fn tsan_miri_views_of_parts_come_and_go_on_many_threads() {
    let _alone = alone();
    let rounds = if cfg!(miri) { 10 } else { 1_000 };
    let cells: [_; 2] = std::array::from_fn(|_| counting(&(0..10).collect::<Vec<u32>>()).0);
    thread::scope(|scope| {
        for index in 0..4 {
            let cells = &cells;
            scope.spawn(move || {
                let of = (96, &cells[index % 2]);
                let extent = [4, 5][index / 2];
                for _ in 0..rounds {
                    let dims = every_second(extent);
                    let part = view_again(of, &dims, FLAGS)
                        .unwrap_or_else(|| view_part(of, &dims, FLAGS).expect("nothing is in the way"));
                    assert_eq!((numbers(&part), part.len), ((extent, 8), 4 * extent));
                    end(part);
                }
            });
        }
    });
    assert!(cells.iter().all(|cell| cell.views() == 0));
}
