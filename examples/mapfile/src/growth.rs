//! How a file becomes longer while other processes may be appending to it: none of their bytes is ever cut off or
//! overwritten.
//!
//! The length of a file is set to a number nowhere in here but to undo, since by then the file may be longer than that.

use std::fs::File;
use std::io;

/// Looks whether the file may have so many bytes, before anything is done: to reserve what is not there may take all there is
/// for a moment.
#[cfg(target_os = "linux")]
pub(crate) fn check(file: &File, has: u64, length: u64) -> io::Result<()> {
    use rustix::fs::fstatvfs;
    use rustix::io::Errno;
    use rustix::process::{Resource, getrlimit};

    if getrlimit(Resource::Fsize).current.is_some_and(|limit| length > limit) {
        return Err(Errno::FBIG.into());
    }
    let disk = fstatvfs(file)?;
    // What has no blocks does not count any.
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

/// Makes a file of `has` bytes at least `length` bytes long, with room on the disk for all of it: a page that is written and
/// finds no room there is a fault that ends the process.
#[cfg(target_os = "linux")]
pub(crate) fn grow(file: &File, has: u64, length: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;

    let allocate = |flags| fallocate(file, flags, has, length - has);
    // First the room and then the length: where the disk is full half-way, the length has not changed.
    match allocate(FallocateFlags::KEEP_SIZE).and_then(|()| allocate(FallocateFlags::empty())) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
        // Cutting a file at its own end gives back what was reserved behind it.
        allocated => return Ok(allocated.inspect_err(|_| undo(file, has, has))?),
    }
    // The file system cannot do it in two steps.
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

/// As the file is open for appending, the system writes behind whatever is there, as one step.
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

/// Cuts a file back to what it had, if it still is as long as this process has made it. Another process that appends between
/// the look and the cut would lose that; no system call does both.
pub(crate) fn undo(file: &File, had: u64, made: u64) {
    if file.metadata().is_ok_and(|found| found.len() == made) {
        // There is no better answer to a failure here than the one that made us come here.
        let _ = file.set_len(had);
    }
}
