//! Which files this process has mapped, and how far: whoever cuts a file asks here first.
//!
//! Two mappings of one file do not know each other, and what is cut off under one of them is a fault that ends the process.
//! Other processes are not asked, and do not ask.

use std::fs::Metadata;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// How many bytes of a file one mapping shows. It counts as long as it lives.
pub(crate) struct Extent {
    /// None where the system itself refuses to cut what is mapped.
    file: Option<FileId>,
    /// Changed by whoever has [`Extents`].
    length: AtomicUsize,
}

type FileId = (u64, u64);

/// The extents of this process, none of which changes meanwhile but by ending.
pub(crate) struct Extents(MutexGuard<'static, Vec<Weak<Extent>>>);

impl Extents {
    pub(crate) fn lock() -> Self {
        static ALL: Mutex<Vec<Weak<Extent>>> = Mutex::new(Vec::new());
        Self(ALL.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn add(&mut self, file: &Metadata, length: usize) -> Arc<Extent> {
        self.0.retain(|extent| extent.strong_count() > 0);
        let extent = Arc::new(Extent { file: file_id(file), length: AtomicUsize::new(length) });
        self.0.push(Arc::downgrade(&extent));
        extent
    }

    // Relaxed, here and below: the lengths are changed and read under the mutex.
    #[expect(clippy::unused_self, reason = "whoever has it has the lock")]
    pub(crate) fn set_length(&mut self, extent: &Extent, length: usize) {
        extent.length.store(length, Ordering::Relaxed);
    }

    /// How far the others reach that show the same file.
    pub(crate) fn longest_beside(&self, own: &Arc<Extent>) -> usize {
        let others = self.0.iter().filter_map(Weak::upgrade);
        let others = others.filter(|other| other.file.is_some() && other.file == own.file && !Arc::ptr_eq(other, own));
        others.map(|other| other.length.load(Ordering::Relaxed)).max().unwrap_or(0)
    }
}

/// What tells a file from all others as long as it is open.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere there is none")]
fn file_id(file: &Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;

    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn file_id(_file: &Metadata) -> Option<FileId> {
    None
}
