//! Numbers with an explicit byte order.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::{Element, Scalar, Viewable};
use crate::layout::InnerShape;

/// A number whose most significant byte comes first, as in network protocols: `Be<u32>` is `>u4` in numpy.
///
/// ```
/// use buffer_runtime::Be;
///
/// let mut port = Be::new(443_u16);
/// assert_eq!(bytemuck::bytes_of(&port), [1, 187]);
/// port.set(port.get() + 1);
/// assert_eq!(port, Be::from(444));
/// ```
///
/// It has the size and the alignment of `T`, and compares, hashes and prints as its number.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Be<T>(T);

impl<T: Scalar> Be<T> {
    /// Stores a number in this order.
    #[inline]
    pub fn new(value: T) -> Self {
        Self(reorder(value, cfg!(target_endian = "big")))
    }

    /// The number.
    #[inline]
    pub fn get(self) -> T {
        reorder(self.0, cfg!(target_endian = "big"))
    }

    /// Replaces the number.
    #[inline]
    pub fn set(&mut self, value: T) {
        *self = Self::new(value);
    }
}

/// A number whose least significant byte comes first, on every machine: `Le<f32>` is `<f4` in numpy.
///
/// If memoryview must index the items, use the plain number: memoryview does not read formats with a byte order.
///
/// ```
/// use buffer_runtime::Le;
///
/// let port = Le::new(443_u16);
/// assert_eq!(bytemuck::bytes_of(&port), [187, 1]);
/// assert_eq!(port.get(), 443);
/// ```
///
/// It has the size and the alignment of `T`, and compares, hashes and prints as its number.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Le<T>(T);

impl<T: Scalar> Le<T> {
    /// Stores a number in this order.
    #[inline]
    pub fn new(value: T) -> Self {
        Self(reorder(value, cfg!(target_endian = "little")))
    }

    /// The number.
    #[inline]
    pub fn get(self) -> T {
        reorder(self.0, cfg!(target_endian = "little"))
    }

    /// Replaces the number.
    #[inline]
    pub fn set(&mut self, value: T) {
        *self = Self::new(value);
    }
}

/// Converts a number from the machine's order to another one, or back.
#[inline]
fn reorder<T: Scalar>(value: T, is_native: bool) -> T {
    if is_native { value } else { value.swap_bytes() }
}

/// The traits of both types. The types and their methods are not in a macro, because the compiler would show the macro
/// with each wrong argument.
macro_rules! ordered {
    ($name:ident, $format:ident) => {
        // SAFETY: transparent over a scalar, which is `Pod`: no padding (1), and every bit pattern is valid (3). It is
        // one scalar, of its own size (2).
        #[diagnostic::do_not_recommend]
        unsafe impl<T: Scalar> Element for $name<T> {
            const FORMAT: &'static std::ffi::CStr = T::$format;
            const ITEMSIZE: usize = size_of::<Self>();
            const SHAPE: InnerShape = InnerShape::SCALAR;
            const ANY_BITS: bool = true;
        }

        #[diagnostic::do_not_recommend]
        impl<T: Scalar> Viewable for $name<T> {}

        // SAFETY: transparent over a scalar, which is `Pod` and so may be all zero.
        unsafe impl<T: Scalar> bytemuck::Zeroable for $name<T> {}

        // SAFETY: transparent over a scalar, which is `Pod`.
        unsafe impl<T: Scalar> bytemuck::Pod for $name<T> {}

        impl<T: Scalar> From<T> for $name<T> {
            #[inline]
            fn from(value: T) -> Self {
                Self::new(value)
            }
        }

        impl<T: Scalar + Default> Default for $name<T> {
            fn default() -> Self {
                Self::new(T::default())
            }
        }

        impl<T: Scalar + PartialEq> PartialEq for $name<T> {
            fn eq(&self, other: &Self) -> bool {
                self.get() == other.get()
            }
        }

        impl<T: Scalar + Eq> Eq for $name<T> {}

        impl<T: Scalar + PartialOrd> PartialOrd for $name<T> {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                self.get().partial_cmp(&other.get())
            }
        }

        impl<T: Scalar + Ord> Ord for $name<T> {
            fn cmp(&self, other: &Self) -> Ordering {
                self.get().cmp(&other.get())
            }
        }

        impl<T: Scalar + Hash> Hash for $name<T> {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.get().hash(state);
            }
        }

        impl<T: Scalar + fmt::Debug> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.get()).finish()
            }
        }

        impl<T: Scalar + fmt::Display> fmt::Display for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.get().fmt(f)
            }
        }
    };
}

ordered!(Be, BE);
ordered!(Le, LE);
