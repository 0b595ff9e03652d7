//! The errors about fields of types that new users put into a cell, but that are no storage.
//!
//! rustc takes the number of a [`FieldType`], if there is one, before that of [`NoMistake`]. The derive names the type of
//! a field through the trait [`Shown`] of that number, which is implemented under a bound that no type satisfies, and the
//! text of the bound is the error. To the compiler such a cell has no guards; those that the derive declares cause no
//! further error, see `cell::constructed`.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::marker::PhantomData;
use std::num::NonZero;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use pyo3::{Bound, Py};

use super::class::Source;
use crate::cell::ExportCell;
use crate::never::Never;

/// The type of a field that is exported. The derive names the field's type through it: if the type cannot be exported,
/// the compiler reports one error, without the bounds of [`Exporter`](super::Exporter), and assumes that the rest is
/// right.
pub trait Shown<const MISTAKE: usize> {
    /// The type itself.
    type Itself;
}

impl<C: Source> Shown<0> for C {
    type Itself = C;
}

/// The type of a field, whose number `MISTAKE` says which mistake it is.
#[derive(Debug)]
pub struct FieldType<C>(PhantomData<C>);

/// The number of every other type.
pub trait NoMistake {
    /// No mistake is known.
    const MISTAKE: usize = 0;
}

impl<C> NoMistake for FieldType<C> {}

