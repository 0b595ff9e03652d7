//! What may be an element of a buffer, and how it is described to Python.

use std::ffi::{CStr, c_long};

use crate::layout::InnerShape;

/// A value that Python may see as an item of a buffer, or as an array of items.
///
/// Implemented for `i8` to `i64`, `u8` to `u64`, `isize`, `usize`, `f32`, `f64`, and for arrays of elements: an
/// `[f32; 3]` adds a dimension of 3 to the shape of whatever stores it.
///
/// # Safety
///
/// - Every byte of a value is initialised: there is no padding.
/// - `FORMAT` is a PEP 3118 format string for one scalar, of `ITEMSIZE` bytes, which is not 0.
/// - A value consists of exactly `SHAPE.scalars()` such scalars, one after the other in C order.
/// - Every bit pattern is a valid value, since Python may write any.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an element of a buffer",
    label = "not an integer, a float, or an array of those",
    note = "elements are `i8` to `i64`, `u8` to `u64`, `isize`, `usize`, `f32`, `f64`, and arrays of them such as `[f32; 3]`",
    note = "for `bool` store `u8`, for `char` store `u32`: Python may write any byte, and not every one is valid there",
    note = "for rows in vectors of their own, store one `Vec` of all items and declare the shape: `#[buffer(shape = [_, self.ncols])]`"
)]
pub unsafe trait Element: Copy + Send + Sync + 'static {
    /// The PEP 3118 format of one scalar, in the form that numpy and memoryview read.
    const FORMAT: &'static CStr;
    /// The size of one scalar in bytes.
    const ITEMSIZE: usize;
    /// The dimensions that one element adds: none for a scalar, `[N]` for `[scalar; N]`.
    const SHAPE: InnerShape;
}

macro_rules! scalars {
    ($($scalar:ty: $format:expr,)*) => {$(
        const _: () = {
            // bytemuck vouches for initialised bytes and for every bit pattern.
            const fn plain<T: bytemuck::NoUninit + bytemuck::AnyBitPattern>() {}
            plain::<$scalar>();
        };

        // SAFETY: bytemuck's bounds above say that there is no padding and that every bit pattern is valid; the format
        // is the struct module's native code for a scalar of this size and signedness, and a scalar is one scalar.
        unsafe impl Element for $scalar {
            const FORMAT: &'static CStr = $format;
            const ITEMSIZE: usize = size_of::<$scalar>();
            const SHAPE: InnerShape = InnerShape::SCALAR;
        }
    )*};
}

/// The code of a 64-bit integer: C's `long` where it has 64 bits, since that is the one which numpy calls int64.
const fn code_64(long: &'static CStr, long_long: &'static CStr) -> &'static CStr {
    if size_of::<c_long>() == 8 { long } else { long_long }
}

/// The code of a pointer-sized integer. `n` and `N` would say it best, but numpy does not read them.
const fn code_size(int: &'static CStr, long: &'static CStr, long_long: &'static CStr) -> &'static CStr {
    if size_of::<usize>() == 4 { int } else { code_64(long, long_long) }
}

scalars! {
    i8: c"b",
    u8: c"B",
    i16: c"h",
    u16: c"H",
    i32: c"i",
    u32: c"I",
    i64: code_64(c"l", c"q"),
    u64: code_64(c"L", c"Q"),
    isize: code_size(c"i", c"l", c"q"),
    usize: code_size(c"I", c"L", c"Q"),
    f32: c"f",
    f64: c"d",
}

// SAFETY: an array is its elements one after the other, without padding; so it holds `N` times their scalars.
unsafe impl<E: Element, const N: usize> Element for [E; N] {
    const FORMAT: &'static CStr = E::FORMAT;
    const ITEMSIZE: usize = E::ITEMSIZE;
    const SHAPE: InnerShape = E::SHAPE.nested_in(N);
}
