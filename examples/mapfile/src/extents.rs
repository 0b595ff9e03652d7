//! Which files this process has mapped, and how many bytes of each. Check here before making a file shorter.
//!
//! A mapping has no link to other mappings of the same file. If one is used to make the file shorter, an access through
//! another to the bytes that were cut off is a fault that ends the process. Mappings of other processes are not listed.

use std::fs::Metadata;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// How many bytes of a file one mapping shows. An extent counts as long as it is alive.
pub(crate) struct Extent {
    /// None on systems that refuse to truncate a mapped file.
    file: Option<FileId>,
    /// Read and changed only while [`Extents`] is locked.
    length: AtomicUsize,
}

type FileId = (u64, u64);

/// The extents of this process, locked. Meanwhile extents may be dropped, but not changed by others.
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

    // Relaxed is enough, here and below: the mutex orders all reads and writes of the lengths.
    #[expect(clippy::unused_self, reason = "whoever has it has the lock")]
    pub(crate) fn set_length(&mut self, extent: &Extent, length: usize) {
        extent.length.store(length, Ordering::Relaxed);
    }

    /// The length of the longest other mapping of the same file, or 0.
    pub(crate) fn longest_beside(&self, own: &Arc<Extent>) -> usize {
        let others = self.0.iter().filter_map(Weak::upgrade);
        let others = others.filter(|other| other.file.is_some() && other.file == own.file && !Arc::ptr_eq(other, own));
        others.map(|other| other.length.load(Ordering::Relaxed)).max().unwrap_or(0)
    }
}

/// Identifies a file, as long as it is open.
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
