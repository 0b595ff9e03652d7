//! The heap block behind a cell: lock, captured parts, published layout and storage, at one address for life.
//!
//! That no view dangles and that release always works (promises 1 and 3 in `docs/design.md`) rests on this block. A
//! view stores the block's address, so it needs neither the Python object nor the cell to end. The owner, the last view
//! or the last lease frees the block, whichever ends last.
//!
//! The invariants that every `unsafe` block about cells cites:
//!
//! 1. The block never moves. No `Box` of it and no `&mut` to it exists while views or guards are alive.
//! 2. The captured pointer, length and own layout change only under a write guard, and are captured anew before that
//!    guard is released. If that guard is the last one, because the cell is being closed, other closing threads also
//!    set the length to 0.
//! 3. No reference to the storage exists outside a write guard; read guards build `&[T]` from the captured parts.
//! 4. The layout is written only by the thread that claimed the step from 0 to 1 views, before it publishes, or by the
//!    holder of the write guard. It is read only under a view that is counted, or by that claimer.
//! 5. No user code, and no call into Python that can raise, runs between that claim and the publication.
//! 6. After its decrement a releaser touches the block only if it is the one to free it.
//! 7. Every field that changes is atomic or an `UnsafeCell`; release works through raw projections.
//! 8. Writable views and share guards exclude read guards; a write guard excludes everything.
//! 9. No view and no guard begins once the owner is dropped.
//! 10. The block is alive as long as anyone has a hold on it: the owner and the views have one together, and each lease
//!     has one (`lock::Holds`). Who gives up the last hold frees the block, or leaves it in the queue with that hold.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use super::published::Published;
use crate::fork;
use crate::layout::Memory;
use crate::lock::{GuardKind, Holds, Lock, Pin};
use crate::memory::{NoMemory, boxed};
use crate::storage::{Exportable, OwnLayout};

/// The part of a block that does not depend on the type of its storage. It is aligned so that a view can store a tag in
/// the low bits of its address.
#[repr(C, align(64))]
pub(crate) struct Header {
    pub(crate) lock: Lock,
    /// Where the elements are. Invariant 2.
    data: AtomicPtr<u8>,
    /// How many elements or rows there are; any thread may read it. Invariant 2.
    len: AtomicUsize,
    /// How many elements a row has, if rows are allocated one by one. Invariant 2.
    row_len: AtomicUsize,
    /// What kind of memory this is.
    pub(crate) kind: MemoryKind,
    /// Invariant 4.
    layout: UnsafeCell<Published>,
    /// Drops the storage and frees the block. A function pointer, because the last view may end in the release of another
    /// class.
    destroy: unsafe fn(NonNull<Header>),
    /// Whether the storage is still there; closing moves it out, under the lock.
    stored: AtomicBool,
    /// The memory layout of the elements, if the storage has a layout of its own. Invariant 2.
    own: UnsafeCell<OwnLayout>,
    pub(crate) pin: Pin,
    /// Invariant 10.
    pub(super) holds: Holds,
    /// The address of the next block in the queue of orphans, or 0.
    pub(super) next_orphan: AtomicUsize,
}

/// What the type of a storage determines about its memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MemoryKind {
    /// The size of one element in bytes.
    pub(crate) element_size: usize,
    /// Whether dropping the storage only frees memory: it runs no user code, calls no Python, and cannot panic.
    pub(super) drops_plainly: bool,
    /// Whether rows are allocated one by one, and are reached through pointers.
    pub(crate) indirect: bool,
}

/// The header, followed by the storage.
#[repr(C)]
pub(super) struct Block<S> {
    header: Header,
    /// Invariant 3. Uninitialised if `stored` is false.
    storage: UnsafeCell<MaybeUninit<S>>,
}

