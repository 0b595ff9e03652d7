//! Writers that views do not stop: the views keep the old memory, and the cell continues with a copy.

use std::collections::TryReserveError;

use super::*;
use crate::SharedRead;
use crate::storage::{FromElements, ReadOnly, Replaceable, Rows};

#[test]
fn miri_without_views_nothing_is_copied() {
    let mut cell = ExportCell::new(vec![1_u32, 2]);
    let before = cell.header().data();
    cell.write_or_detach().unwrap()[0] = 7;
    assert_eq!(cell.header().data(), before);
    assert_eq!(*cell.test_read().unwrap(), [7, 2]);
}

#[test]
fn miri_each_view_shows_the_memory_of_its_time() {
    let mut cell = ExportCell::new(vec![0_u32]);
    let mut views = Vec::new();
    for round in 1..5_u32 {
        views.push(cell.view(&U32, true).unwrap());
        cell.write_or_detach().unwrap().push(round);
        assert_eq!(cell.views(), 0);
    }
    for (round, view) in views.iter().enumerate() {
        assert_eq!(view.shape(), [isize::try_from(round + 1).unwrap()]);
        assert_eq!(view.read().len(), 4 * (round + 1));
    }
    // What Python writes into the old memory stays there.
    views[0].write(0xff);
    assert_eq!(*cell.test_read().unwrap(), [0, 1, 2, 3, 4]);
    drop(cell);
    assert_eq!(views[1].read()[4], 1_u32.to_ne_bytes()[0]);
}

/// Checks that a copy of this storage is equal, and in another place.
fn copied<S: Replaceable + Exportable<Access = ReadWrite> + Storage<Element: PartialEq + fmt::Debug>>(
    storage: S,
    descriptor: &'static Descriptor,
) {
    let mut cell = ExportCell::new(storage);
    let elements: Vec<_> = cell.test_share().unwrap().iter().collect();
    let view = cell.view(descriptor, true).unwrap();
    drop(cell.write_or_detach().unwrap());
    assert!(view.nbytes() == 0 || cell.header().data() != view.data);
    assert_eq!(&*cell.test_read().unwrap(), &elements[..]);
    view.write(0xee);
    assert_eq!(&*cell.test_read().unwrap(), &elements[..]);
}

#[test]
fn miri_every_storage_is_copied() {
    static BYTES: Descriptor = natural::<u8>();
    static DOUBLES: Descriptor = natural::<f64>();
    static TRIPLES: Descriptor = natural::<[u16; 3]>();
    copied((0..200).collect::<Vec<u8>>(), &BYTES);
    copied(Vec::<f64>::new(), &DOUBLES);
    copied(vec![0.5, 1.5].into_boxed_slice(), &DOUBLES);
    copied(Box::<[u8]>::default(), &BYTES);
    copied([1_u32, 2, 3, 4, 5], &U32);
    copied(vec![[1_u16, 2, 3], [4, 5, 6]], &TRIPLES);
}

/// Elements with shared ownership that can be copied.
struct Series(Arc<[u32]>);

// SAFETY: as for its Arc.
unsafe impl Storage for Series {
    type Element = u32;
    type Access = ReadOnly;

    unsafe fn raw(this: *mut Self) -> (NonNull<u32>, usize) {
        // SAFETY: the caller vouches for `this`.
        let elements = unsafe { &raw mut (*this).0 };
        // SAFETY: as above.
        unsafe { Storage::raw(elements) }
    }
}

impl FromElements for Series {
    fn from_elements(elements: &SharedRead<u32>) -> Result<Self, TryReserveError> {
        assert_eq!(elements.get(0), elements.fold_chunks(0, |_, chunk| chunk[0]));
        Ok(Self(elements.to_vec()?.into()))
    }
}

#[test]
fn miri_elements_that_others_read_are_copied() {
    static SERIES: Descriptor = Descriptor { readonly: true, ..natural::<u32>() };
    let elements: Arc<[u32]> = (0..50).collect();
    let mut cell = ExportCell::new(Series(elements.clone()));
    let view = cell.view(&SERIES, false).unwrap();
    let first = &elements[0];
    drop(cell.write_or_detach().unwrap());
    assert_eq!((*first, view.read()[4]), (0, 1_u32.to_ne_bytes()[0]));
    assert_eq!(&*cell.test_read().unwrap(), &elements[..]);
    assert_ne!(cell.header().data(), view.data);
}

