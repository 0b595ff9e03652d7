//! How the guards of a cell begin, and where in Rust each began, which errors name.

use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::block::Header;
use crate::error::{Attempt, BorrowError, Held};
use crate::lock::{Beside, Blocker, CHANGES_BETWEEN_STEPS, GuardKind};

/// The place of the guard that began last. The place stays when the guard ends, so it means something only while a
/// guard is alive.
///
/// Invariants:
///
/// 1. The pointer is NULL, or that of a `Location` which lives for ever, to which [`OTHERS`](Self::OTHERS) may be
///    added.
#[derive(Debug)]
pub(super) struct Began(AtomicPtr<Location<'static>>);

/// The place of a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GuardPlace {
    /// The guard that is alive began here.
    Of(&'static Location<'static>),
    /// The last guard began here, beside others. The one that is alive now may be another.
    OfLast(&'static Location<'static>),
}

impl GuardPlace {
    pub(crate) fn location(self) -> &'static Location<'static> {
        match self {
            Self::Of(location) | Self::OfLast(location) => location,
        }
    }
}

impl Began {
    /// Added to the address if other guards were alive.
    const OTHERS: usize = 1;

    pub(super) fn new() -> Self {
        const { assert!(align_of::<Location<'_>>() > Self::OTHERS) }
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Records a guard that has just begun.
    #[inline(always)]
    pub(super) fn note(&self, location: &'static Location<'static>, beside: Beside) {
        let others = match beside {
            Beside::NoGuard => 0,
            Beside::Guards => Self::OTHERS,
        };
        let place = ptr::from_ref(location).wrapping_byte_add(others).cast_mut();
        // Relaxed: what the pointer points to was never written.
        self.0.store(place, Ordering::Relaxed);
    }

    /// The place that was recorded last.
    pub(super) fn place(&self) -> Option<GuardPlace> {
        let place = self.0.load(Ordering::Relaxed);
        let beside_others = place.addr() & Self::OTHERS != 0;
        let location = if beside_others { place.wrapping_byte_sub(Self::OTHERS) } else { place };
        // SAFETY: the pointer is NULL or that of a location which lives for ever (invariant 1).
        let location = unsafe { location.cast_const().as_ref() }?;
        Some(if beside_others { GuardPlace::OfLast(location) } else { GuardPlace::Of(location) })
    }
}

impl Header {
    /// Begins a guard. Attached.
    #[inline]
    #[track_caller]
    pub(crate) fn begin(&self, kind: GuardKind) -> Result<(), Blocker> {
        if !self.pin.is_clear_for(kind) || !self.lock.begin_alone(kind) {
            return self.begin_beside_others(kind, Location::caller());
        }
        // Under the guard the result is final. (Where there is a GIL, no other thread is attached meanwhile, so no pin
        // and no tensor begins.)
        if CHANGES_BETWEEN_STEPS && !self.pin.is_clear_for(kind) {
            self.lock.end();
            return self.begin_beside_others(kind, Location::caller());
        }
        self.note_guard(Beside::NoGuard);
        Ok(())
    }

    /// The same if another guard, a view, a pin or a tensor may be in the way, or if views are traced.
    #[cold]
    #[inline(never)]
    fn begin_beside_others(&self, kind: GuardKind, caller: &'static Location<'static>) -> Result<(), Blocker> {
        let beside = self.begin_unnoted(kind)?;
        self.began.note(caller, beside);
        Ok(())
    }

    /// The same for a guard whose place is not recorded, because it belongs to a view.
    pub(super) fn begin_unnoted(&self, kind: GuardKind) -> Result<Beside, Blocker> {
        // Check the pin first for the better message: the lock would name views to release, which would not help. Then
        // check it again under the guard, where the result is final.
        self.pin.admit(kind)?;
        let beside = self.lock.begin_beside_others(kind)?;
        self.pin.admit_beside_tensors(kind).inspect_err(|_| self.lock.end())?;
        Ok(beside)
    }

    /// Begins a guard for a caller that has the owner by `&mut`.
    #[track_caller]
    pub(super) fn begin_exclusive(&self, kind: GuardKind) -> Result<(), Blocker> {
        self.pin.admit(kind)?;
        self.lock.begin_exclusive(kind)?;
        // Last, so that an error names a tensor only if no guard is in the way (`write_or_detach`).
        self.pin.admit_beside_tensors(kind).inspect_err(|_| self.lock.end())?;
        self.note_guard(Beside::NoGuard);
        Ok(())
    }

    /// Records where a guard has just begun: where the caller was called.
    #[inline(always)]
    #[track_caller]
    pub(super) fn note_guard(&self, beside: Beside) {
        self.began.note(Location::caller(), beside);
    }

    /// Where the guard that began last was taken.
    pub(crate) fn guard_place(&self) -> Option<GuardPlace> {
        self.began.place()
    }

    /// The error of a borrow that is refused.
    #[inline(always)]
    pub(crate) fn refused(&self, attempt: Attempt, blocker: Blocker) -> BorrowError {
        BorrowError::new(attempt, blocker, Held::by(self, blocker))
    }
}
