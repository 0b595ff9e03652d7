//! Rules about sizes and numbers, as traits: a broken rule is an error of `cargo check`, at the user's token, with a
//! text that contains the numbers.
//!
//! The derives emit `<() as Rule<{ number }>>::KEPT`. A failed assertion would show the sources of this crate instead,
//! and an assertion in a generic function would fail only in `cargo build`. No unsafe code relies on a rule.

/// Defines rules with their messages, and when each is kept.
macro_rules! rules {
    ($($(#[$attribute:meta])* $rule:ident<$(const $number:ident: $ty:ty),*>, kept: [$($kept:tt),*] $(for $($free:ident: $of:ty),+)?;)*) => {$(
        $(#[$attribute])*
        pub trait $rule<$(const $number: $ty),*> {
            /// This can be named only if the rule is kept.
            const KEPT: () = ();
        }

        // Implemented for every type: if a single type implemented it, the error would show that type and this line.
        #[diagnostic::do_not_recommend]
        impl<T $($(, const $free: $of)+)?> $rule<$($kept),*> for T {}
    )*};
}

rules! {
    /// There is no padding before a field of a record.
    #[diagnostic::on_unimplemented(
        message = "there is padding before this field, which would show Python memory that is not initialised",
        label = "write `#[buffer(padding)] _pad: [u8; {BYTES}],` before this field, or reorder the fields"
    )]
    NoPaddingBefore<const BYTES: usize>, kept: [0];

    /// There is no padding after the last field of a record.
    #[diagnostic::on_unimplemented(
        message = "there is padding after this field, which would show Python memory that is not initialised",
        label = "write `#[buffer(padding)] _pad: [u8; {BYTES}],` after this field"
    )]
    NoPaddingAfter<const BYTES: usize>, kept: [0];

    /// A field of padding is as long as the hole that it fills.
    #[diagnostic::on_unimplemented(
        message = "this padding has the wrong length, which would show Python memory that is not initialised",
        label = "write `[u8; {NEEDED}]`"
    )]
    PaddingFits<const HOLE: usize, const NEEDED: usize>, kept: [0, N] for N: usize;

    /// A field of a record has bytes.
    #[diagnostic::on_unimplemented(
        message = "this field has a size of 0 bytes, which no buffer can describe",
        label = "remove this field, or give its arrays a length above 0"
    )]
    NotEmpty<const HAS_BYTES: bool>, kept: [true];

    /// The type that `as` names has the size of the field.
    #[diagnostic::on_unimplemented(
        message = "the field has {FIELD} bytes, but what `as` names has {ELEMENT}",
        label = "name an element of {FIELD} bytes"
    )]
    SameSize<const FIELD: usize, const ELEMENT: usize>, kept: [N, N] for N: usize;

    /// A literal stride or offset leads from one item to another.
    #[diagnostic::on_unimplemented(
        message = "strides and offsets count bytes, and this one is no multiple of the item's size, {SIZE} bytes",
        label = "write a multiple of {SIZE}, which is the distance from one item to the next"
    )]
    WholeItems<const SIZE: usize, const FITS: bool>, kept: [N, true] for N: usize;

    /// A literal shape has as many items as the array.
    #[diagnostic::on_unimplemented(
        message = "this shape has {SHAPE} items, but the array has {ARRAY}",
        label = "write extents whose product is {ARRAY}, or one `_`"
    )]
    Fills<const SHAPE: usize, const ARRAY: usize, const FITS: bool>, kept: [N, M, true] for N: usize, M: usize;

    /// The array consists of groups that the known extents describe.
    #[diagnostic::on_unimplemented(
        message = "`_` cannot be inferred: {ARRAY} items of the array are no multiple of {SHAPE}",
        label = "write extents whose product divides {ARRAY}"
    )]
    Divides<const SHAPE: usize, const ARRAY: usize, const FITS: bool>, kept: [N, M, true] for N: usize, M: usize;

    /// All items of a literal layout are in the array.
    #[diagnostic::on_unimplemented(
        message = "the items of this shape end at byte {END}, but the array has {ARRAY} bytes",
        label = "write smaller extents, strides or a smaller `offset`"
    )]
    Reaches<const END: usize, const ARRAY: usize, const FITS: bool>, kept: [N, M, true] for N: usize, M: usize;
}

