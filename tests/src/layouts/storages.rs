//! A class of float32 or bytes for each storage that is not in `product`: shared, mapped, foreign, or with a layout of
//! its own.
//!
//! `Class(content)` has the methods `replace`, `views` and `read`; those of mappings take a path.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aligned_vec::AVec;
use buffer_runtime::{
    Element, ExportBuffer, ExportCell, ForeignBuffer, Frozen, OwnLayout, ReadOnly, ReadWrite, Stable, Storage,
};
use bytes::Bytes;
use memmap2::{Mmap, MmapMut};
use ndarray::{ArrayD, Axis, IxDyn, Slice};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use smallvec::SmallVec;

use super::content::{Content, Item};

static FOREIGN: AtomicUsize = AtomicUsize::new(0);

/// The memory of a `Vec` as a C library would return it, and the function that frees it.
fn allocate<T: Element>(elements: Vec<T>) -> (*mut T, usize, impl FnOnce(*mut T, usize) + Send + 'static) {
    FOREIGN.fetch_add(1, Ordering::Relaxed);
    let len = elements.len();
    let first = Box::into_raw(elements.into_boxed_slice()).cast::<T>();
    let free = |first: *mut T, len| {
        // SAFETY: it was a box of `len` elements.
        let mut elements = unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(first, len)) };
        // A view that outlives its memory then reads wrong values.
        // SAFETY: `len` elements are written, for which every bit pattern is valid.
        unsafe { elements.as_mut_ptr().write_bytes(0xdd, len) };
        FOREIGN.fetch_sub(1, Ordering::Relaxed);
    };
    (first, len, free)
}

/// Storages that are made from a `Vec` of their elements.
macro_rules! contents {
    ($([$($generics:tt)*] $storage:ty: $element:ty, |$vec:ident| $value:expr;)*) => {$(
        impl<$($generics)*> Content for $storage {
            fn from_bytes(bytes: &[u8]) -> PyResult<Self> {
                let $vec = Vec::<$element>::from_bytes(bytes)?;
                Ok($value)
            }
        }
    )*};
}

