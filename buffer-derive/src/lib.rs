//! The derive macros of `buffer-runtime`, which re-exports them; depend on that crate instead.
//!
//! A derive is a pipeline with one module for each stage. `ast` and `attr` read what the user wrote into types. `check`
//! checks it against the rules and narrows it to what can be exported. `expand` emits the code. Every stage reports to
//! one `ctxt::Ctxt`, so that one compilation shows all mistakes.

mod ast;
mod attr;
mod check;
mod ctxt;
mod expand;
mod repeated;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Exports fields of a `#[pyclass]` struct through Python's buffer protocol: one as the object's own buffer, and any
/// number as [properties](#several-fields).
///
/// The field is an `ExportCell<S>`, where `S` is storage of numbers such as `Vec<f32>`. The derive finds it by its
/// type. Mark it with `#[buffer]` if the struct has several such fields, or if its type has another name. A marked
/// field may also be another object; then [a part](#a-part-of-another-object) of that object is exported. The derive
/// may stand above `#[pyclass]` or below it.
///
/// ```
/// use buffer_runtime::{ExportBuffer, ExportCell};
/// use pyo3::prelude::*;
///
/// /// Pictures of one size in Fortran order, which Python may read but not write.
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
/// | `shape = [_, self.ncols]` | The extents, outermost first, counted in scalars: any expressions over `self` that give an integer of up to 64 bits, with `?` if they give a `PyResult`. One `_` is inferred from the number of scalars: over a `Vec<[f32; 3]>` write `[_, 3]`. `[]` is a single scalar, without dimensions. Without `shape`, the storage's own shape is exported. |
/// | `shape = self.dims()` | The same if the number of dimensions is known only at run time: any expression but a list that gives a slice, an array or a `Vec` of integers of up to 64 bits. It has no `_`. More than 64 dimensions raise `BufferError`. |
/// | `order = "C"` or `order = "F"` | Whether the last extent (`"C"`, the default) or the first (`"F"`) varies fastest. Needs a `shape` with two or more extents, or with a number of extents known only at run time, and no `strides`. |
/// | `strides = [self.step, 4]` or `strides = self.strides()` | The distance in bytes between neighbours along each extent, in place of `order`: a list or any other expression as in `shape`, with as many strides as extents. Strides may be negative or zero. Needs a `shape` without `_`. A literal stride or `offset` over numbers must be a multiple of the item's size. One of the two may be a list and the other not; numbers of strides and extents that differ then raise `BufferError`. Items outside the storage raise `BufferError`. Items that share bytes make the buffer read-only; items that only interleave do not. |
/// | `offset = self.start` | The distance in bytes from the start of the storage to the item whose indices are all 0: any expression as in `shape = [...]`. Without it, that item is at the start, so a negative stride needs an `offset`. Needs a `shape`; a `_` there is inferred from the part of the storage after the offset. Items outside the storage raise `BufferError`. |
/// | `format = self.format()` | The format of one item, over storage of bytes such as `Vec<u8>`, in the notation of Python's `struct` module: any expression over `self` that gives a string, or a literal such as `"d"`. An invalid format raises `BufferError`; an invalid literal is an error of the compiler. A `shape` then counts such items. Without a `shape` the items have one dimension, and raise `BufferError` unless they fill the storage. |
/// | `readonly` or `readonly = self.sealed` | Python may read the elements but not write them: always, or if the expression, a `bool`, is true. |
/// | `get` | A property of the field's name [exports the field](#several-fields). |
/// | `name = "values"` | The name of that property. |
/// | `own` | Beside `get`: the field is the object's own buffer as well. |
/// | `pin` | The memory stays in place from the first view on, [until the object dies](#consumers-that-keep-no-view). |
/// | `default` | On any field of a class with `pickle`: the field of [an unpickled object](#objects-that-travel) begins with `Default::default()`. By itself it does not mark a field. |
///
/// The expressions are evaluated when a view is requested while no other is alive, in this order: `readonly`, `format`,
/// `shape`, `offset`, `strides`. If evaluating them raises or panics, the request raises. Extents, strides and an
/// offset that are literals, constants or integer fields of `self`, all in lists, are read without running any of your
/// code. So are a `format` that is a literal or a field (a `String`, a `Format`, or a `str` behind `&'static`, `Box`,
/// `Arc` or `Cow`) and a `readonly` that is a field. If a class declares nothing else, its views cost hardly more than
/// those of a class whose layout never changes. If the storage is an array `[T; N]`, the compiler compares the literals
/// with it: a shape that does not fit, or items outside the array, do not compile. A bare name that is also the name of
/// a field is refused, because `self.` is probably missing; write a constant of that name in a block, as in `{ ncols
/// }`.
///
/// # Several fields
///
/// ```
/// use buffer_runtime::{ExportBuffer, ExportCell};
/// use pyo3::prelude::*;
///
/// #[derive(ExportBuffer)]
/// #[pyclass(frozen)]
/// struct Table {
///     /// When, in seconds.
///     #[buffer(get)]
///     time: ExportCell<Vec<i64>>,
///     /// What.
///     #[buffer(get, name = "value", shape = [_, 2])]
///     values: ExportCell<Vec<f64>>,
/// }
/// ```
///
/// In Python, `table.time` and `table.value` are objects of the class `buffer_runtime.Buffer`, each of which exports
/// its field. `Part` in the runtime documents them. Each field has its own lock: while `table.time` is viewed, `values`
/// may grow. The documentation of a field is that of its property. At most one field is the object's own buffer, which
/// `memoryview(table)` shows: one with `get` and `own`, or one that is marked without `get`. Here, there is none.
///
/// A method or getter of the same name in `#[pymethods]` is an error of the compiler, which names the function that
/// PyO3 generates.
///
/// # A part of another object
///
/// The marked field may be a `Py<W>`, where the class `W` derives `ExportBuffer` over an `ExportCell`. The buffer is
/// then a part of that object's memory: a channel, a column, a page.
///
/// ```
/// # use buffer_runtime::{ExportBuffer, ExportCell};
/// # use pyo3::prelude::*;
/// /// Samples of two channels, which alternate.
/// #[derive(ExportBuffer)]
/// #[pyclass(frozen)]
/// struct Stereo {
///     samples: ExportCell<Vec<f32>>,
/// }
///
/// /// The samples of one channel.
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
/// The shape (which is required here), the strides and the offset are declared over all of the memory in that object's
/// cell, no matter what the object itself exports of it. The items are the object's items, unless they are bytes and
/// `format` declares what the bytes are. Each view counts as a view of the object, and is read-only if the object's
/// views are. The expressions are evaluated for every view, before a view of the object is requested: they may borrow
/// its cell like any other code. If the numbers then do not fit they are evaluated again, since the object may have
/// changed meanwhile. The object must not be a part itself.
///
/// # Consumers that keep no view
///
/// A few consumers take a view, keep the bare address of the memory, and release the view at once:
/// `np.ndarray(shape, buffer=m)`, `np.recarray(shape, buf=m)`, `np.char.chararray(shape, buffer=m)`,
/// `torch.frombuffer(m)` and `torch.asarray(m)`. (`torch.from_numpy(np.asarray(m))` holds its view.) No count covers
/// them, and the memory would be moved or freed while they use it. With `pin`, memory that was viewed once never moves
/// again: `write`, `get_mut`, `write_or_detach`, `close`, `take`, `detach` and `into_inner` of the cell are refused
/// with `the memory is pinned`. `read` is refused as well, if a view that was granted could write. `share` and further
/// views are granted.
///
/// The memory then lives as long as the object. Those consumers keep the object alive if they were given the object
/// itself. If they were given a memoryview, they keep the memoryview, which drops its reference to the object when it
/// is released. One case no lock can detect: code of yours that moves the cell out of its object, by assigning another
/// one to the field or by `mem::swap`. Never move the cell of such a class; in a `frozen` class you cannot.
///
/// # Objects that travel
///
/// ```
/// use std::sync::atomic::AtomicU64;
///
/// use buffer_runtime::{ExportBuffer, ExportCell};
/// use pyo3::prelude::*;
///
/// #[derive(ExportBuffer)]
/// #[buffer(pickle)]
/// #[pyclass(frozen, module = "sensors")]
/// struct Samples {
///     rate: u32,
///     data: ExportCell<Vec<f64>>,
///     #[buffer(default)]
///     reads: AtomicU64,
/// }
/// ```
///
/// With `pickle`, objects have `__reduce_ex__`, `__copy__` and `__deepcopy__`. The class has `__buffer_rebuild__`,
/// which makes an object from the data of a pickle. The class must be importable where its `module = "..."` says.
///
/// A pickle keeps all the memory of every `ExportCell`, whether or not the class exports it, so that the declared
/// layout fits again. From protocol 5 on, `pickle` takes the memory out of band, as a `PickleBuffer` that shows the
/// object's memory and counts as a view; older protocols copy it. One copy makes the new object's storage: a `Vec<T>`,
/// `Box<[T]>`, `[T; N]`, `Rows<T>`, `Arc<[T]>`, `Arc<Vec<T>>`, an `Array` of ndarray, `SmallVec`, `bytes::Bytes`, or a
/// storage of your own that is `FromElements`. A `VecOrImported<T>` may keep the memory that arrives, without a copy.
/// PyO3 must convert each other field both ways (`IntoPyObject` of a reference, and `FromPyObject`), or the field must
/// have `#[buffer(default)]`.
///
/// A new object is made without a call of `#[new]`. Everything in the pickle is checked, down to the layout: data that
/// does not fit raises `pickle.UnpicklingError`. Python subclasses keep their attributes, and may define
/// `__getstate__`, `__setstate__`, `__reduce__` or `__reduce_ex__`. A class with a base class of Rust cannot have
/// `pickle`, and a subclass of Rust must define `__reduce__` itself.
///
/// # Options of the struct
///
/// Written as `#[buffer(no_array)]` above the struct.
///
/// | Option | Meaning |
/// |---|---|
/// | `pickle` | Objects can be [pickled and copied](#objects-that-travel). Needs the feature `pickle` of `buffer-runtime`. |
/// | `no_array` | Omits the `__array__` method, for a class that has its own. This method makes numpy raise the `BufferError` of a refused view instead of making an array of objects. |
/// | `crate = "path"` | Where `buffer_runtime` is, if it is not `::buffer_runtime`, for example because `Cargo.toml` gives it another name. |
///
/// # What is refused
///
/// Generic structs, because Python has one class for one type; enums and unions; `unsendable` classes, because Python
/// may release a view on any thread; and a second `__getbuffer__`, `__releasebuffer__`, (without `no_array`)
/// `__array__` or (with `pickle`) `__reduce__`, `__reduce_ex__`, `__copy__` or `__deepcopy__` in the class's
/// `#[pymethods]`.
#[proc_macro_derive(ExportBuffer, attributes(buffer))]
pub fn derive_export_buffer(input: TokenStream) -> TokenStream {
    if let Some(error) = repeated::error("ExportBuffer") {
        return error;
    }
    let input = parse_macro_input!(input as DeriveInput);
    expand::export::derive(&input).unwrap_or_else(|error| expand::export::refused(error, &input)).into()
}