#[test]
fn miri_rows_are_copied_one_by_one() {
    static ROWS: Descriptor = natural::<u16>();
    let mut cell = ExportCell::new(Rows::from_rows([vec![1_u16, 2], vec![3, 4]]).unwrap());
    let view = cell.view(&ROWS, true).unwrap();
    cell.write_or_detach().unwrap().push(vec![5, 6]).unwrap();
    assert!(cell.test_read().unwrap().iter().eq([[1, 2], [3, 4], [5, 6]]));
    assert_eq!(view.shape(), [2, 2]);

    let mut none = ExportCell::new(Rows::<u16>::new(3));
    let view = none.view(&ROWS, true).unwrap();
    none.write_or_detach().unwrap().push(vec![1, 2, 3]).unwrap();
    assert_eq!((view.shape(), none.len()), (vec![0, 3], 1));
}

#[test]
fn miri_what_views_do_not_explain_is_refused() {
    let mut cell = ExportCell::new(vec![1_u32]);
    let view = cell.view(&U32, true).unwrap();
    mem::forget(cell.test_share().unwrap());
    let refusal = "cannot resize: 1 share guard is alive in Rust; try again when the call or thread that holds it has \
                   ended, or change values in place through `share`";
    assert_eq!(without_place(cell.write_or_detach().err().unwrap()), refusal);
    drop(view);
    assert_eq!(without_place(cell.write_or_detach().err().unwrap()), refusal);
    cell.detach().unwrap();
    assert!(cell.write_or_detach().err().unwrap().is_closed());

    // Under a leaked write guard the memory may not be where it was captured.
    let mut cell = ExportCell::new(vec![1_u32]);
    let mut leaked = cell.test_write().unwrap();
    leaked.extend([0; 100]);
    mem::forget(leaked);
    assert!(cell.write_or_detach().is_err());
}

/// A storage whose copy does not fit into memory.
struct Huge(Vec<u32>);

// SAFETY: as for its Vec.
unsafe impl Storage for Huge {
    type Element = u32;
    type Access = ReadWrite;

    unsafe fn raw(this: *mut Self) -> (NonNull<u32>, usize) {
        // SAFETY: the caller vouches for `this`; only the Vec's address is computed.
        let items = unsafe { &raw mut (*this).0 };
        // SAFETY: as the caller vouches.
        unsafe { Vec::raw(items) }
    }
}

impl FromElements for Huge {
    fn from_elements(_: &SharedRead<u32>) -> Result<Self, TryReserveError> {
        let mut items = Vec::new();
        items.try_reserve(usize::MAX)?;
        Ok(Self(items))
    }
}

#[test]
fn miri_a_copy_that_does_not_fit_changes_nothing() {
    let mut cell = ExportCell::new(Huge(vec![1, 2]));
    let view = cell.view(&U32, true).unwrap();
    let error = cell.write_or_detach().err().unwrap();
    assert_eq!(
        (error.is_out_of_memory(), error.to_string().as_str()),
        (
            true,
            "cannot borrow for writing: there is no memory to continue; free some, or release every view if any is alive"
        )
    );
    assert_eq!((cell.views(), cell.len()), (1, 2));
    drop(view);
    assert_eq!(cell.write_or_detach().unwrap().0, [1, 2]);
}

/// Elements that a consumer keeps writing, byte by byte, while they are copied.
#[test]
fn miri_a_copy_is_made_beside_a_writer() {
    use std::sync::atomic::AtomicU8;

    let mut cell = ExportCell::new(vec![0_u32; 40]);
    let view = cell.view(&U32, true).unwrap();
    let writer = thread::spawn(move || {
        for round in 1..=20 {
            // SAFETY: a held view's memory is alive; all access to it is atomic.
            let bytes = unsafe { slice::from_raw_parts(view.data.cast::<AtomicU8>(), 4 * 40) };
            bytes.iter().for_each(|byte| byte.store(round, Ordering::Relaxed));
        }
        drop(view);
    });
    cell.write_or_detach().unwrap().push(1);
    writer.join().unwrap();
    attached(drain);
    let copy = cell.test_read().unwrap();
    assert!(copy[..40].iter().flat_map(|item| item.to_ne_bytes()).all(|byte| byte <= 20));
    assert_eq!((copy.len(), copy[40]), (41, 1));
}