impl Header {
    /// Where the elements are. The pointer may be used under a view or a guard, within invariants 2 and 8.
    #[inline(always)]
    pub(crate) fn data(&self) -> *mut u8 {
        // Relaxed: the holder of a view or a guard has acquired the lock, which the last writer released.
        self.data.load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Sets the length to 0. The caller has found that the cell is being closed and that nothing can stop the closing.
    /// So no view or guard reads the length, and no thread captures a new one (invariant 2).
    pub(super) fn forget_len(&self) {
        self.len.store(0, Ordering::Relaxed);
        self.row_len.store(0, Ordering::Relaxed);
    }

    /// The memory against which a layout is resolved.
    #[inline(always)]
    pub(crate) fn memory(&self) -> Memory {
        let row_len = || self.row_len.load(Ordering::Relaxed);
        Memory { len: self.len(), row_len: self.kind.indirect.then(row_len) }
    }

    /// The size of all elements in bytes; meaningless if rows are allocated one by one.
    pub(crate) fn bytes(&self) -> usize {
        // The size of memory that exists does not overflow (Storage, clause 1).
        self.len() * self.kind.element_size
    }

    /// The memory layout of the elements, if they are not simply one after the other.
    ///
    /// # Safety
    ///
    /// The caller holds a view or a guard other than a write guard, or has claimed the first view.
    pub(crate) unsafe fn own_layout(&self) -> &OwnLayout {
        // SAFETY: what the caller vouches for excludes write guards (invariants 2 and 8).
        unsafe { &*self.own.get() }
    }

    pub(super) fn is_stored(&self) -> bool {
        self.stored.load(Ordering::Relaxed)
    }

    /// The layout that live views share.
    ///
    /// # Safety
    ///
    /// The caller holds a view that is counted and whose layout is published, or has claimed the first one.
    #[inline(always)]
    pub(crate) unsafe fn published(&self) -> &Published {
        // SAFETY: the caller vouches that no thread writes it (invariant 4).
        unsafe { &*self.layout.get() }
    }

    /// The same layout, to be written.
    ///
    /// # Safety
    ///
    /// The caller has claimed the first view and not published yet, or has exclusive access to the block; and no other
    /// reference to the layout exists.
    #[expect(clippy::mut_from_ref, reason = "invariant 4 makes it exclusive")]
    pub(super) unsafe fn layout_mut(&self) -> &mut Published {
        // SAFETY: the caller vouches that no other thread reads or writes it (invariant 4).
        unsafe { &mut *self.layout.get() }
    }

    /// Gives up the hold of the owner and the views. Unless leases are left, drops the storage and frees the block.
    ///
    /// # Safety
    ///
    /// By the lock's word, the caller has the last reference to the block but for leases; or it has taken the block
    /// from the queue of orphans, and no view is alive. It does not use the block afterwards.
    ///
    /// # Panics
    ///
    /// If the storage's drop panics. The block is freed all the same.
    pub(crate) unsafe fn give_up(this: NonNull<Self>) {
        // SAFETY: the caller has a hold on the block. Only the count is referenced, which is atomic (invariant 6).
        let holds = unsafe { &(*this.as_ptr()).holds };
        if holds.give_up() {
            // SAFETY: the hold was the last one (invariant 10).
            unsafe { Self::destroy(this) };
        }
    }

    /// Drops the storage and frees the block.
    ///
    /// # Safety
    ///
    /// The caller has the last hold on the block, and does not use it afterwards.
    ///
    /// # Panics
    ///
    /// If the storage's drop panics. The block is freed all the same.
    pub(super) unsafe fn destroy(this: NonNull<Self>) {
        // SAFETY: the caller vouches that the block is alive; the field never changes.
        let destroy = unsafe { (*this.as_ptr()).destroy };
        // SAFETY: the header was created together with this function, and the caller has the last hold.
        unsafe { destroy(this) };
    }
}

impl<S> Block<S> {
    /// The type-erased header, which is at the block's address.
    pub(super) fn header(this: NonNull<Self>) -> NonNull<Header> {
        this.cast()
    }
}

impl<S: Exportable> Block<S> {
    /// Moves the storage into a block of its own.
    pub(super) fn allocate(storage: S) -> NonNull<Self> {
        let block = Self::leaked(Box::new(Self::of(MaybeUninit::new(storage), true)));
        // SAFETY: the block is new, so nobody else knows it or its storage.
        unsafe { Self::capture(block) };
        block
    }

    /// A block that is closed, and so will never have a storage.
    pub(super) fn without_storage() -> Result<NonNull<Self>, NoMemory> {
        let block = Self::leaked(boxed(Self::of(MaybeUninit::uninit(), false))?);
        // SAFETY: the block is alive, and nobody else knows it.
        let header = unsafe { Self::header(block).as_ref() };
        header.lock.begin_exclusive(GuardKind::Closed).expect("a new lock has nothing in the way");
        Ok(block)
    }

