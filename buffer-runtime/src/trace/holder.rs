//! Lists what holds the memory of a cell.

use std::fmt;
use std::panic::Location;
use std::ptr;
use std::time::{Duration, Instant};

use super::registry;
use crate::cell::{GuardPlace, Header};
use crate::lock::{GuardKind, ViewKind, Views};
use crate::memory::{self, NoMemory, push};

/// A Python view or a guard that is alive. See [`ExportCell::holders`](crate::ExportCell::holders).
///
/// A field is `None` if its value is not known. For a guard, the file and the line are those of the Rust code; if
/// several guards are alive, those of the one that was taken last.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The kind of view or guard.
    pub access: Holding,
    /// The file of the code that took it, as a Python traceback shows it.
    pub file: Option<&'static str>,
    /// The line in that file.
    pub line: Option<u32>,
    /// The name of the Python function; `<module>` outside of functions.
    pub function: Option<&'static str>,
    /// The name of the thread that took it, as Python's `threading` listed it when the thread first took a traced view.
    pub thread: Option<Box<str>>,
    /// How long ago it was taken.
    pub age: Option<Duration>,
}

/// How a [`Holder`] holds the memory. `Display` prints the text that Python gets: `writable view`, `read guard`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Holding {
    /// A Python view that may write.
    WritableView,
    /// A Python view that may not write.
    ReadOnlyView,
    /// A Python view during which nobody writes the memory.
    StableView,
    /// A tensor that was exported through DLPack. All other fields are `None`.
    Tensor,
    /// A [`ReadGuard`](crate::ReadGuard).
    GuardToRead,
    /// A [`ShareGuard`](crate::ShareGuard) or an [`OwnedShareGuard`](crate::OwnedShareGuard).
    GuardToShare,
    /// A [`WriteGuard`](crate::WriteGuard).
    GuardToWrite,
}

impl fmt::Display for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WritableView => "writable view",
            Self::ReadOnlyView => "read-only view",
            Self::StableView => "stable view",
            Self::Tensor => "tensor",
            Self::GuardToRead => "read guard",
            Self::GuardToShare => "share guard",
            Self::GuardToWrite => "write guard",
        })
    }
}

impl From<ViewKind> for Holding {
    fn from(kind: ViewKind) -> Self {
        match kind {
            ViewKind::Writable => Self::WritableView,
            ViewKind::ReadOnly => Self::ReadOnlyView,
        }
    }
}

/// `writable view, taken at /home/me/train.py:31 in fit by MainThread, 12.3 s ago`, without the parts that are not
/// known.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.access)?;
        if let (Some(file), Some(line)) = (self.file, self.line) {
            write!(f, ", taken at {file}:{line}")?;
        }
        if let Some(function) = self.function {
            write!(f, " in {function}")?;
        }
        if let Some(thread) = &self.thread {
            write!(f, " by {thread}")?;
        }
        if let Some(age) = self.age {
            write!(f, ", {:.1} s ago", age.as_secs_f64())?;
        }
        Ok(())
    }
}

impl Holder {
    fn unknown(access: Holding) -> Self {
        Self { access, file: None, line: None, function: None, thread: None, age: None }
    }
}

/// All views, tensors and guards of a block: traced views first, newest first.
///
/// # Errors
///
/// There is no memory for the list.
pub(crate) fn holders(header: &Header) -> Result<Vec<Holder>, NoMemory> {
    if super::is_on() {
        header.lock.trace(true);
    }
    let mut holders = Vec::new();
    let mut result = Ok(());
    let now = Instant::now();
    registry::each(ptr::from_ref(header).addr(), |note, thread| {
        let place = note.place;
        let mut add = || {
            let holder = Holder {
                file: place.map(|place| &*place.file),
                line: place.map(|place| place.line),
                function: place.map(|place| &*place.function),
                thread: thread.map(memory::text).transpose()?,
                age: Some(now.saturating_duration_since(note.since)),
                ..Holder::unknown(note.holding)
            };
            push(&mut holders, holder)
        };
        result = result.and_then(|()| add());
    });
    result?;

    let count = |access| holders.iter().filter(|holder| holder.access == access).count();
    // A stable view is also counted as a read-only one.
    let (Views { writable, readonly }, counted) = (header.lock.views(), header.lock.stable_views());
    // The guard of imported memory is counted as that of a stable view, but nobody can end it.
    let stable = if header.kind.imports { 0 } else { counted };
    let readonly = readonly.saturating_sub(stable);
    let kinds = [(Holding::WritableView, writable), (Holding::ReadOnlyView, readonly), (Holding::StableView, stable)];
    let untraced = kinds.map(|(access, alive)| (access, (alive as usize).saturating_sub(count(access))));
    for (access, count) in untraced {
        for _ in 0..count {
            push(&mut holders, Holder::unknown(access))?;
        }
    }
    for _ in 0..header.pin.tensors() {
        push(&mut holders, Holder::unknown(Holding::Tensor))?;
    }
    guards(header, counted, &mut holders)?;
    Ok(holders)
}

/// Adds the guards, except for the read guards that belong to stable views.
fn guards(header: &Header, stable: u32, holders: &mut Vec<Holder>) -> Result<(), NoMemory> {
    let Some((kind, count)) = header.lock.guards() else { return Ok(()) };
    let count = if kind == GuardKind::Read { count.saturating_sub(stable) } else { count };
    let access = match kind {
        GuardKind::Read => Holding::GuardToRead,
        GuardKind::Share => Holding::GuardToShare,
        GuardKind::Write => Holding::GuardToWrite,
        // A closed cell has a guard that nobody holds.
        GuardKind::Closed => return Ok(()),
    };
    let location = header.guard_place().map(GuardPlace::location);
    for _ in 0..count {
        let file = location.map(Location::file);
        let line = location.map(Location::line);
        push(holders, Holder { file, line, ..Holder::unknown(access) })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_shows_what_is_known_of_it() {
        let view = Holder {
            file: Some("/home/me/train.py"),
            line: Some(31),
            function: Some("fit"),
            thread: Some("MainThread".into()),
            age: Some(Duration::from_millis(12_345)),
            ..Holder::unknown(Holding::WritableView)
        };
        assert_eq!(view.to_string(), "writable view, taken at /home/me/train.py:31 in fit by MainThread, 12.3 s ago");
        let guard = Holder { file: Some("src/lib.rs"), line: Some(7), ..Holder::unknown(Holding::GuardToShare) };
        assert_eq!(guard.to_string(), "share guard, taken at src/lib.rs:7");
        assert_eq!(Holder::unknown(Holding::ReadOnlyView).to_string(), "read-only view");
    }
}
