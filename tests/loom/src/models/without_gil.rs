//! What must hold without a GIL: every thread may do everything at any time.

mod closing;
mod fields;
mod imported;
mod lifetime;
mod stable;
mod views;

use super::*;
use crate::lock::free_threaded;

/// A block and its published layout.
struct World {
    lock: free_threaded::Lock,
    memory: Memory,
    layout: UnsafeCell<u32>,
    pin: Pin,
    len: AtomicUsize,
    holds: Holds,
}

/// The content of every published layout.
const LAYOUT: u32 = 42;

impl World {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            lock: free_threaded::Lock::new(),
            memory: Memory::new(),
            layout: UnsafeCell::new(0),
            pin: Pin::new(),
            len: AtomicUsize::new(1),
            holds: Holds::new(),
        })
    }

    fn write_layout(&self, value: u32) {
        // SAFETY: loom checks that no access races with it.
        self.layout.with_mut(|layout| unsafe { *layout = value });
    }

    fn assert_layout(&self) {
        // SAFETY: loom checks that no write races with it.
        assert_eq!(self.layout.with(|layout| unsafe { *layout }), LAYOUT, "a layout that nobody published");
    }

    /// Accesses the memory under a guard, if the guard is granted.
    fn try_guard(&self, kind: GuardKind) {
        if self.lock.begin(kind).is_ok() {
            if kind == GuardKind::Write {
                self.memory.write();
            } else {
                self.memory.read();
            }
            self.lock.end();
        }
    }

    /// Requests a view, and gives up after three attempts; `None` if it is refused.
    fn view(&self, wants: Wants) -> Option<ViewKind> {
        for _ in 0..3 {
            let admission = self.lock.admit(wants).ok()?;
            if !admission.is_first() {
                match self.lock.join(&admission) {
                    Ok(()) => {
                        self.assert_layout();
                        return Some(admission.access());
                    }
                    Err(Missed::Changed) => {}
                    Err(Missed::Unpublished) => return None,
                }
            } else if self.lock.claim(&admission) == Ok(()) {
                // Write in two steps, as arrays are written element by element.
                self.write_layout(0);
                self.write_layout(LAYOUT);
                self.lock.publish(&admission);
                return Some(admission.access());
            }
        }
        None
    }

    /// Requests a view, and reads its layout if it is granted.
    fn try_read_view(&self) {
        if let Some(access) = self.view(READER) {
            self.assert_layout();
            self.release(access);
        }
    }

    /// Writes the memory under a view, if the view is granted.
    fn try_write_view(&self) {
        if let Some(access) = self.view(WRITER) {
            self.memory.write();
            self.release(access);
        }
    }

    /// Reads the memory under a view, and ends the view.
    fn read_and_release(&self, access: ViewKind) {
        self.memory.read();
        self.release(access);
    }

    /// Claims the first view, and abandons it as if the layout did not fit.
    fn fail_to_view(&self) {
        if let Ok(admission) = self.lock.admit(READER)
            && admission.is_first()
            && self.lock.claim(&admission) == Ok(())
        {
            self.write_layout(0);
            assert!(self.lock.abandon(admission.access()).owner);
        }
    }

    /// Begins to close as a cell does, but gives up after a few attempts.
    fn begin_closing(&self) -> Option<Closing> {
        for _ in 0..3 {
            match self.lock.begin_closing().ok()? {
                Closing::Underway if self.pin.had_tensors() => thread::yield_now(),
                closing => return Some(closing),
            }
        }
        None
    }

    /// Closes as a cell does. Returns whether the cell is closed; the thread that began the closing frees the memory.
    fn close(&self) -> bool {
        let Some(closing) = self.begin_closing() else { return self.lock.is_closed() };
        if self.pin.admit_beside_tensors(GuardKind::Closed).is_err() {
            if closing == Closing::Begun {
                self.lock.stay_open();
            }
            return false;
        }
        self.len.store(0, Ordering::Relaxed);
        self.lock.close();
        if closing == Closing::Begun {
            self.memory.free();
        }
        true
    }

    /// Closes, and checks that the cell is closed if that was possible. Returns whether it was.
    fn close_and_look(&self) -> bool {
        let closed = self.close();
        if closed {
            self.assert_closed();
        }
        closed
    }

    fn assert_closed(&self) {
        assert!(self.lock.is_closed());
        assert_eq!(self.len.load(Ordering::Relaxed), 0, "a closed cell is empty");
    }

    fn release(&self, access: ViewKind) {
        if self.lock.release(access).is_last() {
            self.give_up();
        }
    }

    /// Requests a tensor, under a view that is then released. Returns whether the tensor was granted. It has a lease of
    /// its own.
    fn tensor(&self) -> bool {
        let Some(access) = self.view(WRITER) else { return false };
        self.pin.begin_tensor(access).unwrap();
        self.holds.add();
        self.release(access);
        true
    }

    fn end_tensor(&self) {
        self.memory.write();
        self.pin.end_tensor();
        self.give_up();
    }

    fn drop_owner(&self) {
        if self.lock.disown() == Disowned::Free {
            self.give_up();
        }
    }

    /// Frees the memory, unless leases are left.
    fn give_up(&self) {
        if self.holds.give_up() {
            self.memory.free();
        }
    }

    /// Begins an owned share guard.
    fn lease(&self) {
        self.lock.begin(GuardKind::Share).unwrap();
        self.holds.add();
    }

    /// Reads the memory under an owned share guard, and ends the guard.
    fn read_and_end_lease(&self) {
        self.memory.read();
        self.end_lease();
    }

    /// Ends an owned share guard. If its lease ends last, it frees the memory.
    fn end_lease(&self) {
        // The lock is in the memory that is freed.
        self.memory.read();
        self.lock.end();
        self.give_up();
    }
}
