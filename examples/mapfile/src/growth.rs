//! Makes a file longer while other processes may be appending to it. On Unix, their bytes are never overwritten, and
//! are cut off only in the short race that [`undo`] describes.
//!
//! On Unix, only `undo` sets the length of a file to a number: by then, the file may be longer than that number.

use std::fs::File;
use std::io;

/// Checks whether the file may have `length` bytes, before anything is changed: an attempt to reserve more space than
/// is free may use up all free space for a moment.
#[cfg(target_os = "linux")]
pub(crate) fn check(file: &File, has: u64, length: u64) -> io::Result<()> {
    use rustix::fs::fstatvfs;
    use rustix::io::Errno;
    use rustix::process::{Resource, getrlimit};

    if getrlimit(Resource::Fsize).current.is_some_and(|limit| length > limit) {
        return Err(Errno::FBIG.into());
    }
    let disk = fstatvfs(file)?;
    // A file system that reports no blocks does not count its space.
    if disk.f_blocks > 0 && disk.f_bavail.saturating_mul(disk.f_frsize) < length - has {
        return Err(Errno::NOSPC.into());
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "the other one may fail")]
pub(crate) fn check(_file: &File, _has: u64, _length: u64) -> io::Result<()> {
    Ok(())
}

/// Makes a file of `has` bytes at least `length` bytes long, and reserves space on the disk for all of it: a write to a
/// page for which the disk has no space is a fault that ends the process.
#[cfg(target_os = "linux")]
pub(crate) fn grow(file: &File, has: u64, length: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;

    let allocate = |flags| fallocate(file, flags, has, length - has);
    // Reserve the space first, then set the length: if the disk becomes full, the length has not changed.
    match allocate(FallocateFlags::KEEP_SIZE).and_then(|()| allocate(FallocateFlags::empty())) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
        // Truncating a file at its own end frees the space that was reserved behind the end.
        allocated => return Ok(allocated.inspect_err(|_| undo(file, has, has))?),
    }
    // The file system does not support two steps.
    match allocate(FallocateFlags::empty()) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => append_zeros(file, has, length),
        allocated => Ok(allocated?),
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
pub(crate) fn grow(file: &File, has: u64, length: u64) -> io::Result<()> {
    append_zeros(file, has, length)
}

#[cfg(not(unix))]
pub(crate) fn grow(file: &File, _has: u64, length: u64) -> io::Result<()> {
    file.set_len(length)
}

/// Appends zeros. The file is open for appending, so each write goes to the end of the file in one atomic step.
#[cfg(unix)]
fn append_zeros(mut file: &File, has: u64, length: u64) -> io::Result<()> {
    use std::io::Write;

    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    let mut written = 0;
    loop {
        let missing = length.saturating_sub(file.metadata()?.len());
        if missing == 0 {
            return Ok(());
        }
        let zeros = &ZEROS[..usize::try_from(missing).map_or(ZEROS.len(), |missing| missing.min(ZEROS.len()))];
        match file.write(zeros) {
            Ok(count) => written += count as u64,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                if written > 0 {
                    undo(file, has, has + written);
                }
                return Err(error);
            }
        }
    }
}

/// Truncates a file to its old length, if it still has the length that this process gave it. If another process appends
/// between the check and the truncation, its bytes are lost: no system call does both in one step.
pub(crate) fn undo(file: &File, had: u64, made: u64) {
    if file.metadata().is_ok_and(|found| found.len() == made) {
        // Ignore a failure: the caller reports the error that made this necessary.
        let _ = file.set_len(had);
    }
}