/// Makes a struct an element of buffers: a record with named fields, like numpy's structured dtypes.
///
/// ```
/// use buffer_runtime::BufferElement;
/// # mod glam {
/// #     #[derive(Clone, Copy)]
/// #     #[repr(C)]
/// #     pub struct Vec2 { x: f32, y: f32 }
/// #     unsafe impl bytemuck::Zeroable for Vec2 {}
/// #     unsafe impl bytemuck::Pod for Vec2 {}
/// # }
///
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
/// # let format = c"T{=I:id:=B:type:3x(3)=d:position:(2,2)=h:spins:(2)=f:heading:}";
/// # assert_eq!(<Particle as buffer_runtime::Element>::FORMAT, format);
/// ```
///
/// An `ExportCell<Vec<Particle>>` then is a one-dimensional buffer of items with the format
/// `T{=I:id:=B:type:3x(3)=d:position:(2,2)=h:spins:(2)=f:heading:}`, which numpy reads as this dtype:
///
/// ```text
/// np.dtype({"names": ["id", "type", "position", "spins", "heading"],
///           "formats": ["u4", "u1", ("f8", 3), ("i2", (2, 2)), ("f4", 2)],
///           "offsets": [0, 4, 8, 32, 40], "itemsize": 48})
/// ```
///
/// memoryview shows the bytes of records, but does not unpack them. A dtype that numpy reads from a buffer never has
/// `align=True`; it compares equal to one that has.
///
/// # What a struct needs
///
/// | Struct | What Python sees |
/// |---|---|
/// | `#[repr(C)]`, with `packed` or not | A record of its fields. Fields of a tuple struct are called `f0`, `f1`, and so on. |
/// | `#[repr(transparent)]` | What it sees of the only field: a `struct Meters(f32)` is `f`. |
///
/// - Every field is an `Element`: a number, a `Be<T>`, `Le<T>` or `Bytes<N>`, another record, an array of any of these.
///   A record that contains a `bool` is read-only for Python. A `PhantomData` is left out.
/// - No bytes between the fields or after them: padding is not initialised, and would show Python what was in that
///   memory before. There is an error for each hole, which reports the field to declare, and where.
/// - `Copy`, and no lifetimes. Type parameters need no bounds of yours: a record of `T` is an element if `T` makes
///   every field one. The padding of a generic record is checked for each `T` that it is used with, when the crate that
///   uses it is built (`cargo check` does not check it).
///
/// The derive proves all of this to the compiler. You write no `unsafe`, and need no traits of bytemuck. No compiler
/// can check what you promise to the users of the struct: unless the buffer is `readonly`, Python may write any number
/// into any field, including private ones.
///
/// # Options of a field
///
/// | Option | Meaning |
/// |---|---|
/// | `rename = "type"` | What Python calls the field: any text without a colon or a NUL, unlike the names of the other fields. |
/// | `padding` | Python sees unnamed bytes in place of the field. The bytes are still there, for example in `bytes(m)`. |
/// | `as = [f32; 3]` | Python sees this element in place of the field's type, which must have the same size and implement bytemuck's `NoUninit` and `AnyBitPattern`: types of other crates, such as `glam::Vec3` with glam's feature `bytemuck`. |
///
/// # Options of the struct
///
/// | Option | Meaning |
/// |---|---|
/// | `crate = "path"` | Where `buffer_runtime` is, if it is not `::buffer_runtime`. The proof relies on the items at that path: it must be the crate itself, under another name or in another place. |
///
/// # What is refused
///
/// Enums and unions, and fields of such types; `char`, `NonZero`, references, pointers, `String` and every other type
/// that is not valid for every bit pattern or owns other memory; structs whose fields the compiler may reorder, that
/// have no field, that are not `Copy`, or that have padding; fields without bytes; names that are empty, used twice, or
/// contain a colon or a NUL.
#[proc_macro_derive(BufferElement, attributes(buffer))]
pub fn derive_buffer_element(input: TokenStream) -> TokenStream {
    if let Some(error) = repeated::error("BufferElement") {
        return error;
    }
    let input = parse_macro_input!(input as DeriveInput);
    expand::element::derive(&input).unwrap_or_else(|error| expand::element::refused(error, &input)).into()
}
