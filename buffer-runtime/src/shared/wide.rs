//! Work on chunks, compiled a second time for processors that have AVX2.
//!
//! Most programs are compiled for every x86-64 processor, with vectors of 16 bytes. The work on a chunk is small enough
//! code to be compiled a second time for vectors of 32 bytes, and takes long enough to check the processor each time.

/// A closure, or a type whose `work` method is always inlined.
///
/// The width of the vectors follows the function that an operation is inlined into. A closure would be one function
/// with two callers, which the compiler inlines only if it is small; a method can have `#[inline(always)]`.
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

/// Does the work with the widest vectors that the processor has.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
pub(super) fn widely<W: Work>(work: W) -> W::Outcome {
    #[target_feature(enable = "avx2")]
    fn with_avx2<W: Work>(work: W) -> W::Outcome {
        work.work()
    }

    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
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
