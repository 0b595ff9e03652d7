//! Whether a resolved layout is still the one that a class declares, so that nothing has to be resolved anew.

use std::ffi::c_char;
use std::slice;

use super::Header;
use super::published::Published;
use crate::layout::{Declaration, Descriptor, Distance, Evaluated};

impl Published {
    /// Whether this layout is still the one that the class declares for the memory of the block.
    #[inline(always)]
    pub(super) fn is_still<D: Evaluated>(&self, descriptor: &'static Descriptor, dims: &D, header: &Header) -> bool {
        if !self.is_of(descriptor) {
            return false;
        }
        let offset = || self.buf().addr().wrapping_sub(header.data().addr()).cast_signed();
        if dims.varies() {
            let declared = dims.unparsed(descriptor);
            return self.is_declared_readonly() == (descriptor.readonly || declared.readonly)
                && self.says(&declared, offset())
                && dims.text().is_none_or(|text| self.has_format(text));
        }
        self.still_says(dims, &offset)
    }

    /// Whether the layout, which the class of these numbers has resolved, has this offset and these numbers. They do
    /// not vary ([`Evaluated::varies`]).
    #[inline(always)]
    pub(super) fn still_says<D: Evaluated>(&self, dims: &D, offset: &dyn Fn() -> isize) -> bool {
        let count = dims.count();
        let arrays = if count == 0 {
            &[]
        } else {
            // SAFETY: the arrays of a resolved layout begin with the numbers of its class, at least `dims.count()` of
            // them. They are not 0, so there is a dimension, and the shape is not NULL.
            unsafe { slice::from_raw_parts(self.description.shape, count) }
        };
        dims.still_says(offset, arrays)
    }

    /// Whether the layout is the one that a declaration of the same class describes, which may have another number of
    /// dimensions, in the memory that the layout was resolved for. The access is not compared.
    #[inline(always)]
    pub(super) fn says(&self, declared: &Declaration<'_>, offset: isize) -> bool {
        let shown = &self.description;
        let ndim = usize::try_from(shown.ndim).unwrap_or(0);
        let numbers = |array: *mut isize| {
            if ndim == 0 {
                return &[][..];
            }
            // SAFETY: the shape and the strides of a resolved layout have a number for each dimension.
            unsafe { slice::from_raw_parts(array, ndim) }
        };
        // A class declares the same parts each time, so a part that is missing now was missing then, and follows from
        // the others and from the memory.
        !declared.is_incomplete
            && declared.offset.is_none_or(|declared| declared == Distance::Bytes(offset))
            && declared.extents.is_none_or(|extents| {
                extents.len() == ndim && extents.iter().zip(numbers(shown.shape)).all(|(dim, &number)| dim.is(number))
            })
            && declared.strides.is_none_or(|strides| {
                let resolved = numbers(shown.strides).iter();
                strides.len() == ndim
                    && strides.iter().zip(resolved).all(|(&stride, &number)| stride == Distance::Bytes(number))
            })
            && declared.item.is_none_or(|item| {
                // SAFETY: the format is a C string.
                unsafe { self.has_items(item.format.as_ptr(), item.itemsize.cast_signed()) }
            })
    }

    /// Whether the items have this format, which the same class has declared; the size follows from the format.
    #[inline(always)]
    fn has_format(&self, text: &str) -> bool {
        let mut format = self.description.format;
        for &byte in text.as_bytes() {
            // SAFETY: a resolved layout has a format, which is a C string, and no NUL was before this byte.
            let shown = unsafe { format.cast::<u8>().read() };
            if shown != byte || shown == 0 {
                return false;
            }
            format = format.wrapping_add(1);
        }
        // SAFETY: as above.
        unsafe { format.read() == 0 }
    }

    /// Whether the items have this format and this size.
    ///
    /// # Safety
    ///
    /// The layout was resolved, and the format is a C string.
    #[inline(always)]
    pub(super) unsafe fn has_items(&self, format: *const c_char, itemsize: isize) -> bool {
        // SAFETY: a resolved layout has a format; the caller vouches for the other one.
        self.description.itemsize == itemsize && unsafe { are_equal(self.description.format, format) }
    }
}

/// Whether two C strings are equal. Formats are short, so a call of C's `strcmp` would cost more than the comparison.
///
/// # Safety
///
/// Both pointers are to C strings.
#[inline(always)]
unsafe fn are_equal(mut one: *const c_char, mut other: *const c_char) -> bool {
    if one == other {
        return true;
    }
    loop {
        // SAFETY: the caller vouches for the text, and no NUL was before this byte.
        let byte = unsafe { one.read() };
        // SAFETY: as above; the bytes before were the same.
        if byte != unsafe { other.read() } {
            return false;
        }
        if byte == 0 {
            return true;
        }
        (one, other) = (one.wrapping_add(1), other.wrapping_add(1));
    }
}

/// Whether a format is that of bytes.
///
/// # Safety
///
/// It is a C string.
#[inline(always)]
pub(super) unsafe fn is_bytes(format: *const c_char) -> bool {
    // SAFETY: the caller vouches for the format.
    unsafe { are_equal(format, c"B".as_ptr()) }
}