/// A storage that can be changed without a guard. No type implements this.
#[diagnostic::on_unimplemented(
    message = "an `ExportCell` is not the storage itself, which is changed through a guard",
    label = "write `.write(py)?` before this call, as in `self.data.write(py)?.push(1.0)`",
    note = "where only values change, and Python may look on, write `.share(py)?` and use `set`"
)]
pub trait ChangedWithoutGuard {}

/// A storage whose elements can be read without a guard. No type implements this.
#[diagnostic::on_unimplemented(
    message = "an `ExportCell` is not the storage itself, which is read through a guard",
    label = "write `.read(py)?` before this, as in `self.data.read(py)?.iter()`",
    note = "where Python may write at the same time, write `.share(py)?` and use `get` and `set`; \
            to change the storage, write `.write(py)?`"
)]
pub trait ReadWithoutGuard {}

/// A cell that can be copied or converted: none. The unit type implements this for no cell; if the bound were on the
/// cell, the compiler would print PyO3's message instead.
#[diagnostic::on_unimplemented(
    message = "an `ExportCell` is neither cloned nor converted to a Python object",
    label = "for a property, write `#[buffer(get)]` above this field; for a copy of its elements, `.share(py)?.to_vec()?`",
    note = "`#[buffer(get)]` replaces `#[pyo3(get)]`, `#[pyclass(get_all)]` and a `#[getter]` that returns the cell"
)]
pub trait CopiedAsAWhole<Cell> {}

/// A cell whose elements are shared without a guard: none.
#[diagnostic::on_unimplemented(
    message = "an `ExportCell` is not the storage itself, whose elements are shared through a guard",
    label = "write `.share(py)?` before this call, as in `self.data.share(py)?.set(0, 1.0)`"
)]
pub trait SharedWithoutGuard {}

/// Elements that others may write, to which there are nevertheless mutable references. No type implements this.
#[diagnostic::on_unimplemented(
    message = "others may write these items at the same time, so there is no `&mut` to them",
    label = "write `.update(|item| item * 2.0)` instead, or `.for_each_chunk(|chunk| ..)` for slices of copies",
    note = "to borrow the storage of an `ExportCell` alone, take `.write(py)?` instead of `.share(py)?`"
)]
pub trait MutableWhileShared {}

/// Elements that others may write, to which there are nevertheless references. No type implements this.
#[diagnostic::on_unimplemented(
    message = "others may write these items at the same time, so there is no slice of them",
    label = "copy them with `.to_vec()?`, or write `.fold_chunks(..)` for slices of copies",
    note = "for a slice, take `.read(py)?` instead of `.share(py)?` of an `ExportCell`, and a `StableView` of another object"
)]
pub trait SlicedWhileShared {}

/// Elements that others may write, to which there are nevertheless references by index. No type implements this.
#[diagnostic::on_unimplemented(
    message = "others may write these items at the same time, so `[]`, which is a reference, cannot index them",
    label = "write `.get(0)` to read an item, and `.set(0, 1.0)` to write it"
)]
pub trait IndexedWhileShared {}

/// A view whose items are referred to by index. No type implements this.
#[diagnostic::on_unimplemented(
    message = "others may write the items of a view at the same time, so `[]`, which is a reference, cannot index it",
    label = "write `.get(&[0])`, with an index for each dimension, and `.set(&[0], 1.0)` to write",
    note = "a `StableView`, of memory that nobody changes, is a slice"
)]
pub trait IndexedWhileViewed {}

/// A view to read whose items can nevertheless be written. No type implements this.
#[diagnostic::on_unimplemented(
    message = "this view only reads",
    label = "to write, let the function take a `BufferViewMut`, as in `out: BufferViewMut<'_, f64>`"
)]
pub trait WrittenByReader {}

/// A bound that nothing satisfies. The functions that a class must not define are declared under it: if the class has one of them
/// all the same, the error names this trait.
pub trait OnlyOneDefinition {}
