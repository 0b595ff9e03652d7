//! What may be an element of a buffer, and how Python sees it.

mod bytes;
mod code;
mod const_text;
mod order;
mod record;
mod scalar;
mod viewable;

use std::ffi::CStr;
use std::marker::PhantomData;

pub use self::bytes::Bytes;
pub use self::order::{Be, Le};
pub use self::record::{
    AnyBytes, Field, Marker, Place, Record, any_bits, format, hole_at_end, hole_before, inner_format, inner_shape,
    inner_size, marker, needed_at_end, needed_before, size, size_of_described, size_of_field,
};
pub use self::scalar::Scalar;
#[cfg(any(feature = "half", feature = "num-complex"))]
pub(crate) use self::scalar::scalars;
pub(crate) use self::scalar::sealed;
pub use self::viewable::{Bits, RecordBits, Viewable};

use crate::layout::InnerShape;

/// A value that Python may see as an item of a buffer, or as an array of items.
///
/// | Type | Format | numpy's dtype |
/// |---|---|---|
/// | `i8` to `i64`, `u8` to `u64`, `isize`, `usize` | the native code: `b`, `H`, `i`, `L`, ... | `int8` to `uint64` |
/// | `f32`, `f64` | `f`, `d` | `float32`, `float64` |
/// | `half::f16`, with the feature `half` | `e` | `float16` |
/// | `half::bf16`, with the feature `half` | `T{=H:bfloat16:}` | a field `bfloat16` of its bits, `uint16` |
/// | `num_complex::Complex<f32>`, `Complex<f64>`, with the feature `num-complex` | `Zf`, `Zd` | `complex64`, `complex128` |
/// | [`Be<T>`](Be), [`Le<T>`](Le) | `>I`, `<d`, ... | `>u4`, `<f8`, ... |
/// | [`Bytes<N>`](Bytes) | `4s` | `S4` |
/// | `bool`, where Python may only read | `?` | `bool` |
/// | a struct with [`#[derive(BufferElement)]`](macro@crate::BufferElement) | `T{=I:id:=f:charge:}` | a structured dtype |
/// | an array of any of these | its element's | its element's |
///
/// An array adds dimensions: a `[f32; 3]` adds a dimension of 3 to the shape of the storage.
///
/// # Records
///
/// ```
/// use buffer_runtime::{Be, BufferElement, Bytes, ExportBuffer, ExportCell};
/// use pyo3::prelude::*;
///
/// #[derive(Clone, Copy, BufferElement)]
/// #[repr(C)]
/// struct Particle {
///     id: Be<u32>,
///     kind: u8,
///     #[buffer(padding)]
///     _pad: [u8; 3],
///     position: [f32; 3],
///     name: Bytes<8>,
/// }
///
/// /// `np.asarray(particles)["position"]` is an array of shape `(len, 3)`, in place.
/// #[derive(ExportBuffer)]
/// #[pyclass(frozen)]
/// struct Particles {
///     data: ExportCell<Vec<Particle>>,
/// }
/// # #[pymethods]
/// # impl Particles {
/// #     #[new]
/// #     fn new() -> Self {
/// #         Self { data: ExportCell::default() }
/// #     }
/// # }
/// # use buffer_runtime::Element;
/// # assert_eq!(Particle::FORMAT, c"T{>I:id:=B:kind:3x(3)=f:position:=8s:name:}");
/// # Python::initialize();
/// # Python::attach(|py| buffer_runtime::assert_exported::<Particles>(py));
/// ```
///
/// # Types of other crates
///
/// A field of a record may have any type that implements bytemuck's `NoUninit` and `AnyBitPattern`; `as` names the
/// element that Python sees. A `#[repr(transparent)]` struct with such a field as its only one is an element itself:
///
/// ```
/// use std::num::Wrapping;
///
/// use buffer_runtime::{BufferElement, Element};
///
/// #[derive(Clone, Copy, BufferElement)]
/// #[repr(transparent)]
/// struct Clock(#[buffer(as = u32)] Wrapping<u32>);
///
/// assert_eq!(Clock::FORMAT, c"I");
/// ```
///
/// # Safety
///
/// 1. Every byte of a value is initialised: there is no padding.
/// 2. A value consists of exactly `SHAPE.scalars()` scalars or records of `ITEMSIZE` bytes each, one after the other in
///    C order.
/// 3. Where `ANY_BITS` is true, every bit pattern is a valid value: Python may write any. Where it is false, each byte
///    is valid or invalid independently of the others: a value is valid if each of its bytes is the byte at the same
///    offset in some valid value.
///
/// For a generic type the compiler evaluates the constants only where they are first used, and only there does it find
/// a broken promise. So the promises hold for a type whose `ITEMSIZE` has been evaluated, and unsafe code that relies
/// on them must mention `ITEMSIZE`.
///
/// Wherever an element is stored in an [`ExportCell`](crate::ExportCell), the compiler checks that numpy reads the
/// format, and that the format describes `ITEMSIZE` bytes. It must be one code of the struct module, as in the table,
/// or a record `T{...}` of such codes with a byte order before each, so that there is no padding between them. Pointers
/// and Python objects (`P`, `O`) are refused.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an element of a buffer",
    label = "not a number, a record of numbers, or an array of those",
    note = "elements are `i8` to `i64`, `u8` to `u64`, `isize`, `usize`, `f32`, `f64`, `Be<T>` and `Le<T>` of one such number, `Bytes<N>`, `bool` where Python may only read, records, and arrays such as `[f32; 3]` or `[Be<u32>; 4]`",
    note = "for a struct of your own write `#[derive(Clone, Copy, BufferElement)]` and `#[repr(C)]`; for a type of another crate `#[buffer(as = [f32; 3])]` on a field of such a struct",
    note = "for `char` store `u32`, for an enum or a `NonZero` its integer: Python may write any byte, and not every one is valid there"
)]
#[cfg_attr(
    not(all(feature = "half", feature = "num-complex")),
    diagnostic::on_unimplemented(
        note = "for `half::f16` and `num_complex::Complex` enable the feature of `buffer-runtime` with the name of the \
                crate: `features = [\"half\", \"num-complex\"]`"
    )
)]
pub unsafe trait Element: Copy + Send + Sync + 'static {
    /// The PEP 3118 format of one scalar or record, in the form that numpy and, for scalars, memoryview read.
    const FORMAT: &'static CStr;
    /// The size of one scalar or record in bytes; not 0.
    const ITEMSIZE: usize;
    /// The dimensions that one element adds: none for a scalar or a record, `[N]` for `[scalar; N]`.
    const SHAPE: InnerShape;
    /// Whether every bit pattern is a valid value. If not, as for `bool`, only a `readonly` buffer can contain it. If
    /// so, implement [`Viewable`] too.
    const ANY_BITS: bool;

    /// These constants as a value.
    #[doc(hidden)]
    const FACTS: Facts<Self> = Facts {
        format: Self::FORMAT,
        itemsize: Self::ITEMSIZE,
        shape: Self::SHAPE,
        any_bits: Self::ANY_BITS,
        of: PhantomData,
    };
}

