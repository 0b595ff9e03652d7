//! Which elements a view may have.

use super::Element;

/// An element of which every bit pattern is a valid value, so that a view may read what other code has written.
///
/// These are all elements except `bool`, and records and arrays that contain one. `#[derive(BufferElement)]` implements
/// this trait where it can be. For an element that is implemented by hand, implement it if
/// [`ANY_BITS`](Element::ANY_BITS) is true; a view of any other is refused when it is compiled.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the item of a view",
    label = "not a number, a record of numbers, or an array of those",
    note = "items are `i8` to `i64`, `u8` to `u64`, `isize`, `usize`, `f32`, `f64`, `Be<T>`, `Le<T>`, `Bytes<N>`, records, arrays such as `[f32; 3]`, and by features of `buffer-runtime` `f16` and `Complex<T>`; a view of such items has any number of dimensions",
    note = "for a `bool`, also one in a record, view `u8` and compare it with 0: other code may write any byte, and not every one is a valid `bool`",
    note = "for a struct of your own write `#[derive(Clone, Copy, BufferElement)]` and `#[repr(C)]`"
)]
pub trait Viewable: Element {}

// The compiler would show this line to whoever views a slice.
#[diagnostic::do_not_recommend]
impl<E: Viewable, const N: usize> Viewable for [E; N] {}

/// What the derive declares about a record without parameters. It cannot repeat the types of the fields in a bound.
pub trait RecordBits {
    /// [`Bits`] of what [`any_bits`](super::any_bits) returns.
    type Bits;
}

/// Whether every bit pattern of a record is valid.
#[derive(Debug)]
pub struct Bits<const ANY: bool>;

#[diagnostic::do_not_recommend]
impl<R: Element + RecordBits<Bits = Bits<true>>> Viewable for R {}
