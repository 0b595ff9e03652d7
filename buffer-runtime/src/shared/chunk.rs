//! Rust's own room for elements that are copied out of shared memory, worked on, and perhaps stored back.

use std::mem::MaybeUninit;

/// Room on the stack for one chunk: two of them fit the first-level cache.
#[repr(align(64))]
struct Chunk([MaybeUninit<u8>; Self::BYTES]);

impl Chunk {
    const BYTES: usize = 4096;

    fn new() -> Self {
        Self([MaybeUninit::uninit(); Self::BYTES])
    }
}

/// Whether chunks of `T` are on the stack; one larger than a chunk is alone in a box.
const fn fits<T>() -> bool {
    size_of::<T>() <= Chunk::BYTES && align_of::<T>() <= align_of::<Chunk>()
}

/// Calls `work` with room for a number of elements, at least one, as aligned as `T` wants them. The room is uninitialised
/// and nobody else's until `work` returns.
pub(super) fn with_one<T, R>(work: impl FnOnce(*mut T, usize) -> R) -> R {
    if fits::<T>() {
        work(Chunk::new().0.as_mut_ptr().cast(), Chunk::BYTES / size_of::<T>())
    } else {
        work(Box::<T>::new_uninit().as_mut_ptr(), 1)
    }
}

/// The same twice: both have room for so many.
pub(super) fn with_two<T, U, R>(work: impl FnOnce(*mut T, *mut U, usize) -> R) -> R {
    with_one(|one, room| with_one(|other, other_room| work(one, other, room.min(other_room))))
}
