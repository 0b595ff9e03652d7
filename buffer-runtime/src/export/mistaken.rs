//! The errors about fields of types that cannot be exported, and that new users put into a cell.

use super::fault::{Faultless, faults, mistaken};
use crate::never::Never;
use crate::storage::Mistake;

faults! {
    mistaken(Mistake::Map) =>
    /// It is not a map.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: a map is no memory in one piece",
        label = "copy the items into one `Vec`, and write `ExportCell<Vec<f32>>`"
    )]
    IsNoMap;

    mistaken(Mistake::Pieces) =>
    /// Its items are in one piece.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: its items may be in several pieces of memory",
        label = "write `ExportCell<Vec<f32>>`"
    )]
    IsInOnePiece;

    mistaken(Mistake::Text) =>
    /// It is not a text.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: Python may write any byte, and not every one is valid in a text",
        label = "store the bytes of the text, and write `ExportCell<Vec<u8>>`"
    )]
    IsNoText;

    mistaken(Mistake::Value) =>
    /// It is an array.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: a cell holds an array, and this is one value",
        label = "write `ExportCell<Vec<f32>>`, or `ExportCell<[f32; 1]>` with `#[buffer(shape = [])]` for one number"
    )]
    IsArray;

    mistaken(Mistake::Tuple) =>
    /// It is one array.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: a cell holds one array, and nothing else",
        label = "write `ExportCell<Vec<f32>>`, and a field of the class for each of the others"
    )]
    IsOneArray;

    mistaken(Mistake::Wrapper) =>
    /// Nothing wraps the storage.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: an `ExportCell` locks and shares by itself, and may be closed",
        label = "write the array alone, as in `ExportCell<Vec<f32>>`"
    )]
    IsBare;

    mistaken(Mistake::Invalid) =>
    /// Every byte is valid.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: Python may write any number, and not every one is valid there",
        label = "for `char` write `u32`, for a `NonZero` its integer, and check the number where Rust reads it"
    )]
    IsValid;

    mistaken(Mistake::Rows) =>
    /// Its rows are in one piece of memory.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: each row is in memory of its own, and may have another length",
        label = "write `ExportCell<Vec<f32>>` for all items, with `#[buffer(shape = [_, self.ncols])]`",
        note = "for rows that are allocated one by one, of one length, there is `ExportCell<Rows<f32>>`, which numpy does not read"
    )]
    HasNoRows;

    mistaken(Mistake::Texts) =>
    /// Its elements are not texts.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: each text is in memory of its own",
        label = "store texts of at most N bytes as `Bytes<N>`, as in `ExportCell<Vec<Bytes<16>>>`"
    )]
    HasNoTexts;

    mistaken(Mistake::Tuples) =>
    /// Its elements are not tuples.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: the compiler may put the parts of a tuple in any order",
        label = "write an array for parts of one type, as in `ExportCell<Vec<[f32; 2]>>`, or else a record",
        note = "a record is a struct with `#[derive(Clone, Copy, BufferElement)]` and `#[repr(C)]`"
    )]
    HasNoTuples;

    mistaken(Mistake::Missing) =>
    /// Its elements are always there.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: Python may write any byte, and has no `Option`",
        label = "write `ExportCell<Vec<f64>>`, where NaN or another number stands for what is missing"
    )]
    HasNoOptions;

    mistaken(Mistake::Objects) =>
    /// Its elements are not objects.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: Python could overwrite the references that Rust owns",
        label = "store numbers or records, or hold the objects in a field beside the `ExportCell`"
    )]
    HasNoObjects;

    mistaken(Mistake::Wide) =>
    /// Its elements have at most 64 bits.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: buffers have no integers of 128 bits",
        label = "store two halves, as in `ExportCell<Vec<[u64; 2]>>`"
    )]
    HasNoWideIntegers;
}
