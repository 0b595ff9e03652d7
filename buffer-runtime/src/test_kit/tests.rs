//! The storages of the crate pass the checks, and storages that break a promise do not.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;

use super::*;
use crate::storage::{ForeignBuffer, Frozen, ReadWrite};

#[test]
fn miri_the_storages_of_the_crate_keep_their_promises() {
    check_storage(|| vec![1.5_f32, 2.5]);
    check_storage(Vec::<u64>::new);
    check_storage(|| vec![true, false, false]);
    check_storage(|| vec![[1_u16, 2, 3]; 2].into_boxed_slice());
    check_storage(|| [1_u8, 2, 3]);
    check_storage(|| [0_i64; 0]);
    check_storage(|| Arc::<[u32]>::from([1, 2]));
    check_storage(|| Arc::new(vec![1_i16]));
    check_storage(|| -> &'static [u32] { &[1, 2, 3] });
    check_storage(|| Frozen::new(vec![1_u8, 2]));
    check_storage(|| foreign(&COUNT));
}

#[cfg(feature = "bytes")]
#[test]
fn miri_bytes_keep_their_promises() {
    check_storage(|| bytes::Bytes::from(vec![1, 2, 3]).slice(1..));
    check_storage(|| bytes::Bytes::from_static(b"abc"));
}

#[cfg(feature = "memmap2")]
#[test]
fn mappings_keep_their_promises() {
    check_storage(|| memmap2::MmapMut::map_anon(9).unwrap());
    check_storage(|| memmap2::MmapMut::map_anon(9).unwrap().make_read_only().unwrap());
}

#[cfg(feature = "aligned-vec")]
#[test]
fn miri_aligned_vectors_keep_their_promises() {
    use aligned_vec::{AVec, ConstAlign, RuntimeAlign};

    for len in [0, 1, 40] {
        check_storage(|| AVec::<u32>::from_iter(0, (0..len).map(|_| 7)));
        check_storage(|| AVec::<u64, ConstAlign<1>>::from_iter(0, (0..len).map(|_| 7)));
        check_storage(|| AVec::<[u8; 3], RuntimeAlign>::from_iter(64, (0..len).map(|_| [7; 3])));
    }
}

#[cfg(feature = "smallvec")]
#[test]
fn miri_small_vectors_keep_their_promises() {
    for len in [0, 1, 3, 4] {
        check_storage(|| smallvec::SmallVec::<[u32; 3]>::from_elem(7, len));
    }
}

#[cfg(feature = "ndarray")]
#[test]
fn miri_arrays_keep_their_promises() {
    use ndarray::{Array3, arr0, s};

    let numbers = || Array3::from_shape_fn((2, 3, 4), |(i, j, k)| 100 * i + 10 * j + k);
    check_storage(numbers);
    check_storage(|| numbers().reversed_axes());
    check_storage(|| numbers().slice_move(s![..;-1, 1.., ..;-3]));
    check_storage(|| numbers().slice_move(s![.., 0..0, ..;-3]));
    check_storage(|| arr0(1_u8));
    check_storage(|| ndarray::arr1(&[[1.0_f32, 2.0], [3.0, 4.0]]));
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

fn foreign(count: &'static AtomicUsize) -> ForeignBuffer<i32> {
    let data = Box::into_raw(Box::new([1, 2, 3])).cast::<i32>();
    let free = |data: *mut i32, _| {
        count.fetch_add(1, Ordering::Relaxed);
        // SAFETY: it was a box of three.
        drop(unsafe { Box::from_raw(data.cast::<[i32; 3]>()) });
    };
    // SAFETY: a box's own memory, valid until it is freed.
    unsafe { ForeignBuffer::new(data, 3, free) }.unwrap()
}

#[test]
fn miri_foreign_memory_is_freed_once() {
    static FREED: AtomicUsize = AtomicUsize::new(0);
    check_storage_is_freed(|| foreign(&FREED), || FREED.load(Ordering::Relaxed));
}

/// A storage that breaks a promise. It reports 4 numbers, and has room for 8.
struct Wrong {
    numbers: Box<[u32; 8]>,
    how: How,
    asked: Cell<usize>,
    maker: ThreadId,
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Misaligned,
    TooLong,
    Wandering,
    Shrinking,
    Counting,
    Panicking,
    ThreadBound,
    ThreadBoundInDrop,
    Laid(&'static [(usize, isize)]),
    LaidAnew,
}

fn wrong(how: How) -> Wrong {
    Wrong { numbers: Box::new([1; 8]), how, asked: Cell::new(0), maker: thread::current().id() }
}

// SAFETY: the promises do not hold; each test ends at the check that finds this.
unsafe impl Storage for Wrong {
    type Element = u32;
    type Access = ReadWrite;

    const STRIDED: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<u32>, usize) {
        // SAFETY: the caller vouches for `this`.
        let wrong = unsafe { &mut *this };
        let asked = wrong.asked.replace(wrong.asked.get() + 1);
        let first = NonNull::from(&mut *wrong.numbers).cast::<u32>();
        let away = thread::current().id() != wrong.maker;
        // SAFETY: there are 8.
        let second = unsafe { first.add(1) };
        match wrong.how {
            // SAFETY: inside the first.
            How::Misaligned => (unsafe { first.byte_add(1) }, 4),
            How::TooLong => (first, usize::MAX / 4),
            How::Wandering if asked > 0 => (second, 4),
            How::Shrinking if asked > 0 => (first, 3),
            How::Counting => {
                wrong.numbers[0] += 1;
                (first, 4)
            }
            How::Panicking => panic!("what `raw` may not do"),
            How::ThreadBound if away => {
                wrong.numbers[0] += 1;
                (first, 4)
            }
            _ => (first, 4),
        }
    }

    unsafe fn layout(this: *mut Self, layout: &mut OwnLayout) {
        // SAFETY: the caller vouches for `this`.
        let wrong = unsafe { &*this };
        match wrong.how {
            How::Laid(axes) => layout.set(0, axes.iter().copied()),
            How::LaidAnew => layout.set(0, [(wrong.asked.replace(wrong.asked.get() + 1), 4)]),
            _ => layout.set(0, [(1, 4)]),
        }
    }
}

impl Drop for Wrong {
    fn drop(&mut self) {
        assert!(self.how != How::ThreadBoundInDrop || thread::current().id() == self.maker, "not my thread");
    }
}

macro_rules! found {
    ($($name:ident: $problem:literal, $make:expr;)*) => {$(
        #[test]
        #[should_panic(expected = $problem)]
        fn $name() {
            check_storage($make);
        }
    )*};
}

found! {
    misaligned_elements_are_found: "clause 1: the elements are at", || wrong(How::Misaligned);
    a_length_beyond_memory_is_found: "clause 1:", || wrong(How::TooLong);
    another_address_is_found: "clause 4: a second call of `raw` returns something else", || wrong(How::Wandering);
    another_length_is_found: "clause 4: a second call of `raw` returns something else", || wrong(How::Shrinking);
    a_raw_that_writes_is_found: "clause 4: a call of `raw` changes the elements", || wrong(How::Counting);
    a_raw_that_panics_is_found: "clause 4: `raw` panics", || wrong(How::Panicking);
    other_elements_on_another_thread_are_found: "clause 6: another thread", || wrong(How::ThreadBound);
    a_drop_that_needs_its_thread_is_found: "clause 6: dropping", || wrong(How::ThreadBoundInDrop);
    a_layout_outside_the_memory_is_found: "views of its layout would be refused: the declared items reach from byte 0 to byte 20",
        || wrong(How::Laid(&[(5, 4)]));
    a_layout_below_the_memory_is_found: "views of its layout would be refused", || wrong(How::Laid(&[(2, -4)]));
    another_layout_is_found: "clause 4: a second call of `layout` sets something else", || wrong(How::LaidAnew);
}

/// A shared handle whose `Access` claims that it is not shared.
struct Shared(Arc<[Cell<u32>; 2]>);

// SAFETY: it is not Send; only one test uses it, which ends at the check that finds the sharing.
unsafe impl Send for Shared {}

// SAFETY: as above: clause 5 does not hold.
unsafe impl Storage for Shared {
    type Element = u32;
    type Access = ReadWrite;

    unsafe fn raw(this: *mut Self) -> (NonNull<u32>, usize) {
        // SAFETY: the caller vouches for `this`.
        let numbers = unsafe { &*this }.0.as_slice();
        (NonNull::from(numbers).cast(), 2)
    }
}

#[test]
#[should_panic(expected = "clause 5: two storages share memory; declare `type Access = ReadOnly`")]
fn memory_that_is_shared_is_found() {
    let shared = Arc::default();
    check_storage(|| Shared(Arc::clone(&shared)));
}

/// Declares a layout and sets none, or sets one and does not declare it.
struct Silent<const STRIDED: bool>([u32; 2]);

// SAFETY: as for the array; safety does not depend on the layout.
unsafe impl<const STRIDED: bool> Storage for Silent<STRIDED> {
    type Element = u32;
    type Access = ReadWrite;

    const STRIDED: bool = STRIDED;

    unsafe fn raw(this: *mut Self) -> (NonNull<u32>, usize) {
        // SAFETY: the caller vouches for `this`.
        let numbers = unsafe { &raw mut (*this).0 };
        // SAFETY: as above.
        unsafe { Storage::raw(numbers) }
    }

    unsafe fn layout(_: *mut Self, layout: &mut OwnLayout) {
        if !STRIDED {
            layout.set(0, [(2, 4)]);
        }
    }
}

found! {
    a_layout_that_is_promised_and_missing_is_found: "`layout` must set a layout if `STRIDED` is true", || Silent::<true>([1, 2]);
    a_layout_that_is_not_promised_is_found: "`layout` must set a layout if `STRIDED` is true", || Silent::<false>([1, 2]);
    a_make_of_different_elements_is_found: "`make` makes storages with different elements", {
        let made = Cell::new(0);
        move || [made.replace(made.get() + 1)]
    };
}

#[test]
#[should_panic(expected = "dropping a storage frees its memory 0 times; it must be freed exactly once")]
fn a_leak_is_found() {
    check_storage_is_freed(|| vec![1_u8], || 0);
}

#[test]
#[should_panic(expected = "frees its memory 2 times")]
fn memory_that_is_freed_twice_is_found() {
    struct Twice(Vec<u8>, &'static AtomicUsize);

    // SAFETY: as for the Vec.
    unsafe impl Storage for Twice {
        type Element = u8;
        type Access = ReadWrite;

        unsafe fn raw(this: *mut Self) -> (NonNull<u8>, usize) {
            // SAFETY: the caller vouches for `this`.
            let bytes = unsafe { &raw mut (*this).0 };
            // SAFETY: as above.
            unsafe { Vec::raw(bytes) }
        }
    }

    impl Drop for Twice {
        fn drop(&mut self) {
            self.1.fetch_add(2, Ordering::Relaxed);
        }
    }

    static FREED: AtomicUsize = AtomicUsize::new(0);
    check_storage_is_freed(|| Twice(vec![1], &FREED), || FREED.load(Ordering::Relaxed));
}
