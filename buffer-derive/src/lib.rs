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
/// | `strides = [self.step, 4]` or `strides = self.strides()` | How many bytes lie between neighbours along each extent, in place of `order`: a list or any other expression as in `shape`, as many as there are extents, negative and zero ones among them. Needs a `shape` without `_`; one of the two may be a list and the other not, and a number of strides that differs then raises `BufferError`. Items outside the storage raise `BufferError`; items that share bytes make the buffer read-only, items that merely interleave do not. |
/// | `offset = self.start` | How many bytes behind the start of the storage the item lies whose indices are all 0: any expression as in `shape = [...]`. Without it, that item is at the start, so that a negative stride needs one. Needs a `shape`; a `_` there is inferred from what the offset leaves of the storage. Items outside the storage raise `BufferError`. |
/// | `format = self.format()` | What one item is, over storage of bytes such as `Vec<u8>`, as Python's `struct` module writes it: any expression over `self` for a string, and a literal such as `"d"`. What is no format raises `BufferError`. A `shape` then counts such items; without one they are in one dimension, and raise `BufferError` unless they fill the storage. |
/// | `readonly` or `readonly = self.sealed` | Python may read the elements but not write them, always or if the expression, a `bool`, is true. |
/// | `pin` | The memory stays where it is from the first view on, [until the object dies](#consumers-that-keep-no-view). |
///
/// The expressions are evaluated for the first of the views that are alive together, in this order: `readonly`, `format`,
/// `shape`, `offset`, `strides`. If evaluating them raises or panics, the request does. Extents, strides and an offset that
/// are literals, constants or integer fields of `self`, all in lists, are read without running any code of yours.
/// A name alone that is a field's is refused, since `self.` is missing; a constant that is called so goes in a block, as in
/// `{ ncols }`.
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
/// view, before the object is asked for one: they may borrow its cell like any other code. If the numbers then do not fit
/// they are evaluated again, since the object may have changed meanwhile. The object must not be a part itself.
///
/// # Consumers that keep no view
///
/// A few consumers take a view, keep the bare address of the memory, and release the view at once:
/// `np.ndarray(shape, buffer=m)`, `np.recarray(shape, buf=m)`, `np.char.chararray(shape, buffer=m)`, `torch.frombuffer(m)`
/// and `torch.asarray(m)`. (`torch.from_numpy(np.asarray(m))` holds its view.) No count can see them, and the memory would
/// be moved or freed under them. With `pin`, what has been viewed once is refused ever after to whoever would do that:
/// `write`, `get_mut`, `write_or_detach`, `close`, `take`, `detach` and `into_inner` of the cell answer
/// `the memory is pinned`. So is `read`, if a view that was granted could write. `share` is granted, and so are further
/// views.
///
/// The memory then lives as long as the object, which those consumers keep alive if it is what they were given; of a
/// memoryview they keep the memoryview, which lets go of the object when it is released. One thing no lock can see: code of yours that
/// moves the cell out of its object, by assigning another one to the field or by `mem::swap`. Leave the cell of such a class in
/// its place; a `frozen` class cannot do otherwise.
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

/// Makes a struct an element of buffers: a record with named fields, as numpy's structured dtypes are.
///
/// ```text
/// #[derive(Clone, Copy, BufferElement)]
/// #[repr(C)]
/// struct Particle {
///     id: u32,
///     #[buffer(rename = "type")]
///     kind: u8,
///     #[buffer(padding)]
///     _pad: [u8; 3],
///     position: [f64; 3],
///     spins: [[i16; 2]; 2],
///     #[buffer(as = [f32; 2])]
///     heading: glam::Vec2,                  // a type of another crate
/// }
/// ```
///
/// An `ExportCell<Vec<Particle>>` then is a one-dimensional buffer of items with the format
/// `T{=I:id:=B:type:3x(3)=d:position:(2,2)=h:spins:(2)=f:heading:}`, which numpy reads as the dtype that one would write by
/// hand:
///
/// ```text
/// np.dtype({"names": ["id", "type", "position", "spins", "heading"],
///           "formats": ["u4", "u1", ("f8", 3), ("i2", (2, 2)), ("f4", 2)],
///           "offsets": [0, 4, 8, 32, 40], "itemsize": 48})
/// ```
///
/// memoryview shows the bytes of records, but does not take them apart; a dtype that is read from a buffer is never one
/// with `align=True`, which compares as equal.
///
/// # What a struct needs
///
/// | Struct | What Python sees |
/// |---|---|
/// | `#[repr(C)]`, with `packed` or not | A record of its fields. Fields of a tuple struct are called `f0`, `f1`, and so on. |
/// | `#[repr(transparent)]` | What it sees of the only field: a `struct Meters(f32)` is `f`. |
///
/// - Every field is an `Element`: a number, a `Be<T>`, `Le<T>` or `Bytes<N>`, another record, an array of any of these. A
///   record that holds a `bool` is one that Python may only read. A `PhantomData` is left out.
/// - No bytes between the fields or behind them: padding is not initialised, and would show Python what was in that memory
///   before. The error says how many bytes to name, and where.
/// - `Copy`, and no lifetimes. Type parameters need no bounds of yours: a record of `T` is an element where `T` makes every
///   field one. The padding of a generic record is judged for each `T` that it is used with, when the crate that does so is
///   built (`cargo check` does not see it).
///
/// The derive proves all of it to the compiler; there is no `unsafe` left for you to write, and bytemuck's traits need not be
/// there. What no compiler knows is what you promise to those who use the struct: unless the buffer is `readonly`, Python
/// may write any number into any field, the private ones as well.
///
/// # Options of a field
///
/// | Option | Meaning |
/// |---|---|
/// | `rename = "type"` | What Python calls the field. Any text without a colon, a NUL, or a name that is taken. |
/// | `padding` | Python sees unnamed bytes in place of the field. They are there all the same, for `bytes(m)` as for others. |
/// | `as = [f32; 3]` | Python sees this element in place of the field's type, which has to be of the same size, and bytemuck's `NoUninit` and `AnyBitPattern`: types of other crates, such as `glam::Vec3` with glam's feature `bytemuck`. |
///
/// # Options of the struct
///
/// | Option | Meaning |
/// |---|---|
/// | `crate = "path"` | Where `buffer_runtime` is, if it is not `::buffer_runtime`. The proof is made of what is found there: it has to be the crate itself, under another name or in another place. |
///
/// # What is refused
///
/// Enums and unions, and fields that are one; `char`, `NonZero`, references, pointers, `String` and whatever else is not
/// valid for every bit pattern or owns other memory; structs whose fields the compiler may reorder, that have no field, that
/// are not `Copy`, or have padding; fields without bytes; names that are empty, taken, or hold a colon or a NUL.
#[proc_macro_derive(BufferElement, attributes(buffer))]
pub fn derive_buffer_element(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::element::derive(&input).unwrap_or_else(Error::into_compile_error).into()
}
