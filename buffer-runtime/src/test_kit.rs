//! Checks for a [`Storage`] of your own, to be called in a test. Needs the feature `test-kit`.
//!
//! ```toml
//! [dev-dependencies]
//! buffer-runtime = { version = "0.1", features = ["test-kit"] }
//! ```
//!
//! ```
//! use std::ptr::NonNull;
//!
//! use buffer_runtime::{ReadWrite, Storage};
//!
//! struct Sound {
//!     samples: Vec<i16>,
//! }
//!
//! // SAFETY: all clauses are those of the Vec, which nothing else here touches.
//! unsafe impl Storage for Sound {
//!     type Element = i16;
//!     type Access = ReadWrite;
//!
//!     unsafe fn raw(this: *mut Self) -> (NonNull<i16>, usize) {
//!         // SAFETY: the caller vouches for `this`, and so for its field.
//!         unsafe { Vec::raw(&raw mut (*this).samples) }
//!     }
//! }
//!
//! // In a test.
//! buffer_runtime::test_kit::check_storage(|| Sound { samples: vec![1, 2, 3] });
//! buffer_runtime::test_kit::check_storage(|| Sound { samples: Vec::new() });
//! ```
//!
//! No test can find all mistakes; some need a review. Under Miri the same calls find more: memory that is not
//! initialised, that belongs to no allocation or to two, and references to elements that outlive `raw`.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::{slice, thread};

use crate::cell::ExportCell;
use crate::element::Element;
use crate::layout::Layout;
use crate::storage::{Access, OwnLayout, Storage};

/// Checks those promises of [`Storage`] that can be checked. `make` makes a new storage at each call, always with the
/// same elements. Call this with a storage that has elements, one that has none, and one for each other internal state,
/// such as one that has grown.
///
/// # Panics
///
/// When a promise is broken; the message says which.
#[track_caller]
pub fn check_storage<S: Storage>(make: impl Fn() -> S) {
    let placed = Placed::new(make());
    let place = placed.ask().parts();
    let content = placed.content();
    placed.check_layout();
    equal("clause 4: a second call of `raw` returns something else", placed.ask().parts(), place);
    equal("clause 4: a call of `raw` changes the elements", placed.content(), content.clone());

    // Two storages at once: they must not share memory.
    let other = Placed::new(make());
    equal("`make` makes storages with different elements; it must make equal ones", other.content(), content.clone());
    if !S::Access::READONLY {
        assert!(
            !placed.ask().meets(&other.ask()),
            "clause 5: two storages share memory; declare `type Access = ReadOnly`"
        );
        let written = placed.ask().overwrite();
        equal("clause 2: elements that were written have other values afterwards", placed.content(), written);
        equal("clause 4: `raw` returns another place after a write", placed.ask().parts(), place);
        equal("clause 5: writing to one storage changes another", other.content(), content.clone());
        placed.ask().restore(&content);
    }

    // After a move, and on another thread, which reads the elements; then the storage is dropped on another thread.
    let moved = placed.moved();
    equal("the elements change when the storage is moved", moved.content(), content.clone());
    let storage = moved.into_inner();
    let seen = thread::spawn(move || {
        let there = Placed::new(storage);
        let seen = there.content();
        (there.into_inner(), seen)
    });
    let (storage, seen) = seen.join().expect("clause 6: its use on another thread panics");
    equal("clause 6: another thread finds other elements", seen, content.clone());
    let dropped = thread::spawn(move || drop(storage)).join();
    assert!(dropped.is_ok(), "clause 6: dropping it on another thread panics");
    equal("clause 5: dropping one storage changes another", other.content(), content.clone());

    let mut cell = ExportCell::new(other.into_inner());
    assert_eq!(cell.len(), place.1, "in a cell, the storage has another number of elements");
    drop(cell.get_mut().expect("nothing is in the way of a new cell"));
    let storage = cell.into_inner().map_err(|(_, error)| error).expect("as above");
    equal(
        "the elements change when the storage is moved into a cell and out again",
        Placed::new(storage).content(),
        content,
    );
}

/// Checks that dropping a storage frees its memory once, on this thread or another one, in a cell or not. `freed`
/// returns how often memory was freed so far.
///
/// # Panics
///
/// When dropping a storage never frees its memory, or frees it more than once.
#[track_caller]
pub fn check_storage_is_freed<S: Storage>(make: impl Fn() -> S, freed: impl Fn() -> usize) {
    let once = |how: &str, drop_it: &dyn Fn(S)| {
        let storage = make();
        let before = freed();
        drop_it(storage);
        let times = freed().wrapping_sub(before);
        assert!(times == 1, "{how} frees its memory {times} times; it must be freed exactly once");
    };
    once("dropping a storage", &drop);
    once("dropping a storage on another thread", &|storage| {
        thread::spawn(move || drop(storage)).join().expect("no panic");
    });
    once("dropping a cell", &|storage| drop(ExportCell::new(storage)));
    once("dropping what was taken out of a cell", &|storage| {
        drop(ExportCell::new(storage).into_inner().expect("no views"));
    });
}

