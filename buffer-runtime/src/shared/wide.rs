//! Work on chunks, compiled a second time for processors that have AVX2.
//!
//! Programs are mostly compiled for every x86-64 processor, with vectors of 16 bytes. What works on a chunk is small enough
//! to be compiled once more for vectors of 32 bytes, and long enough to ask the processor each time.

/// A closure, or what a closure would do that the compiler must not call but inline.
///
/// Vectors are as wide as the function is compiled for that an operation ends up in. Of closures, which exist once and are
/// called from two places, the compiler inlines small ones only; a method of a type can be told to be inlined.
pub(super) trait Work {
    type Outcome;

    fn work(self) -> Self::Outcome;
}

impl<R, F: FnOnce() -> R> Work for F {
    type Outcome = R;

    #[inline(always)]
    fn work(self) -> R {
        self()
    }
}

/// Does the work by the widest vectors that there are.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
pub(super) fn widely<W: Work>(work: W) -> W::Outcome {
    #[target_feature(enable = "avx2")]
    fn with_avx2<W: Work>(work: W) -> W::Outcome {
        work.work()
    }

    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has it.
        unsafe { with_avx2(work) }
    } else {
        work.work()
    }
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline(always)]
pub(super) fn widely<W: Work>(work: W) -> W::Outcome {
    work.work()
}
