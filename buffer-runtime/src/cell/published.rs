//! The layout that live views share, in the form that a `Py_buffer` points to.
//!
//! It is part of a block. The invariants that are cited here are the block's.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::fmt;
use std::mem::offset_of;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicUsize;

use crate::layout::{self, Declaration, Descriptor, Facts, LayoutError, Memory};
use crate::memory::{NoMemory, collect};
use crate::request::{Answer, Granted};

/// The layout that live views share, and that their `Py_buffer`s point to.
///
/// It is small, because there is one in every block: the arrays of two dimensions are part of it. So it must not move
/// once it was resolved.
pub(crate) struct Published {
    /// The address of the descriptor of the class that resolved the layout. 0 if it is not resolved for the present
    /// memory. In a block that waits in the queue of orphans, the address of the next one: no view begins any more, so
    /// no class is compared.
    key: usize,
    /// The requests that are granted with the access of the class.
    pub(super) granted: &'static Granted,
    /// The fields of a granted `Py_buffer`, except those that differ from view to view.
    pub(crate) description: SharedFields,
    /// The address of a view's first item.
    buf: *mut u8,
    numbers: Numbers,
}

/// The extents, the strides and the suboffsets, as `layout::resolve` writes them, followed by the format if it is known
/// only at run time. `description.shape` says which it is: the address of `few`, or any other.
#[repr(C)]
union Numbers {
    few: [isize; FEW],
    /// An allocation whose first word is the number of its words; or NULL.
    many: *mut isize,
}

/// Enough for two dimensions without suboffsets.
const FEW: usize = layout::count_of_numbers(2, false);

/// The fields of a `Py_buffer` from `len` on, as in an answer to a full request.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct Description {
    pub(crate) len: isize,
    pub(crate) itemsize: isize,
    pub(crate) readonly: c_int,
    pub(crate) ndim: c_int,
    pub(crate) format: *const c_char,
    pub(crate) shape: *mut isize,
    pub(crate) strides: *mut isize,
    pub(crate) suboffsets: *mut isize,
    /// The [`Ticket`](super::Ticket) of the view.
    pub(crate) internal: *mut c_void,
}

/// The fields of a [`Description`] that follow from the layout. To grant a view, those that were requested are copied.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct SharedFields {
    pub(crate) len: isize,
    pub(crate) itemsize: isize,
    /// The lowest bit is what the class gives when no guard is alive; an answer shows no other. The other bits are the
    /// facts of the layout, for which there is no room elsewhere, and [`DECLARED_READONLY`](Self::DECLARED_READONLY).
    readonly: c_int,
    pub(crate) ndim: c_int,
    pub(crate) format: *const c_char,
    /// NULL if there are no dimensions, and before the layout is resolved.
    pub(crate) shape: *mut isize,
    pub(crate) strides: *mut isize,
}

const _: () = {
    assert!(offset_of!(SharedFields, len) == offset_of!(Description, len));
    assert!(offset_of!(SharedFields, itemsize) == offset_of!(Description, itemsize));
    assert!(offset_of!(SharedFields, readonly) == offset_of!(Description, readonly));
    assert!(offset_of!(SharedFields, ndim) == offset_of!(Description, ndim));
    assert!(offset_of!(SharedFields, format) == offset_of!(Description, format));
    assert!(offset_of!(SharedFields, shape) == offset_of!(Description, shape));
    assert!(offset_of!(SharedFields, strides) == offset_of!(Description, strides));
    assert!(size_of::<SharedFields>() == offset_of!(Description, suboffsets));
};

impl SharedFields {
    /// The bit of `readonly` that says whether the declaration made the layout read-only, apart from overlapping items.
    const DECLARED_READONLY: u32 = 1 << 2;
}

