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
//! 3. No reference to the storage exists outside a write guard; read guards build `&[T]` from the captured parts,
//!    unless the memory may be imported (12).
//! 4. The layout is written only by the thread that claimed the step from 0 to 1 views, before it publishes, or by the
//!    holder of the write guard. It is read only under a view that is counted, or by that claimer. Without an owner,
//!    only the queue of orphans writes it: the link to the next block.
//! 5. No user code, and no call into Python that can raise, runs between that claim and the publication.
//! 6. After its decrement a releaser touches the block only if it is the one to free it.
//! 7. Every field that changes is atomic or an `UnsafeCell`; release works through raw projections.
//! 8. Writable views and share guards exclude read guards; a write guard excludes everything. A stable view has a read
//!    guard.
//! 9. No view and no guard begins once the owner is dropped.
//! 10. The block is alive as long as anyone has a hold on it: the owner and the views have one together, and each lease
//!     has one (`lock::Holds`). Whoever gives up the last hold frees the block, or pushes it on the queue together with
//!     that hold.
//! 11. The storage is there unless the lock is closed. The thread to which the lock gives the closed state moves the
//!     storage out before it lets go of the owner; a block without a storage is closed from the start.
//! 12. While the storage is imported, the lock has a read guard for it, which began with the block. So nothing writes
//!     the captured memory through this crate: no writable view, no share guard. The guard ends when the elements have
//!     been copied to memory of the cell's own (`cell::imported`). Safe code has no imported storage outside a block.
//!
//! A block is small, because there may be a million. What the type of its storage determines is behind one pointer; the
//! numbers of a layout of two dimensions are in the block; and what few storages need follows the storage.

mod header;

use std::alloc::{self, Layout};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::Ordering;

pub(crate) use self::header::{Header, MemoryKind};

use self::header::OwnShape;
use super::published::Published;
use crate::fork;
use crate::lock::GuardKind;
use crate::memory::{NoMemory, allocate};
use crate::storage::{Exportable, OwnLayout};

/// The header, followed by the storage. An [`OwnShape`] may follow; see [`MemoryKind::own`].
#[repr(C)]
pub(super) struct Block<S> {
    header: Header,
    /// Invariant 3. Uninitialised in a closed block (invariant 11).
    storage: UnsafeCell<MaybeUninit<S>>,
}

impl<S> Block<S> {
    /// The type-erased header, which is at the block's address.
    pub(super) fn header(this: NonNull<Self>) -> NonNull<Header> {
        this.cast()
    }
}

