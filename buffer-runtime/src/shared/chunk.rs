//! Local memory for elements that are copied out of shared memory, processed, and perhaps stored back.

use std::mem::MaybeUninit;

/// Room on the stack for one chunk. Two chunks fit in the first-level cache.
#[repr(align(64))]
struct Chunk([MaybeUninit<u8>; Self::BYTES]);

impl Chunk {
    const BYTES: usize = 4096;

    fn new() -> Self {
        Self([MaybeUninit::uninit(); Self::BYTES])
    }
}

/// Whether chunks of `T` are on the stack. An element that does not fit in a chunk is boxed, one at a time.
const fn fits<T>() -> bool {
    size_of::<T>() <= Chunk::BYTES && align_of::<T>() <= align_of::<Chunk>()
}

/// Calls `work` with room for a number of elements, at least one, aligned for `T`. The room is uninitialised, and no
/// other code uses it until `work` returns.
pub(super) fn with_one<T, R>(work: impl FnOnce(*mut T, usize) -> R) -> R {
    if fits::<T>() {
        work(Chunk::new().0.as_mut_ptr().cast(), Chunk::BYTES / size_of::<T>())
    } else {
        work(Box::<T>::new_uninit().as_mut_ptr(), 1)
    }
}

/// The same with two chunks. Both have room for the number of elements that is passed to `work`.
pub(super) fn with_two<T, U, R>(work: impl FnOnce(*mut T, *mut U, usize) -> R) -> R {
    with_one(|one, room| with_one(|other, other_room| work(one, other, room.min(other_room))))
}