impl Published {
    pub(super) fn unresolved() -> Self {
        let facts = Facts { c_contiguous: true, f_contiguous: true, readonly: true, indirect: false };
        Self {
            key: 0,
            granted: Granted::NONE,
            description: SharedFields {
                len: 0,
                itemsize: 0,
                readonly: readonly(true, facts, true),
                ndim: 0,
                format: ptr::null(),
                shape: ptr::null_mut(),
                strides: ptr::null_mut(),
            },
            buf: ptr::null_mut(),
            numbers: Numbers { many: ptr::null_mut() },
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        Facts::from_bits(self.facts_in_bits())
    }

    /// Whether the declaration made the layout read-only, apart from overlapping items.
    #[inline]
    pub(super) fn is_declared_readonly(&self) -> bool {
        self.description.readonly.cast_unsigned() & SharedFields::DECLARED_READONLY != 0
    }

    /// The facts as [`Facts::to_bits`] has them, and two bits more.
    #[inline(always)]
    pub(crate) fn facts_in_bits(&self) -> u32 {
        self.description.readonly.cast_unsigned()
    }

    /// The address of a view's first item.
    #[inline(always)]
    pub(crate) fn buf(&self) -> *mut u8 {
        self.buf
    }

    /// Writes the description of a view to `shown`. `indirect` is that of the facts; a caller may know it at compile
    /// time.
    ///
    /// # Safety
    ///
    /// `shown` may be written, and the layout was resolved.
    #[inline(always)]
    pub(super) unsafe fn describe(
        &self,
        shown: *mut Description,
        answer: Answer,
        internal: *mut c_void,
        indirect: bool,
    ) {
        // SAFETY: as the caller vouches; `resolve` has exposed the pointers.
        unsafe { self.description.write_answer(answer, shown) };
        let suboffsets = if indirect { self.suboffsets() } else { ptr::null_mut() };
        // SAFETY: the caller vouches for it.
        unsafe { (*shown).suboffsets = suboffsets };
        // SAFETY: as above.
        unsafe { (*shown).internal = internal };
    }

    /// The suboffsets, which follow the strides in an indirect layout.
    pub(crate) fn suboffsets(&self) -> *mut isize {
        self.description.strides.wrapping_add(usize::try_from(self.description.ndim).unwrap_or(0))
    }

    #[inline(always)]
    pub(crate) fn is_of(&self, descriptor: &'static Descriptor) -> bool {
        self.key == ptr::from_ref(descriptor).addr()
    }

    /// Makes the description show the access of the layout instead of that of its class.
    ///
    /// # Safety
    ///
    /// As for [`outdate`](Self::outdate).
    pub(super) unsafe fn show_access(this: *mut Self) {
        // SAFETY: as the caller vouches. Only this field is borrowed.
        let readonly = unsafe { &mut (*this).description.readonly };
        let facts = Facts::from_bits(readonly.cast_unsigned());
        *readonly = *readonly & !1 | c_int::from(facts.readonly);
    }

    /// Marks the layout as outdated: it was not resolved for the present memory.
    ///
    /// # Safety
    ///
    /// The caller may write the layout (invariant 4). It is not a method, because a `&mut` would make the pointers into
    /// the layout invalid.
    pub(super) unsafe fn outdate(this: *mut Self) {
        // SAFETY: as the caller vouches.
        unsafe { (*this).key = 0 };
    }

    /// Updates the address of the first item after the elements have moved from `old` to `new`, in a layout that still
    /// describes them.
    ///
    /// # Safety
    ///
    /// As for [`outdate`](Self::outdate).
    pub(super) unsafe fn follow(this: *mut Self, old: *mut u8, new: *mut u8) {
        // SAFETY: as the caller vouches.
        let buf = unsafe { &mut (*this).buf };
        *buf = new.wrapping_add(buf.addr().wrapping_sub(old.addr()));
    }

    /// The address of the next block in the queue of orphans, or 0.
    ///
    /// # Safety
    ///
    /// The layout lives for `'a`, and the owner of its block is dropped: no view and no guard begins any more, so only
    /// the queue reads or writes this field.
    pub(super) unsafe fn next_orphan<'a>(this: *mut Self) -> &'a AtomicUsize {
        // SAFETY: the caller vouches for a live layout.
        let key = unsafe { &raw mut (*this).key };
        // SAFETY: the caller vouches that the queue alone uses it for `'a`.
        unsafe { AtomicUsize::from_ptr(key) }
    }

    /// Resolves the declared layout of the memory, which begins at `data`. From the first call on, the layout does not
    /// move.
    pub(super) fn resolve(
        &mut self,
        descriptor: &'static Descriptor,
        declared: &Declaration<'_>,
        memory: Memory,
        data: *mut u8,
    ) -> Result<(), LayoutError> {
        // The layout stays outdated until it is complete, also after an error.
        self.key = 0;
        let ndim = layout::ndim(descriptor, memory, declared)?;
        let count = layout::count_of_numbers(ndim, memory.row_len.is_some());
        let format = declared.item.map(|item| item.format);
        let numbers = self.reserve(count, format)?;
        // SAFETY: `reserve` made room for `count` numbers, and no other reference to them exists (invariant 4).
        let arrays = unsafe { std::slice::from_raw_parts_mut(numbers, count) };
        let resolved = layout::resolve(descriptor, memory, declared, arrays)?;

        // Inside the storage, or at its end if there are no items: `layout::resolve` has checked the offset.
        self.buf = data.wrapping_add(resolved.offset);
        // The table is for views with the default access of the class. If the layout turns out to be read-only in a
        // class that is not, no view is granted from the table.
        let as_declared = resolved.facts.readonly == descriptor.readonly;
        self.granted = if as_declared { Granted::by(resolved.facts) } else { Granted::NONE };
        let format = match format {
            None => descriptor.format.as_ptr(),
            // SAFETY: `reserve` made room for the text after the numbers.
            Some(format) => unsafe { copy(format, numbers.wrapping_add(count).cast()) },
        };
        // `SharedFields::write_answer` makes these pointers from their addresses.
        format.expose_provenance();
        numbers.expose_provenance();
        // Without dimensions there are no arrays.
        let array = |start| if ndim == 0 { ptr::null_mut() } else { numbers.wrapping_add(start) };
        self.description = SharedFields {
            len: resolved.nbytes,
            itemsize: resolved.itemsize,
            readonly: readonly(descriptor.readonly, resolved.facts, descriptor.readonly || declared.readonly),
            ndim: c_int::try_from(ndim).map_err(|_| LayoutError::TooLarge)?,
            format,
            shape: array(0),
            strides: array(ndim),
        };
        self.key = ptr::from_ref(descriptor).addr();
        Ok(())
    }

    /// Makes room for `count` numbers, followed by a format that is known only at run time. May free the previous ones.
    fn reserve(&mut self, count: usize, format: Option<&CStr>) -> Result<*mut isize, NoMemory> {
        let text = format.map_or(0, |format| format.to_bytes_with_nul().len().div_ceil(size_of::<isize>()));
        // Without an extent, `shape` could not say that the numbers are `few`.
        let needed = if count == 0 && text > 0 { text.max(FEW + 1) } else { count + text };
        if self.many().is_null() || needed > self.room() {
            self.free();
            if needed > FEW {
                // The first word is the size of the allocation.
                let size = needed + 1;
                let words = collect((0..size).map(|index| if index == 0 { size.cast_signed() } else { 0 }))?;
                self.numbers.many = Box::into_raw(words.into_boxed_slice()).cast();
            }
        }
        let many = self.many();
        if !many.is_null() {
            return Ok(many.wrapping_add(1));
        }
        if needed == 0 {
            return Ok(NonNull::dangling().as_ptr());
        }
        let few: *mut isize = (&raw mut self.numbers.few).cast();
        self.description.shape = few;
        Ok(few)
    }

    /// The allocation of the numbers, or NULL.
    fn many(&self) -> *mut isize {
        let few = (&raw const self.numbers).cast::<isize>();
        if ptr::addr_eq(self.description.shape, few) {
            return ptr::null_mut();
        }
        // SAFETY: the shape is not `few`, so this field was written last.
        unsafe { self.numbers.many }
    }

    /// How many numbers the allocation has room for; 0 if there is none.
    fn room(&self) -> usize {
        let many = self.many();
        // SAFETY: the first word of an allocation is the number of its words, at least one.
        if many.is_null() { 0 } else { unsafe { many.read() }.cast_unsigned() - 1 }
    }

    /// Frees the allocation. There are no numbers afterwards.
    fn free(&mut self) {
        let (many, room) = (self.many(), self.room());
        self.description.shape = ptr::null_mut();
        self.numbers.many = ptr::null_mut();
        if !many.is_null() {
            let words = ptr::slice_from_raw_parts_mut(many, room + 1);
            // SAFETY: `reserve` made the pointer from a Box of this length, and nothing refers to it any more.
            drop(unsafe { Box::from_raw(words) });
        }
    }
}

/// See [`SharedFields::readonly`].
fn readonly(of_class: bool, facts: Facts, declared: bool) -> c_int {
    let declared = if declared { SharedFields::DECLARED_READONLY } else { 0 };
    (facts.to_bits() | declared | u32::from(of_class)).cast_signed()
}

/// Copies a text, and returns its new address.
///
/// # Safety
///
/// There is room for it, which nothing else uses.
unsafe fn copy(text: &CStr, to: *mut c_char) -> *const c_char {
    // SAFETY: the caller vouches for the room.
    unsafe { to.copy_from_nonoverlapping(text.as_ptr(), text.to_bytes_with_nul().len()) };
    to
}

impl Drop for Published {
    fn drop(&mut self) {
        self.free();
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published").field("description", &self.description).finish_non_exhaustive()
    }
}