contents! {
    [T: Item] Arc<[T]>: T, |vec| vec.into();
    [T: Item] Arc<Vec<T>>: T, |vec| Arc::new(vec);
    [T: Item] &'static [T]: T, |vec| Vec::leak(vec);
    [T: Item] Frozen<T>: T, |vec| Frozen::new(vec);
    [] Bytes: u8, |vec| vec.into();
    [T: Item] AVec<T>: T, |vec| AVec::from_slice(0, &vec);
    [A: smallvec::Array<Item: Item> + 'static] SmallVec<A>: A::Item, |vec| vec.into();
    [T: Item] ForeignBuffer<T>: T, |vec| {
        let (first, len, free) = allocate(vec);
        // SAFETY: the memory of a box, which has no other owner until `free` takes it, which may run on any thread.
        unsafe { ForeignBuffer::new(first, len, free) }.expect("a box's memory")
    };
    [T: Item] ForeignBuffer<T, ReadOnly>: T, |vec| {
        let (first, len, free) = allocate(vec);
        // SAFETY: as above.
        unsafe { ForeignBuffer::new_readonly(first, len, free) }.expect("a box's memory")
    };
    [T: Item] Stable<ForeignBuffer<T>>: T, |vec| {
        let (first, len, free) = allocate(vec);
        // SAFETY: as above.
        let buffer = unsafe { ForeignBuffer::new(first, len, free) }.expect("a box's memory");
        // SAFETY: nobody else has the address.
        unsafe { Self::new(buffer) }
    };
}

macro_rules! storages {
    ($($(#[$attr:meta])* $class:ident: $storage:ty $(, #[buffer($($option:tt)*)])?;)*) => {$(
        $(#[$attr])*
        #[derive(ExportBuffer)]
        #[pyclass(frozen, weakref)]
        struct $class {
            #[buffer($($($option)*)?)]
            data: ExportCell<$storage>,
        }

        #[pymethods]
        impl $class {
            #[new]
            fn new(content: &[u8]) -> PyResult<Self> {
                Ok(Self { data: ExportCell::new(Content::from_bytes(content)?) })
            }

            fn replace(&self, py: Python<'_>, content: &[u8]) -> PyResult<()> {
                *self.data.write(py)? = Content::from_bytes(content)?;
                Ok(())
            }

            fn read(&self, py: Python<'_>) -> PyResult<Vec<<$storage as Storage>::Element>> {
                Ok(self.data.read(py)?.to_vec())
            }

            fn close(&self, py: Python<'_>) -> PyResult<()> {
                let _closed = self.data.close(py)?;
                Ok(())
            }

            fn views(&self) -> usize {
                self.data.views()
            }
        }
    )*};
}

storages! {
    SharedSlice: Arc<[f32]>;
    SharedVec: Arc<Vec<f32>>;
    StaticSlice: &'static [f32];
    FrozenSlice: Frozen<f32>;
    SharedBytes: Bytes;
    Aligned: AVec<f32>;
    Inline: SmallVec<[f32; 16]>;
    Spilled: SmallVec<[f32; 1]>;
    Foreign: ForeignBuffer<f32>;
    ReadOnlyForeign: ForeignBuffer<f32, ReadOnly>;
    PromisedForeign: Stable<ForeignBuffer<f32>>;
    /// Declares `readonly`, though the storage is read-only anyway.
    ReadOnlyShared: Arc<[f32]>, #[buffer(readonly)];
    /// Not every bit pattern is a `bool`, but Python cannot write one here.
    SharedTruths: Arc<[bool]>;
    SharedTable: Arc<[f32]>, #[buffer(shape = [2, _])];
    SharedDoubles: Bytes, #[buffer(format = "d")];
    /// Computes `readonly` at run time, though the storage is read-only anyway.
    SharedUndecided: Arc<[f32]>, #[buffer(readonly = false_at_run_time())];
}

fn false_at_run_time() -> bool {
    std::hint::black_box(false)
}

impl Item for bool {
    fn from_bytes(bytes: &[u8]) -> Self {
        bytes != [0]
    }
}

macro_rules! mappings {
    ($($class:ident: $mapping:ident, $map:expr;)*) => {$(
        #[derive(ExportBuffer)]
        #[pyclass(frozen, weakref)]
        struct $class {
            data: ExportCell<$mapping>,
        }

        #[pymethods]
        impl $class {
            /// The path of a file that nothing else changes.
            #[new]
            fn new(path: &str) -> PyResult<Self> {
                let file = File::options().read(true).write(true).open(path)?;
                // SAFETY: the caller vouches for the file.
                let mapping = unsafe { $map(&file) }?;
                Ok(Self { data: ExportCell::new(mapping) })
            }

            /// Maps another file.
            fn replace(&self, py: Python<'_>, path: &str) -> PyResult<()> {
                let mut data = self.data.write(py)?;
                *data = Self::new(path)?.data.into_inner().map_err(|(_, error)| error)?;
                Ok(())
            }

            fn views(&self) -> usize {
                self.data.views()
            }
        }
    )*};
}

mappings! {
    Mapped: Mmap, Mmap::map;
    WritableMapped: MmapMut, MmapMut::map_mut;
}

/// An array of float32 that is transposed and sliced, as numpy would do.
#[derive(ExportBuffer)]
#[pyclass(frozen, weakref)]
struct OfArray {
    data: ExportCell<ArrayD<f32>>,
}

#[pymethods]
impl OfArray {
    #[new]
    fn new(content: &[u8], shape: Vec<usize>) -> PyResult<Self> {
        let array = ArrayD::from_shape_vec(IxDyn(&shape), Vec::from_bytes(content)?);
        Ok(Self { data: ExportCell::new(array.map_err(|error| PyValueError::new_err(error.to_string()))?) })
    }

    fn permute(&self, py: Python<'_>, axes: Vec<usize>) -> PyResult<()> {
        let mut data = self.data.write(py)?;
        *data = std::mem::take(&mut *data).permuted_axes(IxDyn(&axes));
        Ok(())
    }

    fn slice(&self, py: Python<'_>, axis: usize, start: isize, end: isize, step: isize) -> PyResult<()> {
        self.data.write(py)?.slice_axis_inplace(Axis(axis), Slice { start, end: Some(end), step });
        Ok(())
    }

    fn index(&self, py: Python<'_>, axis: usize, index: usize) -> PyResult<()> {
        let mut data = self.data.write(py)?;
        *data = std::mem::take(&mut *data).index_axis_move(Axis(axis), index).into_dyn();
        Ok(())
    }

    /// The elements in ndarray's order, one after the other.
    fn read(&self, py: Python<'_>) -> PyResult<Vec<f32>> {
        Ok(self.data.read(py)?.array().iter().copied().collect())
    }

    fn double(&self, py: Python<'_>) -> PyResult<()> {
        self.data.share(py)?.for_each_chunk(|chunk| chunk.iter_mut().for_each(|item| *item *= 2.0));
        Ok(())
    }

    fn views(&self) -> usize {
        self.data.views()
    }
}

/// Exported as one dimension, in the order of memory.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct OfFlatArray {
    #[buffer(shape = [_])]
    data: ExportCell<ndarray::Array2<f32>>,
}

#[pymethods]
impl OfFlatArray {
    #[new]
    fn new(content: &[u8], rows: usize) -> PyResult<Self> {
        let vec = Vec::from_bytes(content)?;
        let columns = vec.len() / rows;
        let array = ndarray::Array2::from_shape_vec((rows, columns), vec);
        let array = array.map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self { data: ExportCell::new(array.reversed_axes()) })
    }
}

/// A storage that reports whatever layout a test sets.
struct Told {
    numbers: Vec<i32>,
    offset: usize,
    axes: Vec<(usize, isize)>,
}

// SAFETY: as for the Vec; safety does not depend on the layout.
unsafe impl Storage for Told {
    type Element = i32;
    type Access = ReadWrite;

    const STRIDED: bool = true;

    unsafe fn raw(this: *mut Self) -> (std::ptr::NonNull<i32>, usize) {
        // SAFETY: the caller vouches for `this`.
        let numbers = unsafe { &raw mut (*this).numbers };
        // SAFETY: as above.
        unsafe { Vec::raw(numbers) }
    }

    unsafe fn layout(this: *mut Self, layout: &mut OwnLayout) {
        // SAFETY: the caller vouches for `this`.
        let told = unsafe { &*this };
        layout.set(told.offset, told.axes.iter().copied());
    }
}

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct OfTold {
    data: ExportCell<Told>,
}

#[pymethods]
impl OfTold {
    /// The number of elements, and the layout that the storage reports.
    #[new]
    fn new(len: usize, offset: usize, axes: Vec<(usize, isize)>) -> Self {
        let numbers = (0..).take(len).collect();
        Self { data: ExportCell::new(Told { numbers, offset, axes }) }
    }

    fn views(&self) -> usize {
        self.data.views()
    }
}

/// Tries to take over memory at an address where there are not `len` float64 items.
#[pyfunction]
fn refuse_foreign(address: usize, len: usize) -> PyResult<()> {
    let data = std::ptr::without_provenance_mut::<f64>(address);
    // SAFETY: the obligations do not hold, but `new` must refuse these parts before it relies on them.
    drop(unsafe { ForeignBuffer::new(data, len, |_, _| panic!("it is not to be freed")) }?);
    Ok(())
}

/// How many pieces of foreign memory are alive.
#[pyfunction]
fn foreign_allocations() -> usize {
    FOREIGN.load(Ordering::Relaxed)
}

pub(super) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<SharedSlice>()?;
    module.add_class::<SharedVec>()?;
    module.add_class::<StaticSlice>()?;
    module.add_class::<FrozenSlice>()?;
    module.add_class::<SharedBytes>()?;
    module.add_class::<Aligned>()?;
    module.add_class::<Inline>()?;
    module.add_class::<Spilled>()?;
    module.add_class::<Foreign>()?;
    module.add_class::<ReadOnlyForeign>()?;
    module.add_class::<PromisedForeign>()?;
    module.add_class::<ReadOnlyShared>()?;
    module.add_class::<SharedTruths>()?;
    module.add_class::<SharedTable>()?;
    module.add_class::<SharedDoubles>()?;
    module.add_class::<SharedUndecided>()?;
    module.add_class::<Mapped>()?;
    module.add_class::<WritableMapped>()?;
    module.add_class::<OfArray>()?;
    module.add_class::<OfFlatArray>()?;
    module.add_class::<OfTold>()?;
    module.add_function(wrap_pyfunction!(refuse_foreign, module)?)?;
    module.add_function(wrap_pyfunction!(foreign_allocations, module)?)
}
