//! The derive macros of `buffer-runtime`, which re-exports them; depend on that crate instead.
//!
//! A derive runs as a pipeline, a module a stage: `ast` and `attr` read what the user wrote into types, `check` holds it
//! against the rules and narrows it to what can be exported, and `expand` emits it. Every stage reports to one
//! `ctxt::Ctxt`, so that all mistakes show in one compilation.

mod ast;
mod attr;
mod check;
mod ctxt;
mod expand;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, parse_macro_input};

/// Exports one field of a `#[pyclass]` struct through Python's buffer protocol.
///
/// The field is an `ExportCell<S>`, where `S` is storage of numbers such as `Vec<f32>`. It is found by
/// its type; `#[buffer]` marks it where the struct has several, or where the type has another name. A marked field may
/// also be another object, of which [a part](#a-part-of-another-object) is exported.
/// The derive may stand above `#[pyclass]` or below it.
///
/// ```text
/// /// Pictures of one size, last index first in memory, which Python may look at but not change.
/// #[derive(ExportBuffer)]
/// #[buffer(no_array)]                       // options of the struct
/// #[pyclass(frozen)]
/// struct Pictures {
///     height: u32,
///     width: u32,
///     #[buffer(shape = [self.height, self.width, _], order = "F", readonly)]
///     pixels: ExportCell<Vec<u8>>,
/// }
/// ```
///
/// # Options of the field
///
/// | Option | Meaning |
/// |---|---|
/// | `shape = [_, self.ncols]` | The extents, outermost first, counted in scalars: any expressions over `self` that give an integer of up to 64 bits, with `?` where they give a `PyResult`. One `_` is inferred from the number of scalars: over a `Vec<[f32; 3]>` write `[_, 3]`. `[]` is a single scalar, without dimensions. Without `shape`, the storage's own is exported. |
/// | `shape = self.dims()` | The same where the number of dimensions is known only at run time: any expression but a list, for a slice, an array or a `Vec` of integers of up to 64 bits, which has no `_`. More than 64 dimensions raise `BufferError`. |
/// | `order = "C"` or `order = "F"` | Whether the last extent (`"C"`, the default) or the first (`"F"`) varies fastest. Needs a `shape` of two or more extents, or of a number known only at run time, and no `strides`. |
/// | `strides = [self.step, 4]` or `strides = self.strides()` | How many bytes lie between neighbours along each extent, in place of `order`: a list or any other expression as in `shape`, as many as there are extents, negative and zero ones among them. Needs a `shape` without `_`; one of the two may be a list and the other not, and a number of strides that differs then raises `BufferError`. Items outside the storage raise `BufferError`; items that overlap make the buffer read-only. |
/// | `offset = self.start` | How many bytes behind the start of the storage the item lies whose indices are all 0: any expression as in `shape = [...]`. Without it, that item is at the start, so that a negative stride needs one. Needs a `shape`; a `_` there is inferred from what the offset leaves of the storage. Items outside the storage raise `BufferError`. |
/// | `format = self.format()` | What one item is, over storage of bytes such as `Vec<u8>`, as Python's `struct` module writes it: any expression over `self` for a string, and a literal such as `"d"`. What is no format raises `BufferError`. A `shape` then counts such items; without one they are in one dimension, and raise `BufferError` unless they fill the storage. |
/// | `readonly` or `readonly = self.sealed` | Python may read the elements but not write them, always or if the expression, a `bool`, is true. |
///
/// The expressions are evaluated for the first of the views that are alive together, in this order: `readonly`, `format`,
/// `shape`, `offset`, `strides`. If evaluating them raises or panics, the request does. Extents, strides and an offset that
/// are literals, constants or integer fields of `self`, all in lists, are read without running any code of yours.
///
/// # A part of another object
///
/// The marked field may be a `Py<W>`, where the class `W` derives `ExportBuffer` over an `ExportCell`. The buffer is then a
/// part of that object's memory: a channel, a column, a page.
///
/// ```text
/// /// The samples of one channel, which lie between those of the others.
/// #[derive(ExportBuffer)]
/// #[pyclass(frozen)]
/// struct Channel {
///     len: usize,
///     index: usize,
///     #[buffer(shape = [self.len], strides = [8], offset = self.index * 4)]
///     sound: Py<Stereo>,
/// }
/// ```
///
/// The shape, which it has to have, the strides and the offset are declared over all of the memory in that object's cell,
/// whatever the object itself shows of it. The items are its items, unless they are bytes and `format` says what those are.
/// Each view counts as a view of the object, and is read-only where the object's are. The expressions are evaluated for every
/// view. The object must not be a part itself.
///
/// # Options of the struct
///
/// Written as `#[buffer(no_array)]` above the struct.
///
/// | Option | Meaning |
/// |---|---|
/// | `no_array` | Leaves out the `__array__` method, for a class that has its own. It is what makes numpy raise the `BufferError` of a refused view instead of making an array of objects. |
/// | `crate = "path"` | Where `buffer_runtime` is, if it is not `::buffer_runtime`. |
///
/// # What is refused
///
/// Generic structs, since Python has one class for one type; enums and unions; `unsendable` classes,
/// since Python may release a view on any thread; and a second `__getbuffer__`, `__releasebuffer__` or
/// (without `no_array`) `__array__` in the class's `#[pymethods]`.
#[proc_macro_derive(ExportBuffer, attributes(buffer))]
pub fn derive_export_buffer(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::export::derive(&input).unwrap_or_else(Error::into_compile_error).into()
}
