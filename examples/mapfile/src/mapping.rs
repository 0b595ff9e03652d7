//! A file and its mapping, which are resized together or not at all.

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
/// Whoever maps the same file elsewhere writes the same memory: so nothing in this crate ever makes a slice of it. (`read` of
/// a cell would; `share` does not.)
pub(crate) struct Mapping(Arc<MmapRaw>);

// SAFETY: a mapping is initialised, at most `isize::MAX` bytes, writable, and in place until it is dropped (1, 2); only its
// address is read (3, 4). The other handle, that of `Mapped`, is for `flush` alone, which neither reads nor writes it as far as
// Rust is concerned; other processes do, which is why it is never borrowed as a slice (5). It drops on any thread (6).
unsafe impl Storage for Mapping {
    type Element = u8;
    type Access = ReadWrite;

    unsafe fn raw(this: *mut Self) -> (NonNull<u8>, usize) {
        // SAFETY: the caller vouches for a valid storage; the bytes are not in it, and not referred to.
        let Self(mapping) = unsafe { &*this };
        // SAFETY: a mapping is not at address 0.
        (unsafe { NonNull::new_unchecked(mapping.as_mut_ptr()) }, mapping.len())
    }
}

/// A file of which all is mapped, from its first byte on.
pub(crate) struct Mapped {
    file: File,
    mapping: Arc<MmapRaw>,
    /// What other mappings of this process know of this one.
    extent: Arc<Extent>,
}

/// Why a file cannot be mapped, or be resized.
pub(crate) enum Problem {
    /// What the system says.
    System(io::Error),
    /// It is a device, a pipe, a socket.
    Irregular,
    /// It has no bytes, and nobody said how many it should have.
    Empty,
    /// It is longer than asked for, by what is in it.
    Longer { has: u64 },
    /// It has become longer than what is mapped of it, by what somebody has put there.
    Grown { has: u64, mapped: usize },
    /// It has become shorter than what is mapped of it.
    Truncated { has: u64, mapped: usize },
    /// Another mapping of this process would lose some of it.
    Shown { others: usize },
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl Mapped {
    /// Opens a file that exists, and maps it. With a `length`, it grows to that many bytes first.
    pub(crate) fn open(path: &Path, length: Option<usize>) -> Result<Self, Problem> {
        // For appending, as `growth` has it, which elsewhere does not go together with mapping.
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

    /// Looks whether all that is mapped still is in the file: to touch what is not is a fault that ends the process.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let (has, mapped) = (self.file.metadata()?.len(), self.mapping.len());
        if has < mapped as u64 { Err(Problem::Truncated { has, mapped }) } else { Ok(()) }
    }

    /// Makes the file and its mapping so many bytes long. Nothing has changed where this fails.
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
            // What can fail comes first.
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

    /// Something that writes to the disk what is in memory, whatever is done to this meanwhile.
    pub(crate) fn flusher(&self) -> impl FnOnce() -> io::Result<()> + Send + use<> {
        let mapping = Arc::clone(&self.mapping);
        move || mapping.flush()
    }
}

/// What can fail comes first, so that a file that cannot be mapped does not grow.
#[cfg(unix)]
fn grow_and_map(file: &File, has: u64, length: usize) -> io::Result<MmapRaw> {
    growth::check(file, has, length as u64)?;
    // Nobody touches what is not in the file yet.
    let mapping = map(file, length)?;
    growth::grow(file, has, length as u64)?;
    Ok(mapping)
}

/// A file that is not long enough cannot be mapped.
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
