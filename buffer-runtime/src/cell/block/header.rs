//! The part of a block that does not depend on the type of its storage.
//!
//! The invariants that are cited are the block's.

use std::cell::UnsafeCell;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use crate::cell::began::Began;
use crate::cell::published::Published;
use crate::layout::Memory;
use crate::lock::{GuardKind, Holds, Lock, Pin};
use crate::storage::OwnLayout;
use crate::trace;

/// The part of a block that does not depend on the type of its storage. What a view needs comes first.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) lock: Lock,
    /// Where the elements are. Invariant 2.
    pub(super) data: AtomicPtr<u8>,
    /// Invariant 4.
    pub(super) layout: UnsafeCell<Published>,
    /// How many elements or rows there are; any thread may read it. Invariant 2.
    pub(super) len: AtomicUsize,
    /// What kind of memory this is.
    pub(crate) kind: &'static MemoryKind,
    /// Where the last guard began.
    pub(in crate::cell) began: Began,
    /// Invariant 10.
    pub(in crate::cell) holds: Holds,
    pub(crate) pin: Pin,
}

/// What the type of a storage determines.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on one another")]
pub(crate) struct MemoryKind {
    /// The size of one element in bytes.
    pub(crate) element_size: usize,
    /// Whether dropping the storage only frees memory: it runs no user code, calls no Python, and cannot panic.
    pub(in crate::cell) drops_plainly: bool,
    /// Whether nothing but Python and the guards writes the memory, so that a stable view may be granted.
    pub(in crate::cell) stable: bool,
    /// Whether the memory may be imported. Then the lock counts the read guard of imported memory as a stable view's.
    pub(crate) imports: bool,
    /// Whether rows are allocated one by one, and are reached through pointers.
    pub(crate) indirect: bool,
    /// Drops the storage and frees the block. A function pointer, because the last view may end in the release of
    /// another class.
    pub(super) destroy: unsafe fn(NonNull<Header>),
    /// How many bytes after the start of the block its [`OwnShape`] is; 0 if the block has none.
    pub(super) own: usize,
}

/// The data that only the blocks of some storages have: those whose rows are allocated one by one, and those with a
/// layout of their own.
#[derive(Debug, Default)]
pub(super) struct OwnShape {
    /// How many elements a row has, if rows are allocated one by one. Invariant 2.
    pub(super) row_len: AtomicUsize,
    /// The memory layout of the elements, if the storage has a layout of its own. Invariant 2.
    pub(super) layout: UnsafeCell<OwnLayout>,
}

impl Header {
    /// Blocks are aligned so that a view can store a tag in the low bits of a block's address. Allocators give 16 bytes
    /// without more work or room than 8.
    pub(in crate::cell) const ALIGN: usize = 16;

    /// The header of a block with no captured elements. `data` is aligned for them.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(super) fn new(data: NonNull<u8>, kind: &'static MemoryKind) -> Self {
        let header = Self {
            lock: Lock::new(),
            data: AtomicPtr::new(data.as_ptr()),
            layout: UnsafeCell::new(Published::unresolved()),
            len: AtomicUsize::new(0),
            kind,
            began: Began::new(),
            holds: Holds::new(),
            pin: Pin::new(),
        };
        if trace::is_on_for_new_cells() {
            header.lock.trace(true);
        }
        header
    }

    /// The header that stands in for a block that does not exist: closed, and of a block without an [`OwnShape`].
    pub(in crate::cell) fn of_no_block() -> Self {
        const NONE: &MemoryKind = &MemoryKind {
            element_size: 1,
            drops_plainly: true,
            stable: false,
            imports: false,
            indirect: false,
            destroy: |_| {},
            own: 0,
        };
        let header = Self::new(NonNull::dangling(), NONE);
        header.lock.begin_exclusive(GuardKind::Closed).expect("a new lock has nothing in the way");
        header
    }

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

    /// The block's own shape, if it has one.
    ///
    /// # Safety
    ///
    /// The block is alive.
    pub(super) unsafe fn own<'a>(this: NonNull<Self>) -> Option<&'a OwnShape> {
        // SAFETY: the caller vouches for a live block; a shared reference is enough (invariant 7).
        let offset = unsafe { this.as_ref() }.kind.own;
        // SAFETY: an offset that is not 0 is where the block has one. References to it are shared ones, because its
        // fields are atomic or an `UnsafeCell` (invariant 7).
        (offset > 0).then(|| unsafe { &*this.as_ptr().wrapping_byte_add(offset).cast() })
    }

    /// Sets the length to 0. The caller has found that the cell is being closed and that nothing can stop the closing.
    /// So no view or guard reads the length, and no thread captures a new one (invariant 2).
    ///
    /// # Safety
    ///
    /// The block is alive.
    pub(in crate::cell) unsafe fn forget_len(this: NonNull<Self>) {
        // SAFETY: the caller vouches for a live block.
        unsafe { this.as_ref() }.len.store(0, Ordering::Relaxed);
        // SAFETY: as above.
        if let Some(own) = unsafe { Self::own(this) } {
            own.row_len.store(0, Ordering::Relaxed);
        }
    }

    /// The memory against which a layout is resolved.
    ///
    /// # Safety
    ///
    /// The block is alive.
    #[inline(always)]
    pub(crate) unsafe fn memory(this: NonNull<Self>) -> Memory {
        // SAFETY: the caller vouches for a live block.
        let header = unsafe { this.as_ref() };
        if !header.kind.indirect {
            return Memory { len: header.len(), row_len: None };
        }
        // SAFETY: as above.
        let own = unsafe { Self::own(this) };
        Memory { len: header.len(), row_len: own.map(|own| own.row_len.load(Ordering::Relaxed)) }
    }

    /// The size of all elements in bytes; meaningless if rows are allocated one by one.
    pub(crate) fn bytes(&self) -> usize {
        // The size of memory that exists does not overflow (Storage, clause 1).
        self.len() * self.kind.element_size
    }

    /// The memory layout of the elements, if the storage may have one of its own.
    ///
    /// # Safety
    ///
    /// The block is alive for `'a`. Meanwhile the caller holds a view or a guard other than a write guard, or has
    /// claimed the first view.
    pub(crate) unsafe fn own_layout<'a>(this: NonNull<Self>) -> Option<&'a OwnLayout> {
        // SAFETY: the caller vouches for a live block.
        let own = unsafe { Self::own(this) }?;
        // SAFETY: what the caller vouches for excludes write guards (invariants 2 and 8).
        Some(unsafe { &*own.layout.get() })
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
    pub(in crate::cell) unsafe fn layout_mut(&self) -> &mut Published {
        // SAFETY: the caller vouches that no other thread reads or writes it (invariant 4).
        unsafe { &mut *self.layout.get() }
    }

    /// The address of the next block in the queue of orphans, or 0.
    ///
    /// # Safety
    ///
    /// The owner is dropped.
    pub(in crate::cell) unsafe fn next_orphan(&self) -> &AtomicUsize {
        // SAFETY: the layout is part of the live header, and the caller vouches for the owner.
        unsafe { Published::next_orphan(self.layout.get()) }
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
    pub(in crate::cell) unsafe fn destroy(this: NonNull<Self>) {
        // SAFETY: the caller vouches that the block is alive; the field never changes.
        let kind = unsafe { (*this.as_ptr()).kind };
        let destroy = kind.destroy;
        // SAFETY: the header was created together with this function, and the caller has the last hold.
        unsafe { destroy(this) };
    }
}
