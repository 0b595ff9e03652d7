//! Where in Rust the guards of a cell began, for the errors of what they refuse.

use std::panic::Location;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::lock::Beside;

/// The place of the guard that began last. A guard that ends leaves it, so it means something only while a guard is
/// alive.
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
