//! What must hold with a GIL. A mutex stands for the GIL.

mod fields;
mod guards;
mod imported;
mod lifetime;
mod stable;

use super::*;
use crate::lock::gil;

/// A block, the GIL, and the queue of orphans.
struct World {
    lock: gil::Lock,
    memory: Memory,
    gil: Mutex<()>,
    orphaned: Mutex<bool>,
    pin: Pin,
    holds: Holds,
}

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            lock: gil::Lock::new(),
            memory: Memory::new(),
            gil: Mutex::new(()),
            orphaned: Mutex::new(false),
            pin: Pin::new(),
            holds: Holds::new(),
        })
    }

    fn attached<R>(&self, work: impl FnOnce(&gil::Lock) -> R) -> R {
        let _gil = self.gil.lock().unwrap();
        work(&self.lock)
    }

    /// Requests a view; `None` if it is refused.
    fn view(&self, wants: Wants) -> Option<ViewKind> {
        self.attached(|lock| {
            let admission = lock.admit(wants).ok()?;
            let entry = if admission.is_first() { lock.claim(&admission) } else { lock.join(&admission) };
            assert_eq!(entry, Ok(()));
            Some(admission.access())
        })
    }

    /// Reads the memory under a view, if the view is granted.
    fn try_read_view(&self) {
        if let Some(access) = self.view(READER) {
            self.memory.read();
            self.release(access);
        }
    }

    /// Writes the memory under a view, if the view is granted.
    fn try_write_view(&self) {
        if let Some(access) = self.view(WRITER) {
            self.write_and_release(access);
        }
    }

    /// Writes the memory under a view, and ends the view.
    fn write_and_release(&self, access: ViewKind) {
        self.memory.write();
        self.release(access);
    }

    /// Begins a guard, on an attached thread.
    fn begin(&self, kind: GuardKind) -> Result<Beside, Blocker> {
        self.attached(|lock| lock.begin(kind))
    }

    /// Writes the memory under a write guard, if the guard is granted.
    fn try_write(&self) {
        if self.begin(GuardKind::Write).is_ok() {
            self.write_and_end();
        }
    }

    /// Writes the memory under a write guard, and ends the guard.
    fn write_and_end(&self) {
        self.memory.write();
        self.lock.end_write();
    }

    fn release(&self, access: ViewKind) {
        self.attached(|lock| {
            if lock.release(access).is_last() {
                self.give_up();
            }
        });
    }

    /// Frees the memory, unless leases are left.
    fn give_up(&self) {
        if self.holds.give_up() {
            self.memory.free();
        }
    }

    /// Begins an owned share guard.
    fn lease(&self) {
        self.begin(GuardKind::Share).unwrap();
        self.holds.add();
    }

    /// Reads the memory under an owned share guard, and ends the guard.
    fn read_and_end_lease(&self, drops_plainly: bool) {
        self.memory.read();
        self.end_lease(drops_plainly);
    }

    /// Ends an owned share guard, on any thread. If its lease ends last, it frees the memory or pushes it on the queue.
    fn end_lease(&self, drops_plainly: bool) {
        // The lock is in the memory that is freed.
        self.memory.read();
        self.lock.end();
        if self.holds.give_up() {
            if drops_plainly {
                self.memory.free();
            } else {
                *self.orphaned.lock().unwrap() = true;
            }
        }
    }

    /// Begins a tensor, under a view that is then released. The tensor has a lease of its own.
    fn tensor(&self) {
        let access = self.view(WRITER).unwrap();
        self.attached(|_| {
            self.pin.begin_tensor(access).unwrap();
            self.holds.add();
        });
        self.release(access);
    }

    /// Ends a tensor, on any thread. The storage of the tensor drops plainly.
    fn end_tensor(&self) {
        self.memory.write();
        self.pin.end_tensor();
        self.give_up();
    }

    /// Drops the owner, on any thread.
    fn drop_owner(&self) {
        match self.lock.disown() {
            Disowned::Free => self.give_up(),
            Disowned::Orphaned => *self.orphaned.lock().unwrap() = true,
            Disowned::LeftToViews => unreachable!("only the other lock leaves it to views"),
        }
    }

    fn drain(&self) {
        self.attached(|lock| {
            if std::mem::take(&mut *self.orphaned.lock().unwrap()) && lock.disown_orphan() {
                self.give_up();
            }
        });
    }
}