impl<S: Exportable> Block<S> {
    const KIND: &'static MemoryKind = &MemoryKind {
        element_size: size_of::<S::Element>(),
        drops_plainly: S::DROPS_PLAINLY,
        stable: S::STABLE,
        imports: S::IMPORTS,
        indirect: S::INDIRECT,
        destroy: Self::destroy,
        own: Self::OWN,
    };

    /// See [`MemoryKind::own`].
    const OWN: usize =
        if S::INDIRECT || S::STRIDED { size_of::<Self>().next_multiple_of(align_of::<OwnShape>()) } else { 0 };

    /// The allocation of a block.
    const LAYOUT: Layout = {
        let size = if Self::OWN > 0 { Self::OWN + size_of::<OwnShape>() } else { size_of::<Self>() };
        let align = if align_of::<Self>() > Header::ALIGN { align_of::<Self>() } else { Header::ALIGN };
        match Layout::from_size_align(size, align) {
            Ok(layout) => layout,
            Err(_) => panic!("the storage is too large"),
        }
    };

    /// Moves the storage into a block of its own.
    pub(super) fn allocate(storage: S) -> NonNull<Self> {
        let Ok(block) = Self::new(MaybeUninit::new(storage)) else { alloc::handle_alloc_error(Self::LAYOUT) };
        // SAFETY: the block is new, so nothing else refers to it or to its storage.
        unsafe { Self::capture(block) };
        block
    }

    /// As [`allocate`](Self::allocate), unless there is no memory.
    #[cfg(feature = "pickle")]
    pub(super) fn try_allocate(storage: S) -> Result<NonNull<Self>, NoMemory> {
        let block = Self::new(MaybeUninit::uninit())?;
        // SAFETY: the block is alive.
        let place = UnsafeCell::raw_get(unsafe { &raw const (*block.as_ptr()).storage });
        // SAFETY: the block is new, so nothing else refers to it or to its storage.
        unsafe { place.write(MaybeUninit::new(storage)) };
        // SAFETY: as above.
        unsafe { Self::capture(block) };
        // SAFETY: as above.
        if S::IMPORTS && unsafe { S::is_imported(place.cast()) } {
            // SAFETY: the block is alive.
            let header = unsafe { Self::header(block).as_ref() };
            header.lock.begin_import().expect("a new lock has nothing in the way");
        }
        Ok(block)
    }

    /// A block that is closed, and so will never have a storage.
    pub(super) fn without_storage() -> Result<NonNull<Self>, NoMemory> {
        let block = Self::new(MaybeUninit::uninit())?;
        // SAFETY: the block is alive, and nothing else refers to it.
        let header = unsafe { Self::header(block).as_ref() };
        header.lock.begin_exclusive(GuardKind::Closed).expect("a new lock has nothing in the way");
        Ok(block)
    }

    /// A block with no captured elements.
    fn new(storage: MaybeUninit<S>) -> Result<NonNull<Self>, NoMemory> {
        fork::note();
        // SAFETY: a header has a size.
        let block: NonNull<Self> = unsafe { allocate(Self::LAYOUT) }?.cast();
        let header = Header::new(NonNull::<S::Element>::dangling().cast(), Self::KIND);
        // SAFETY: the new allocation has the size and the alignment of a block.
        unsafe { block.write(Self { header, storage: UnsafeCell::new(storage) }) };
        if Self::OWN > 0 {
            // SAFETY: `LAYOUT` has room for it there.
            unsafe { Self::own(block).write(OwnShape::default()) };
        }
        Ok(block)
    }

    /// Where the block's own shape is, if `OWN` is not 0.
    fn own(this: NonNull<Self>) -> *mut OwnShape {
        this.as_ptr().wrapping_byte_add(Self::OWN).cast()
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
        // SAFETY: as above.
        let own = unsafe { Header::own(Self::header(this)) };
        let mut none = OwnLayout::default();
        let own_layout = match own {
            // SAFETY: the caller has exclusive access to the block, and so to what is captured there (invariant 2).
            Some(own) => unsafe { &mut *own.layout.get() },
            None => &mut none,
        };
        // SAFETY: the caller has exclusive access to the storage.
        let captured = unsafe { S::capture(storage, own_layout) };
        let old = header.data();
        header.data.store(captured.data.as_ptr(), Ordering::Relaxed);
        let row_len = own.map_or(0, |own| own.row_len.swap(captured.row_len, Ordering::Relaxed));
        if S::STRIDED || (header.len(), row_len) != (captured.len, captured.row_len) {
            // SAFETY: the caller has exclusive access to the block, so no reference to the layout exists (invariant 4).
            unsafe { Published::outdate(header.layout.get()) };
        } else {
            // SAFETY: as above.
            unsafe { Published::follow(header.layout.get(), old, captured.data.as_ptr()) };
        }
        header.len.store(captured.len, Ordering::Relaxed);
    }

    /// Moves the storage out for good. The captured parts become those of an empty buffer.
    ///
    /// # Safety
    ///
    /// As for [`capture`](Self::capture); and no view and no guard may begin afterwards.
    pub(super) unsafe fn take(this: NonNull<Self>) -> S {
        // SAFETY: the caller vouches for a live block.
        let header = unsafe { Self::header(this).as_ref() };
        header.data.store(NonNull::<S::Element>::dangling().as_ptr().cast(), Ordering::Relaxed);
        // SAFETY: the caller vouches for a live block.
        unsafe { Header::forget_len(Self::header(this)) };
        // SAFETY: as above.
        if let Some(own) = unsafe { Header::own(Self::header(this)) } {
            // SAFETY: as in `capture` (invariant 2).
            unsafe { &mut *own.layout.get() }.clear();
        }
        // SAFETY: the caller vouches for a live block.
        let storage = unsafe { Self::storage(this) };
        // SAFETY: the storage was there and is the caller's; the closed lock prevents a second drop (invariant 11).
        unsafe { storage.read() }
    }

    /// [`Header::destroy`] for this type of storage.
    unsafe fn destroy(header: NonNull<Header>) {
        /// Frees the block even if the storage's drop panics.
        struct Free<S: Exportable>(NonNull<Block<S>>);

        impl<S: Exportable> Drop for Free<S> {
            fn drop(&mut self) {
                if Block::<S>::OWN > 0 {
                    // SAFETY: `new` wrote it, and the caller of `destroy` has the last hold on the block.
                    unsafe { Block::own(self.0).drop_in_place() };
                }
                // SAFETY: as above. The storage is not dropped with the block, because it is a MaybeUninit.
                unsafe { self.0.drop_in_place() };
                // SAFETY: `new` allocated the block with this layout, and nothing refers to it any more.
                unsafe { alloc::dealloc(self.0.as_ptr().cast(), Block::<S>::LAYOUT) };
            }
        }

        let block = header.cast::<Self>();
        let _free = Free(block);
        // SAFETY: the caller vouches for a live block.
        let closed = unsafe { header.as_ref() }.lock.is_closed();
        if !closed {
            // SAFETY: the block is alive until `_free` is dropped.
            let storage = unsafe { Self::storage(block) };
            // SAFETY: the storage is there (invariant 11), and nothing else can reach it.
            unsafe { storage.drop_in_place() };
        }
    }
}
