//! Numbers, and `bool`.

use std::ffi::{CStr, c_long};

use super::Element;
use crate::layout::InnerShape;

/// A number whose bytes have an order: the content of [`Be`](super::Be) and [`Le`](super::Le).
///
/// Implemented for the integers and floats that are [elements](Element), and for `f16` and `Complex` where their
/// features are enabled.
///
/// # Safety
///
/// It is one scalar of the size that `BE` and `LE` describe. The trait is sealed: no other crate can implement it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no byte order",
    label = "not a number",
    note = "`Be` and `Le` hold an integer or a float, as in `Be<u32>`; for an array write `[Be<u32>; 4]`"
)]
pub unsafe trait Scalar: Element + bytemuck::Pod + sealed::Sealed {
    /// Its format in big-endian order.
    #[doc(hidden)]
    const BE: &'static CStr;

    /// Its format in little-endian order.
    #[doc(hidden)]
    const LE: &'static CStr;

    /// Reverses the bytes of the number; in a number of several parts, the bytes of each part.
    #[doc(hidden)]
    #[must_use]
    fn swap_bytes(self) -> Self;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// Elements of one scalar: the type, its formats in native, big-endian and little-endian order, and the function that
/// swaps its bytes.
macro_rules! scalars {
    ($($scalar:ty: $native:expr, $be:expr, $le:expr, $swap:expr;)*) => {$(
        const _: () = {
            // bytemuck guarantees that all bytes are initialised, and that every bit pattern is valid.
            const fn plain<T: bytemuck::NoUninit + bytemuck::AnyBitPattern>() {}
            plain::<$scalar>();
        };

        // SAFETY: bytemuck's bounds above say that there is no padding (1) and that every bit pattern is valid (3); it
        // is one scalar, of its own size (2).
        #[diagnostic::do_not_recommend]
        unsafe impl $crate::element::Element for $scalar {
            const FORMAT: &'static std::ffi::CStr = $native;
            const ITEMSIZE: usize = size_of::<$scalar>();
            const SHAPE: $crate::layout::InnerShape = $crate::layout::InnerShape::SCALAR;
            const ANY_BITS: bool = true;
        }

        impl $crate::element::Viewable for $scalar {}

        impl $crate::element::sealed::Sealed for $scalar {}

        // SAFETY: one scalar, as above.
        #[diagnostic::do_not_recommend]
        unsafe impl $crate::element::Scalar for $scalar {
            const BE: &'static std::ffi::CStr = $be;
            const LE: &'static std::ffi::CStr = $le;

            #[inline]
            fn swap_bytes(self) -> Self {
                $swap(self)
            }
        }
    )*};
}

#[cfg(any(feature = "half", feature = "num-complex"))]
pub(crate) use scalars;

/// The integers.
macro_rules! integers {
    ($($int:ident: $native:expr, $be:expr, $le:expr;)*) => {
        scalars! {$(
            $int: $native, $be, $le, $int::swap_bytes;
        )*}
    };
}

/// The code of a 64-bit integer: C's `long` where it has 64 bits, since numpy's int64 is that type.
const fn code_64(long: &'static CStr, long_long: &'static CStr) -> &'static CStr {
    if size_of::<c_long>() == 8 { long } else { long_long }
}

/// The code of a pointer-sized integer. `n` and `N` would be exact, but numpy does not read them.
const fn code_size(int: &'static CStr, long: &'static CStr, long_long: &'static CStr) -> &'static CStr {
    if size_of::<usize>() == 4 { int } else { code_64(long, long_long) }
}

/// The code of a pointer-sized integer with an explicit byte order, with which `q` has 64 bits on every platform.
const fn ordered_size(int: &'static CStr, long_long: &'static CStr) -> &'static CStr {
    if size_of::<usize>() == 4 { int } else { long_long }
}

integers! {
    i8: c"b", c"b", c"b";
    u8: c"B", c"B", c"B";
    i16: c"h", c">h", c"<h";
    u16: c"H", c">H", c"<H";
    i32: c"i", c">i", c"<i";
    u32: c"I", c">I", c"<I";
    i64: code_64(c"l", c"q"), c">q", c"<q";
    u64: code_64(c"L", c"Q"), c">Q", c"<Q";
    isize: code_size(c"i", c"l", c"q"), ordered_size(c">i", c">q"), ordered_size(c"<i", c"<q");
    usize: code_size(c"I", c"L", c"Q"), ordered_size(c">I", c">Q"), ordered_size(c"<I", c"<Q");
}

scalars! {
    f32: c"f", c">f", c"<f", |value: f32| f32::from_bits(value.to_bits().swap_bytes());
    f64: c"d", c">d", c"<d", |value: f64| f64::from_bits(value.to_bits().swap_bytes());
}

// SAFETY: one byte, which is always initialised (1, 2); there is only one byte, so its validity does not depend on
// others (3).
#[diagnostic::do_not_recommend]
unsafe impl Element for bool {
    const FORMAT: &'static CStr = c"?";
    const ITEMSIZE: usize = 1;
    const SHAPE: InnerShape = InnerShape::SCALAR;
    const ANY_BITS: bool = false;
}
