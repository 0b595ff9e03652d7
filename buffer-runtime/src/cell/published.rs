//! The layout that live views share, in the form that a `Py_buffer` points to.
//!
//! It is part of a block. The invariants that are cited here are the block's.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};

use super::Header;
use crate::layout::{self, Declaration, Descriptor, Evaluated, Facts, LayoutError, Memory};
use crate::memory::{NoMemory, c_string, collect};
use crate::request::{Answer, Granted};

/// The layout that live views share, and that their `Py_buffer`s point to.
#[derive(Debug)]
pub(crate) struct Published {
    /// The descriptor of the class that resolved the layout. NULL if it is not resolved for the present memory.
    descriptor: *const Descriptor,
    /// The fields of a granted `Py_buffer`, except those that differ from view to view.
    pub(crate) description: Description,
    /// The requests that are granted with the access of the description.
    pub(super) granted: &'static Granted,
    pub(crate) facts: Facts,
    /// The distance of a view's first item from the start of the elements, in bytes.
    offset: usize,
    /// The extents, the offset, the strides and the suboffsets, as `layout::resolve` writes them: an allocation of
    /// `capacity` numbers.
    arrays: NonNull<isize>,
    capacity: usize,
    /// The format that the description points to, if it is known only at run time.
    format: Option<CString>,
}

/// The fields of a `Py_buffer` from `len` on, as in an answer to a full request. To grant a view, they are copied.
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
    /// The [`Ticket`](super::Ticket) of a view with the access that the class gives when no guard is alive.
    pub(crate) internal: *mut c_void,
}

impl Description {
    /// Removes the fields that were not requested.
    #[inline(always)]
    pub(super) fn keep(&mut self, answer: Answer) {
        if answer.is_full() {
            return;
        }
        if !answer.shape() {
            self.ndim = 1;
            self.shape = ptr::null_mut();
        }
        if !answer.strides() {
            self.strides = ptr::null_mut();
        }
        if !answer.format() {
            self.format = ptr::null();
        }
    }
}

impl Published {
    pub(super) fn unresolved() -> Self {
        let facts = Facts { ndim: 0, c_contiguous: true, f_contiguous: true, readonly: true, indirect: false };
        Self {
            descriptor: ptr::null(),
            description: Description {
                len: 0,
                itemsize: 0,
                readonly: 1,
                ndim: 0,
                format: ptr::null(),
                shape: ptr::null_mut(),
                strides: ptr::null_mut(),
                suboffsets: ptr::null_mut(),
                internal: ptr::null_mut(),
            },
            granted: Granted::NONE,
            facts,
            offset: 0,
            arrays: NonNull::dangling(),
            capacity: 0,
            format: None,
        }
    }

    /// The address of a view's first item.
    #[inline(always)]
    pub(crate) fn buf(&self, header: &Header) -> *mut u8 {
        // Inside the storage, or at its end if there are no items: `layout::resolve` has checked the offset.
        header.data().wrapping_add(self.offset)
    }

    /// The distance of a view's first item from the start of the elements, in bytes.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    #[inline(always)]
    pub(crate) fn is_of(&self, descriptor: &'static Descriptor) -> bool {
        ptr::eq(self.descriptor, descriptor)
    }

    /// Marks the layout as outdated: it was not resolved for the present memory.
    pub(super) fn outdate(&mut self) {
        self.descriptor = ptr::null();
    }

    /// Whether this layout is still the one that the class declares for the memory.
    #[inline(always)]
    pub(super) fn is_still<D: Evaluated>(&self, descriptor: &'static Descriptor, dims: &D) -> bool {
        if !self.is_of(descriptor) {
            return false;
        }
        // SAFETY: `arrays` of a resolved layout begins with the numbers of its class, at least `dims.count()` of
        // them. If that is 0, the slice is empty.
        let numbers = unsafe { std::slice::from_raw_parts(self.arrays.as_ptr(), dims.count()) };
        dims.still_says(numbers)
    }

    /// Resolves the declared layout. `internal` is the ticket of a view with the default access of the class.
    pub(super) fn resolve(
        &mut self,
        descriptor: &'static Descriptor,
        declared: &Declaration<'_>,
        memory: Memory,
        internal: *mut c_void,
    ) -> Result<(), LayoutError> {
        // The layout stays outdated until it is complete, also after an error.
        self.outdate();
        let ndim = layout::ndim(descriptor, memory, declared)?;
        let count = layout::count_of_numbers(ndim);
        self.reserve(count)?;
        // SAFETY: `reserve` made room for `count` numbers, and no other reference to them exists (invariant 4).
        let arrays = unsafe { std::slice::from_raw_parts_mut(self.arrays.as_ptr(), count) };
        let resolved = layout::resolve(descriptor, memory, declared, arrays)?;

        self.offset = resolved.offset;
        self.facts = resolved.facts;
        // The table is for views with the default access of the class. If the layout turns out to be read-only in a
        // class that is not, no view is granted from the table.
        let as_declared = resolved.facts.readonly == descriptor.readonly;
        self.granted = if as_declared { Granted::by(resolved.facts) } else { Granted::NONE };
        self.format = declared.item.map(|item| c_string(item.format)).transpose()?;
        // Without dimensions there are no arrays.
        let array = |start| if ndim == 0 { ptr::null_mut() } else { self.arrays.as_ptr().wrapping_add(start) };
        self.description = Description {
            len: resolved.nbytes,
            itemsize: resolved.itemsize,
            readonly: c_int::from(descriptor.readonly),
            ndim: c_int::try_from(ndim).map_err(|_| LayoutError::TooLarge)?,
            format: self.format.as_deref().unwrap_or(descriptor.format).as_ptr(),
            shape: array(0),
            strides: array(ndim + 1),
            suboffsets: if resolved.facts.indirect { array(2 * ndim + 1) } else { ptr::null_mut() },
            internal,
        };
        self.descriptor = descriptor;
        Ok(())
    }

    /// Makes room for `count` numbers. May free the old arrays.
    fn reserve(&mut self, count: usize) -> Result<(), NoMemory> {
        if self.capacity >= count {
            return Ok(());
        }
        self.free_arrays();
        let numbers = collect((0..count).map(|_| 0))?;
        let numbers: *mut [isize] = Box::into_raw(numbers.into_boxed_slice());
        self.capacity = numbers.len();
        // SAFETY: the pointer of a Box is not null.
        self.arrays = unsafe { NonNull::new_unchecked(numbers.cast()) };
        Ok(())
    }

    fn free_arrays(&mut self) {
        if self.capacity > 0 {
            let arrays = ptr::slice_from_raw_parts_mut(self.arrays.as_ptr(), self.capacity);
            self.capacity = 0;
            // SAFETY: `reserve` made the pointer from a Box of this length. The capacity is not 0, so it was not freed
            // since.
            drop(unsafe { Box::from_raw(arrays) });
        }
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        self.free_arrays();
    }
}
