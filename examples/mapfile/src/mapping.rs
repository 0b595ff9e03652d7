//! A file and its mapping. Both are resized together or not at all.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;

use buffer_runtime::{ReadWrite, Storage};
use memmap2::{MmapOptions, MmapRaw};

use crate::extents::{Extent, Extents};
use crate::growth;

/// The bytes of a file, in memory.
///
/// Other mappings of the same file write the same memory, so this crate never makes a slice of it. (A cell's `read`
/// would make one; `share` does not.)
pub(crate) struct Mapping(Arc<MmapRaw>);

// SAFETY: a mapping is initialised, at most `isize::MAX` bytes, writable, and in place until it is dropped (1, 2). Only
// its address is read (3, 4). The other handle, in `Mapped`, is used only for `flush`, which for Rust neither reads nor
// writes the memory. Other processes do, so the memory is never borrowed as a slice (5). A mapping can be dropped on
// any thread (6).
unsafe impl Storage for Mapping {
    type Element = u8;
    type Access = ReadWrite;

    const RESIZABLE: bool = true;

    unsafe fn raw(this: *mut Self) -> (NonNull<u8>, usize) {
        // SAFETY: the caller guarantees a valid storage. The bytes are not inside it, and this does not refer to them.
        let Self(mapping) = unsafe { &*this };
        // SAFETY: a mapping is not at address 0.
        (unsafe { NonNull::new_unchecked(mapping.as_mut_ptr()) }, mapping.len())
    }
}

/// A file that is mapped completely, from its first byte on.
pub(crate) struct Mapped {
    file: File,
    mapping: Arc<MmapRaw>,
    /// The entry of this mapping in the list of this process.
    extent: Arc<Extent>,
}

/// Why a file cannot be mapped, or be resized.
pub(crate) enum Problem {
    /// An error from the operating system.
    System(io::Error),
    /// The file is a device, a pipe or a socket.
    Irregular,
    /// The file has no bytes, and no length was given.
    Empty,
    /// The file is longer than the given length.
    Longer { has: u64 },
    /// The file has become longer than its mapping, because something else has appended to it.
    Grown { has: u64, mapped: usize },
    /// The file has become shorter than its mapping.
    Truncated { has: u64, mapped: usize },
    /// Another mapping of this process would lose bytes.
    Shown { others: usize },
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl Mapped {
    /// Opens and maps an existing file. With a `length`, the file first grows to that many bytes.
    pub(crate) fn open(path: &Path, length: Option<usize>) -> Result<Self, Problem> {
        // On Unix, `growth` needs the append mode. Elsewhere a file that is open for appending cannot be mapped.
        let file = OpenOptions::new().read(true).write(true).append(cfg!(unix)).open(path)?;
        let mut extents = Extents::lock();
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(Problem::Irregular);
        }
        let has = found.len();
        match length {
            None if has == 0 => return Err(Problem::Empty),
            Some(length) if (length as u64) < has => return Err(Problem::Longer { has }),
            _ => {}
        }
        let mapping = match length {
            Some(length) if length as u64 > has => grow_and_map(&file, has, length)?,
            _ => map(&file, usize::try_from(has).map_err(|_| too_large())?)?,
        };
        let extent = extents.add(&found, mapping.len());
        Ok(Self { file, mapping: Arc::new(mapping), extent })
    }

    pub(crate) fn storage(&self) -> Mapping {
        Mapping(Arc::clone(&self.mapping))
    }

    /// Checks that the file still has all mapped bytes: an access to bytes that it lost is a fault that ends the
    /// process.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let (has, mapped) = (self.file.metadata()?.len(), self.mapping.len());
        if has < mapped as u64 { Err(Problem::Truncated { has, mapped }) } else { Ok(()) }
    }

    /// Makes the file and its mapping `length` bytes long. On an error, nothing has changed.
    pub(crate) fn resize(&mut self, length: usize) -> Result<(), Problem> {
        let mut extents = Extents::lock();
        self.check()?;
        let (has, mapped) = (self.file.metadata()?.len(), self.mapping.len());
        if has > mapped as u64 {
            return Err(Problem::Grown { has, mapped });
        }
        let mapping = if length as u64 > has {
            grow_and_map(&self.file, has, length)?
        } else {
            let others = extents.longest_beside(&self.extent);
            if others > length {
                return Err(Problem::Shown { others });
            }
            // Map first: if mapping fails, the file has not become shorter.
            let mapping = map(&self.file, length)?;
            if (length as u64) < has {
                self.file.set_len(length as u64)?;
            }
            mapping
        };
        extents.set_length(&self.extent, length);
        self.mapping = Arc::new(mapping);
        Ok(())
    }

    /// A function that writes the memory to the disk. It stays valid if `self` is resized or dropped.
    pub(crate) fn flusher(&self) -> impl FnOnce() -> io::Result<()> + Send + use<> {
        let mapping = Arc::clone(&self.mapping);
        move || mapping.flush()
    }
}

/// Maps before growing, so that a file that cannot be mapped does not grow.
#[cfg(unix)]
fn grow_and_map(file: &File, has: u64, length: usize) -> io::Result<MmapRaw> {
    growth::check(file, has, length as u64)?;
    // The file does not have all these bytes yet, but nothing accesses them before it has.
    let mapping = map(file, length)?;
    growth::grow(file, has, length as u64)?;
    Ok(mapping)
}

/// Grows before mapping: these systems cannot map more bytes than a file has.
#[cfg(not(unix))]
fn grow_and_map(file: &File, has: u64, length: usize) -> io::Result<MmapRaw> {
    growth::check(file, has, length as u64)?;
    growth::grow(file, has, length as u64)?;
    map(file, length).inspect_err(|_| growth::undo(file, has, length as u64))
}

fn map(file: &File, length: usize) -> io::Result<MmapRaw> {
    MmapOptions::new().len(length).map_raw(file)
}

fn too_large() -> Problem {
    Problem::System(io::Error::from(io::ErrorKind::FileTooLarge))
}