    /// A block with no captured elements.
    fn of(storage: MaybeUninit<S>, stored: bool) -> Self {
        fork::note();
        Self {
            header: Header {
                lock: Lock::new(),
                pin: Pin::new(),
                data: AtomicPtr::new(NonNull::<S::Element>::dangling().as_ptr().cast()),
                len: AtomicUsize::new(0),
                row_len: AtomicUsize::new(0),
                kind: MemoryKind {
                    element_size: size_of::<S::Element>(),
                    drops_plainly: S::DROPS_PLAINLY,
                    indirect: S::INDIRECT,
                },
                layout: UnsafeCell::new(Published::unresolved()),
                destroy: Self::destroy,
                stored: AtomicBool::new(stored),
                own: UnsafeCell::default(),
                holds: Holds::new(),
                next_orphan: AtomicUsize::new(0),
            },
            storage: UnsafeCell::new(storage),
        }
    }

    fn leaked(block: Box<Self>) -> NonNull<Self> {
        // SAFETY: the pointer of a Box is not null.
        unsafe { NonNull::new_unchecked(Box::into_raw(block)) }
    }

    /// The storage, as a raw pointer: invariant 3 says when a reference may be made from it.
    ///
    /// # Safety
    ///
    /// The block is alive.
    pub(super) unsafe fn storage(this: NonNull<Self>) -> *mut S {
        // SAFETY: the caller vouches for a live block; this only computes an address in it.
        let cell = unsafe { &raw const (*this.as_ptr()).storage };
        UnsafeCell::raw_get(cell).cast()
    }

    /// Captures where the elements are now.
    ///
    /// # Safety
    ///
    /// The block is alive, its storage is there, and the caller has exclusive access: it holds the write guard, or
    /// nothing else refers to the block yet.
    pub(super) unsafe fn capture(this: NonNull<Self>) {
        // SAFETY: the caller vouches for a live block.
        let storage = unsafe { Self::storage(this) };
        // SAFETY: the caller vouches for a live block; a shared reference is enough (invariant 7).
        let header = unsafe { Self::header(this).as_ref() };
        // SAFETY: the caller has exclusive access to the block, and so to what is captured there (invariant 2).
        let own = unsafe { &mut *header.own.get() };
        // SAFETY: the caller has exclusive access to the storage.
        let captured = unsafe { S::capture(storage, own) };
        header.data.store(captured.data.as_ptr(), Ordering::Relaxed);
        let was = (header.len(), header.row_len.load(Ordering::Relaxed));
        if S::STRIDED || was != (captured.len, captured.row_len) {
            // SAFETY: the caller has exclusive access to the block, so no reference to the layout exists (invariant 4).
            unsafe { header.layout_mut() }.outdate();
        }
        header.len.store(captured.len, Ordering::Relaxed);
        header.row_len.store(captured.row_len, Ordering::Relaxed);
    }

    /// Moves the storage out for good. The captured parts become those of an empty buffer.
    ///
    /// # Safety
    ///
    /// As for [`capture`](Self::capture); and no view and no guard may begin afterwards.
    pub(super) unsafe fn take(this: NonNull<Self>) -> S {
        // SAFETY: the caller vouches for a live block.
        let header = unsafe { Self::header(this).as_ref() };
        header.stored.store(false, Ordering::Relaxed);
        header.data.store(NonNull::<S::Element>::dangling().as_ptr().cast(), Ordering::Relaxed);
        header.forget_len();
        // SAFETY: as in `capture` (invariant 2).
        unsafe { &mut *header.own.get() }.clear();
        // SAFETY: the caller vouches for a live block.
        let storage = unsafe { Self::storage(this) };
        // SAFETY: the storage was there and is the caller's; `stored` prevents a second drop.
        unsafe { storage.read() }
    }

    /// [`Header::destroy`] for this type of storage.
    unsafe fn destroy(header: NonNull<Header>) {
        /// Frees the block even if the storage's drop panics.
        struct Free<S>(*mut Block<S>);

        impl<S> Drop for Free<S> {
            fn drop(&mut self) {
                // SAFETY: `boxed` made the block from a Box, and the caller of `destroy` has the last hold on it.
                // The storage is not dropped with it, because it is a MaybeUninit.
                drop(unsafe { Box::from_raw(self.0) });
            }
        }

        let block = header.cast::<Self>();
        let _free = Free(block.as_ptr());
        // SAFETY: the caller vouches for a live block.
        let stored = unsafe { header.as_ref() }.is_stored();
        if stored {
            // SAFETY: the block is alive until `_free` is dropped.
            let storage = unsafe { Self::storage(block) };
            // SAFETY: the storage is there, by `stored`, and nothing else can reach it.
            unsafe { storage.drop_in_place() };
        }
    }
}
