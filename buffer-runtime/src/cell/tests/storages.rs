//! Storages with shared ownership, with a layout of their own, or with memory that other code frees.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::storage::{ForeignBuffer, Frozen, ReadOnly};

const fn readonly<E: Element>() -> Descriptor {
    Descriptor { readonly: true, ..natural::<E>() }
}

/// Two epochs of views over a read-only storage, and the owner dropped before the last view.
fn two_epochs_of_reading<S>(storage: S, descriptor: &'static Descriptor, shape: &[isize], bytes: &[u8])
where
    S: Storage<Access = ReadOnly>,
{
    let cell = ExportCell::new(storage);
    assert!(cell.view(descriptor, true).is_none());
    let (first, second) = (cell.view(descriptor, false).unwrap(), cell.view(descriptor, false).unwrap());
    assert_eq!((first.shape(), first.ticket.access), (shape.to_vec(), ViewKind::ReadOnly));
    let reader = cell.test_read().unwrap();
    assert_eq!((first.read(), size_of_val(&*reader)), (bytes.to_vec(), bytes.len()));
    drop(reader);
    assert_eq!(cell.test_write().err().unwrap().views(), 2);
    drop((first, second));

    drop(cell.test_write().unwrap());
    let later = cell.view(descriptor, false).unwrap();
    drop(cell);
    assert_eq!((later.shape(), later.read()), (shape.to_vec(), bytes.to_vec()));
}

macro_rules! two_epochs_of_reading {
    ($($name:ident: $element:ty, $storage:expr, $shape:expr, $bytes:expr;)*) => {$(
        #[test]
        fn $name() {
            static DESCRIPTOR: Descriptor = readonly::<$element>();
            two_epochs_of_reading($storage, &DESCRIPTOR, &$shape, &$bytes);
        }
    )*};
}

two_epochs_of_reading! {
    miri_views_of_a_shared_slice: u16, Arc::<[u16]>::from([0x101, 0x202]), [2], [1, 1, 2, 2];
    miri_views_of_an_empty_shared_slice: f64, Arc::<[f64]>::default(), [0], [];
    miri_views_of_a_shared_vec: u8, Arc::new(vec![1_u8, 2, 3]), [3], [1, 2, 3];
    miri_views_of_a_static_slice: [u8; 2], { static PAIRS: [[u8; 2]; 2] = [[1, 2], [3, 4]]; &PAIRS[1..] }, [1, 2], [3, 4];
    miri_views_of_shared_truths: bool, Arc::<[bool]>::from([true, false]), [2], [1, 0];
    miri_views_of_a_frozen_array: u8, Frozen::new([1_u8, 2, 3]), [3], [1, 2, 3];
    miri_views_of_a_frozen_vec: u8, Frozen::new(vec![1_u8, 2]), [2], [1, 2];
}

#[cfg(feature = "bytes")]
two_epochs_of_reading! {
    miri_views_of_bytes: u8, bytes::Bytes::from(vec![1_u8, 2, 3]).slice(1..), [2], [2, 3];
    miri_views_of_static_bytes: u8, bytes::Bytes::from_static(b"ab"), [2], *b"ab";
    miri_views_of_no_bytes: u8, bytes::Bytes::new(), [0], [];
}

#[cfg(feature = "memmap2")]
two_epochs_of_reading! {
    views_of_a_mapping: u8, memmap2::MmapMut::map_anon(5).unwrap().make_read_only().unwrap(), [5], [0; 5];
}

#[cfg(feature = "memmap2")]
two_epochs! {
    miri_views_of_a_writable_mapping: u8, memmap2::MmapMut::map_anon(5).unwrap(), [5];
}

#[cfg(feature = "aligned-vec")]
two_epochs! {
    miri_views_of_an_aligned_vec: f32, aligned_vec::AVec::<f32>::from_slice(0, &[0.0; 3]), [3];
    miri_views_of_an_empty_aligned_vec: u64, aligned_vec::AVec::<u64>::new(0), [0];
}

#[cfg(feature = "aligned-vec")]
#[test]
fn miri_an_aligned_vec_stays_aligned_when_it_grows() {
    let cell = ExportCell::new(aligned_vec::AVec::<u32>::new(0));
    for len in 0..40 {
        let view = cell.view(&U32, true).unwrap();
        assert_eq!((view.shape(), view.buf.addr() % 64), (vec![len], 0));
        drop(view);
        cell.test_write().unwrap().push(5);
    }
}

#[cfg(feature = "smallvec")]
two_epochs! {
    miri_views_of_an_inline_smallvec: f32, smallvec::SmallVec::<[f32; 4]>::from_slice(&[0.0; 3]), [3];
    miri_views_of_a_spilled_smallvec: f32, smallvec::SmallVec::<[f32; 4]>::from_elem(0.0, 7), [7];
    miri_views_of_an_empty_smallvec: u64, smallvec::SmallVec::<[u64; 2]>::new(), [0];
    miri_views_of_an_array_smallvec: [u8; 3], smallvec::SmallVec::<[[u8; 3]; 2]>::from_slice(&[[0; 3]]), [1, 3];
}

#[cfg(feature = "smallvec")]
#[test]
fn miri_a_smallvec_spills_between_views() {
    let cell = ExportCell::new(smallvec::SmallVec::<[u32; 2]>::from_slice(&[1, 2]));
    let view = cell.view(&U32, true).unwrap();
    assert!(cell.test_write().is_err());
    drop(view);
    cell.test_write().unwrap().push(3);
    let view = cell.view(&U32, true).unwrap();
    assert_eq!((view.shape(), view.read()[8]), (vec![3], 3));
    view.write(0);
    drop(view);
    cell.test_write().unwrap().truncate(1);
    cell.test_write().unwrap().shrink_to_fit();
    let view = cell.view(&U32, true).unwrap();
    drop(cell);
    assert_eq!((view.shape(), view.read()), (vec![1], vec![0; 4]));
}

/// Memory as C code would provide it, with a count of how often it is freed.
fn foreign(items: &[u32]) -> (ForeignBuffer<u32>, Arc<AtomicUsize>) {
    let frees = Arc::new(AtomicUsize::new(0));
    let data = Box::into_raw(Box::<[u32]>::from(items)).cast::<u32>();
    let count = Arc::clone(&frees);
    let free = move |data, len| {
        count.fetch_add(1, Ordering::Relaxed);
        // SAFETY: it was a box of `len` elements.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(data, len)) });
    };
    // SAFETY: the memory of a box, which nothing else uses until it is freed.
    let buffer = unsafe { ForeignBuffer::new(data, items.len(), free) };
    (buffer.unwrap(), frees)
}

two_epochs! {
    miri_views_of_foreign_memory: u32, foreign(&[5, 6, 7]).0, [3];
    miri_views_of_no_foreign_memory: u32, foreign(&[]).0, [0];
}

#[test]
fn miri_foreign_memory_is_freed_after_its_last_view() {
    let (buffer, frees) = foreign(&[1, 2]);
    let cell = ExportCell::new(buffer);
    let view = cell.view(&U32, true).unwrap();
    assert_eq!(cell.test_close().unwrap_err().views(), 1);
    thread::spawn(move || drop(cell)).join().unwrap();
    assert_eq!(frees.load(Ordering::Relaxed), 0);
    view.write(9);
    assert_eq!(view.read(), [9; 8]);
    thread::spawn(move || drop(view)).join().unwrap();
    assert_eq!(frees.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_foreign_memory_is_freed_by_closing() {
    let (buffer, frees) = foreign(&[1, 2]);
    let cell = ExportCell::new(buffer);
    drop(cell.test_close().unwrap());
    assert_eq!(frees.load(Ordering::Relaxed), 1);
    assert!(cell.view(&U32, false).is_none());
    drop(cell);
    assert_eq!(frees.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_an_owner_of_frozen_memory_goes_after_the_last_view() {
    struct Handle(Arc<[u8; 2]>);

    impl AsRef<[u8]> for Handle {
        fn as_ref(&self) -> &[u8] {
            &*self.0
        }
    }

    static BYTES: Descriptor = readonly::<u8>();
    let owner = Arc::new([1_u8, 2]);
    let cell = ExportCell::new(Frozen::new(Handle(Arc::clone(&owner))));
    let view = cell.view(&BYTES, false).unwrap();
    drop(cell);
    drain();
    assert_eq!((Arc::strong_count(&owner), view.read()), (2, vec![1, 2]));
    drop(view);
    assert_eq!(Arc::strong_count(&owner), 1);
}

#[test]
fn miri_an_owner_that_gives_no_slice_is_dropped() {
    struct Unwilling(#[expect(dead_code, reason = "it is dropped")] Arc<()>);

    impl AsRef<[u8]> for Unwilling {
        fn as_ref(&self) -> &[u8] {
            panic!("no slice");
        }
    }

    let alive = Arc::new(());
    let owner = Unwilling(Arc::clone(&alive));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Frozen::new(owner))).is_err());
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[cfg(feature = "ndarray")]
mod arrays;