#[track_caller]
fn equal<T: PartialEq + Debug>(problem: &str, found: T, expected: T) {
    assert_eq!(found, expected, "{problem}");
}

/// A storage that stays where it is, accessed only through its address.
struct Placed<S>(NonNull<S>);

impl<S: Storage> Placed<S> {
    fn new(storage: S) -> Self {
        // SAFETY: the pointer of a Box is not null.
        Self(unsafe { NonNull::new_unchecked(Box::into_raw(Box::new(storage))) })
    }

    #[track_caller]
    fn ask(&self) -> Answer<S::Element> {
        // SAFETY: a valid storage, to which there is no reference.
        let asked = catch_unwind(AssertUnwindSafe(|| unsafe { S::raw(self.0.as_ptr()) }));
        let (data, len) = asked.expect("clause 4: `raw` panics");
        assert!(data.is_aligned(), "clause 1: the elements are at {data:p}, which is not aligned for them");
        let bytes = len.checked_mul(size_of::<S::Element>()).and_then(|bytes| isize::try_from(bytes).ok());
        let end = bytes.and_then(|bytes| data.addr().get().checked_add(bytes.cast_unsigned()));
        assert!(end.is_some(), "clause 1: {len} elements are more than memory can have");
        Answer { data, len }
    }

    /// The bytes of the elements, wherever the elements are now.
    #[track_caller]
    fn content(&self) -> Vec<u8> {
        self.ask().content()
    }

    #[track_caller]
    fn check_layout(&self) {
        let ask = || {
            let mut layout = OwnLayout::default();
            // SAFETY: as in `ask`.
            let asked = catch_unwind(AssertUnwindSafe(|| unsafe { S::layout(self.0.as_ptr(), &mut layout) }));
            asked.expect("clause 4: `layout` panics");
            layout.numbers()
        };
        let layout = ask();
        equal("clause 4: a second call of `layout` sets something else", ask(), layout.clone());
        assert_eq!(
            layout.is_some(),
            S::STRIDED,
            "`layout` must set a layout if `STRIDED` is true, and none if it is false"
        );
        let Some((offset, shape, strides)) = layout else { return };
        let itemsize = size_of::<S::Element>();
        let layout = Layout { itemsize, shape: Some(&shape), strides: Some(&strides), offset };
        if let Err(problem) = layout.check(self.ask().bytes()) {
            panic!("views of its layout would be refused: {problem}");
        }
    }

    fn moved(self) -> Self {
        Self::new(self.into_inner())
    }

    fn into_inner(self) -> S {
        let this = std::mem::ManuallyDrop::new(self);
        // SAFETY: it comes from a Box, and `this` does not drop it.
        *unsafe { Box::from_raw(this.0.as_ptr()) }
    }
}

impl<S> Drop for Placed<S> {
    fn drop(&mut self) {
        // SAFETY: it comes from a Box, and is not used again.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// The address and the number of the elements, valid until the next call of `raw`.
struct Answer<T> {
    data: NonNull<T>,
    len: usize,
}

impl<T: Element> Answer<T> {
    fn parts(&self) -> (NonNull<T>, usize) {
        (self.data, self.len)
    }

    fn bytes(&self) -> usize {
        self.len * size_of::<T>()
    }

    fn content(&self) -> Vec<u8> {
        // SAFETY: the storage vouches for initialised elements, which have no padding (Element, clause 1).
        unsafe { slice::from_raw_parts(self.data.as_ptr().cast(), self.bytes()) }.to_vec()
    }

    fn meets(&self, other: &Self) -> bool {
        let (begin, begin_of_other) = (self.data.addr().get(), other.data.addr().get());
        begin < begin_of_other + other.bytes() && begin_of_other < begin + self.bytes()
    }

    /// Overwrites the elements with different ones where possible, and returns the new bytes.
    fn overwrite(&self) -> Vec<u8> {
        let mut content = self.content();
        if T::ANY_BITS {
            content.iter_mut().for_each(|byte| *byte ^= 0x5a);
        } else {
            // The same elements in reverse order.
            let reversed = content.rchunks_exact(size_of::<T>()).flatten().copied();
            content = reversed.collect();
        }
        self.restore(&content);
        content
    }

    fn restore(&self, content: &[u8]) {
        assert_eq!(content.len(), self.bytes());
        // SAFETY: the storage vouches that `content.len()` bytes may be written, and they are valid elements.
        unsafe { self.data.as_ptr().cast::<u8>().copy_from_nonoverlapping(content.as_ptr(), content.len()) };
    }
}

#[cfg(test)]
mod tests;
