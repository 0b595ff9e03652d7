//! Numbers, and `bool`.

use std::ffi::{CStr, c_long};

use super::Element;
use crate::layout::InnerShape;

/// A number whose bytes have an order: what [`Be`](super::Be) and [`Le`](super::Le) hold.
///
/// Implemented for the integers and floats that are [elements](Element), and for `f16` and `Complex` where their features
/// are on.
///
/// # Safety
///
/// It is one scalar of the size that `BE` and `LE` describe. Nothing else can be: the trait is sealed.
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

    /// Reverses its bytes; those of each part, if it has several.
    #[doc(hidden)]
    #[must_use]
    fn swap_bytes(self) -> Self;
}

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// Elements of one scalar: the type, its formats in native, big-endian and little-endian order, and what swaps its bytes.
macro_rules! scalars {
    ($($scalar:ty: $native:expr, $be:expr, $le:expr, $swap:expr;)*) => {$(
        const _: () = {
            // bytemuck vouches for initialised bytes and for every bit pattern.
            const fn plain<T: bytemuck::NoUninit + bytemuck::AnyBitPattern>() {}
            plain::<$scalar>();
        };

        // SAFETY: bytemuck's bounds above say that there is no padding (1) and that every bit pattern is valid (3); it is
        // one scalar, of its own size (2).
        unsafe impl $crate::element::Element for $scalar {
            const FORMAT: &'static std::ffi::CStr = $native;
            const ITEMSIZE: usize = size_of::<$scalar>();
            const SHAPE: $crate::layout::InnerShape = $crate::layout::InnerShape::SCALAR;
            const ANY_BITS: bool = true;
        }

        impl $crate::element::sealed::Sealed for $scalar {}

        // SAFETY: one scalar, as above.
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

/// The code of a 64-bit integer: C's `long` where it has 64 bits, since that is the one which numpy calls int64.
const fn code_64(long: &'static CStr, long_long: &'static CStr) -> &'static CStr {
    if size_of::<c_long>() == 8 { long } else { long_long }
}

/// The code of a pointer-sized integer. `n` and `N` would say it best, but numpy does not read them.
const fn code_size(int: &'static CStr, long: &'static CStr, long_long: &'static CStr) -> &'static CStr {
    if size_of::<usize>() == 4 { int } else { code_64(long, long_long) }
}

/// The code of a pointer-sized integer with an explicit byte order, where `q` has 64 bits everywhere.
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

// SAFETY: one byte, which is always initialised (1, 2); each byte is valid by itself, there being one (3).
unsafe impl Element for bool {
    const FORMAT: &'static CStr = c"?";
    const ITEMSIZE: usize = 1;
    const SHAPE: InnerShape = InnerShape::SCALAR;
    const ANY_BITS: bool = false;
}