/// Defines a bound that no type satisfies for each mistake.
macro_rules! mistaken {
    ($($number:literal => $(#[$attribute:meta])* $bound:ident: $([$($parameter:ident),*] $field:ty),+;)*) => {$(
        $(#[$attribute])*
        pub trait $bound: Never {}

        impl<C: $bound> Shown<$number> for C {
            type Itself = C;
        }

        $(
            impl<$($parameter),*> FieldType<$field> {
                /// The number of this mistake.
                pub const MISTAKE: usize = $number;
            }
        )+
    )*};
}

mistaken! {
    1 =>
    /// It is not a map.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: a map is no memory in one piece",
        label = "copy the items into one `Vec`, and write `ExportCell<Vec<f32>>`"
    )]
    IsNoMap:
        [K, V, H] ExportCell<HashMap<K, V, H>>,
        [K, V] ExportCell<BTreeMap<K, V>>,
        [K, H] ExportCell<HashSet<K, H>>,
        [K] ExportCell<BTreeSet<K>>;

    2 =>
    /// Its items are in one piece.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: its items may be in several pieces of memory",
        label = "write `ExportCell<Vec<f32>>`"
    )]
    IsInOnePiece: [T] ExportCell<VecDeque<T>>, [T] ExportCell<LinkedList<T>>, [T] ExportCell<BinaryHeap<T>>;

    3 =>
    /// It is not a text.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: Python may write any byte, and not every one is valid in a text",
        label = "store the bytes of the text, and write `ExportCell<Vec<u8>>`"
    )]
    IsNoText: [] ExportCell<String>, [] ExportCell<str>, [] ExportCell<&'static str>;

    4 =>
    /// It is an array.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: a cell holds an array, and this is one value",
        label = "write `ExportCell<Vec<f32>>`, or `ExportCell<[f32; 1]>` with `#[buffer(shape = [])]` for one number"
    )]
    IsArray:
        [] ExportCell<u8>, [] ExportCell<u16>, [] ExportCell<u32>, [] ExportCell<u64>, [] ExportCell<usize>, [] ExportCell<i8>, [] ExportCell<i16>, [] ExportCell<i32>, [] ExportCell<i64>, [] ExportCell<isize>, [] ExportCell<f32>, [] ExportCell<f64>, [] ExportCell<bool>, [] ExportCell<char>;

    5 =>
    /// It is one array.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: a cell holds one array, and nothing else",
        label = "write `ExportCell<Vec<f32>>`, and a field of the class for each of the others"
    )]
    IsOneArray: [A, B] ExportCell<(A, B)>, [A, B, C] ExportCell<(A, B, C)>;

    6 =>
    /// Nothing wraps the storage.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: an `ExportCell` locks and shares by itself, and may be closed",
        label = "write the array alone, as in `ExportCell<Vec<f32>>`"
    )]
    IsBare:
        [T] ExportCell<Option<T>>,
        [T] ExportCell<Mutex<T>>,
        [T] ExportCell<RwLock<T>>,
        [T] ExportCell<OnceLock<T>>,
        [T] ExportCell<Cell<T>>,
        [T] ExportCell<RefCell<T>>,
        [T] ExportCell<OnceCell<T>>,
        [T] ExportCell<ExportCell<T>>,
        [T] ExportCell<Box<Vec<T>>>,
        [T] ExportCell<Arc<Mutex<T>>>,
        [T] ExportCell<Arc<RwLock<T>>>,
        [T] ExportCell<Arc<ExportCell<T>>>;

    7 =>
    /// It owns its items.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: the memory is borrowed, and Python may keep it for as long as it likes",
        label = "let the cell own the memory, and write `ExportCell<Vec<f32>>`; for memory of a C library `ForeignBuffer<f32>`"
    )]
    IsOwned: [T] ExportCell<&'static mut [T]>, [T] ExportCell<&'static mut Vec<T>>, [T] ExportCell<&'static Vec<T>>;

    8 =>
    /// It is not an object.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: a cell owns its memory, and this is an object",
        label = "to export a part of that object, write its `Py` without `ExportCell`"
    )]
    IsNoObject: [T] ExportCell<Py<T>>;

    9 =>
    /// Every byte is valid.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: Python may write any number, and not every one is valid there",
        label = "for `char` write `u32`, for a `NonZero` its integer, and check the number where Rust reads it"
    )]
    IsValid: [] ExportCell<Vec<char>>, [] ExportCell<Vec<NonZero<u8>>>, [] ExportCell<Vec<NonZero<u16>>>, [] ExportCell<Vec<NonZero<u32>>>, [] ExportCell<Vec<NonZero<u64>>>, [] ExportCell<Vec<NonZero<usize>>>;

    10 =>
    /// Its rows are in one piece of memory.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: each row is in memory of its own, and may have another length",
        label = "write `ExportCell<Vec<f32>>` for all items, with `#[buffer(shape = [_, self.ncols])]`",
        note = "for rows that are allocated one by one, of one length, there is `ExportCell<Rows<f32>>`, which numpy does not read"
    )]
    HasNoRows: [T] ExportCell<Vec<Vec<T>>>, [T] ExportCell<Vec<Box<[T]>>>;

    11 =>
    /// Its elements are not texts.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: each text is in memory of its own",
        label = "store texts of at most N bytes as `Bytes<N>`, as in `ExportCell<Vec<Bytes<16>>>`"
    )]
    HasNoTexts: [] ExportCell<Vec<String>>, [] ExportCell<Vec<&'static str>>;

    12 =>
    /// Its elements are not tuples.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: the compiler may put the parts of a tuple in any order",
        label = "write an array for parts of one type, as in `ExportCell<Vec<[f32; 2]>>`, or else a record",
        note = "a record is a struct with `#[derive(Clone, Copy, BufferElement)]` and `#[repr(C)]`"
    )]
    HasNoTuples: [A, B] ExportCell<Vec<(A, B)>>, [A, B, C] ExportCell<Vec<(A, B, C)>>;

    13 =>
    /// Its elements are always there.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: Python may write any byte, and has no `Option`",
        label = "write `ExportCell<Vec<f64>>`, where NaN or another number stands for what is missing"
    )]
    HasNoOptions: [T] ExportCell<Vec<Option<T>>>;

    14 =>
    /// Its elements are not objects.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: Python could overwrite the references that Rust owns",
        label = "store numbers or records, or hold the objects in a field beside the `ExportCell`"
    )]
    HasNoObjects: [T] ExportCell<Vec<Py<T>>>;

    15 =>
    /// Its elements have at most 64 bits.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: buffers have no integers of 128 bits",
        label = "store two halves, as in `ExportCell<Vec<[u64; 2]>>`"
    )]
    HasNoWideIntegers: [] ExportCell<Vec<u128>>, [] ExportCell<Vec<i128>>;

    16 =>
    /// It is an object that is always there, on any thread.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: the field for a part of another object is a `Py` of its class",
        label = "write `Py`, as in `Py<Image>`"
    )]
    IsPy: [T] Option<Py<T>>, [T] Bound<'static, T>;

    17 =>
    /// It owns memory, whose size is known.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be exported: a slice is part of other memory, and no owner of it",
        label = "write `ExportCell<Vec<f32>>`, or `ExportCell<Box<[f32]>>` for a length that never changes"
    )]
    IsNoSlice: [T] ExportCell<[T]>;
}