/// The constants of an element. A value exists only for a type that is an element: only the trait's own default makes
/// one.
///
/// Functions that expanded code calls take this value in place of a bound. In an error about a bound, the compiler would
/// also show where the function is defined.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Facts<E> {
    format: &'static CStr,
    itemsize: usize,
    shape: InnerShape,
    any_bits: bool,
    /// Invariant: the facts of one type are not those of a subtype.
    of: PhantomData<fn(E) -> E>,
}

// SAFETY: an array is its elements one after the other, without padding: it consists of `N` times the scalars of an
// element, and has no other bytes.
#[diagnostic::do_not_recommend]
unsafe impl<E: Element, const N: usize> Element for [E; N] {
    const FORMAT: &'static CStr = E::FORMAT;
    const ITEMSIZE: usize = E::ITEMSIZE;
    const SHAPE: InnerShape = E::SHAPE.nested_in(N);
    const ANY_BITS: bool = E::ANY_BITS;
}

/// Checks those promises of an element that a constant can check. Code that relies on them calls this in a `const`.
///
/// # Panics
///
/// At compile time, when a promise is broken.
#[track_caller]
pub const fn check<E: Element>() {
    E::FACTS.check();
}

impl<E> Facts<E> {
    #[track_caller]
    const fn check(&self) {
        let (itemsize, scalars) = (self.itemsize, self.shape.scalars());
        assert!(
            itemsize > 0 && scalars > 0,
            "the element has a size of 0 bytes, which no buffer can describe; give its arrays a length above 0"
        );
        assert!(
            size_of::<E>() == itemsize * scalars,
            "the element has bytes that its `SHAPE` and `ITEMSIZE` do not describe"
        );
        assert!(
            code::size(self.format) == itemsize,
            "the element's `FORMAT` describes another number of bytes than its `ITEMSIZE`"
        );
    }
}

#[cfg(test)]
mod tests;
