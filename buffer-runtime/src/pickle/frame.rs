//! The memory for a cell in a pickle, and what storages take from it. Nothing here depends on Python, apart from the
//! view.

use std::collections::TryReserveError;
use std::fmt::{self, Display};
use std::sync::Arc;

use crate::element::{Element, Viewable};
use crate::memory::NoMemory;
use crate::shared::{copy_bytes, room_for};
use crate::storage::{Import, RowLengthError, VecOrImported};

/// The bytes that have arrived for one cell.
///
/// Invariants:
///
/// 1. `data` points to `len` bytes that may be read, and that Rust accesses only by atomics. They stay in place as long
///    as this value lives and, if there is a `view`, as long as the view lives.
pub struct Frame {
    view: Option<Import>,
    /// Whether a storage may keep the view: it did not come from an object that is being copied.
    may_be_kept: bool,
    data: *const u8,
    len: usize,
    shape: Shape,
}

/// What a storage needs to know about its elements, besides their number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    OnePiece,
    /// Rows are allocated one by one.
    Rows,
    /// The storage has a shape of its own.
    Array,
}

/// The shape that a pickle states.
#[derive(Debug)]
pub(super) enum Shape {
    OnePiece,
    /// How many elements each row has.
    Rows(usize),
    /// How many elements there are along each axis.
    #[cfg_attr(not(feature = "ndarray"), expect(dead_code, reason = "only arrays of `ndarray` have a shape"))]
    Array(Vec<usize>),
}

impl Shape {
    /// Rows of this many bytes; `None` if that is not a whole number of elements.
    pub(super) fn of_rows<E: Element>(bytes_of_row: isize) -> Option<Self> {
        let bytes = usize::try_from(bytes_of_row).ok()?;
        bytes.is_multiple_of(size_of::<E>()).then(|| Self::Rows(bytes / size_of::<E>()))
    }
}

/// Why no storage can be made from a frame.
#[derive(Debug)]
pub enum Wrong {
    /// There is no memory.
    NoMemory,
    /// The view has no address or a negative length.
    Nowhere,
    /// The bytes are not a whole number of elements.
    Remainder {
        /// How many bytes there are.
        len: usize,
        /// The size of an element.
        size: usize,
    },
    /// The storage always has another number of elements.
    Count {
        /// How many elements there are.
        count: usize,
        /// How many it always has.
        always: usize,
    },
    /// The elements are not a whole number of rows.
    Rows {
        /// How many elements there are.
        count: usize,
        /// How many elements a row has.
        row_len: usize,
    },
    /// A row is not as long as the others.
    Row(RowLengthError),
    /// The storage always has another number of dimensions.
    Ndim {
        /// How many there are.
        given: usize,
        /// How many it always has.
        always: usize,
    },
    /// The shape has another number of elements.
    Extents {
        /// How many elements there are.
        count: usize,
    },
}

impl Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMemory => f.write_str("there is no memory"),
            Self::Nowhere => f.write_str("it has no address or a negative length"),
            Self::Remainder { len, size } => {
                write!(f, "it has {len} bytes, which are no whole number of elements of {size} bytes")
            }
            Self::Count { count, always } => write!(f, "it has {count} elements, but there are always {always}"),
            Self::Rows { count, row_len } => {
                write!(f, "its {count} elements are no whole number of rows of {row_len}")
            }
            Self::Row(error) => error.fmt(f),
            Self::Ndim { given, always } => write!(f, "it has {given} dimensions, but there are always {always}"),
            Self::Extents { count } => write!(f, "its shape is not one of {count} elements"),
        }
    }
}

impl From<TryReserveError> for Wrong {
    fn from(_: TryReserveError) -> Self {
        Self::NoMemory
    }
}

impl From<NoMemory> for Wrong {
    fn from(_: NoMemory) -> Self {
        Self::NoMemory
    }
}

/// Asserts at compile time that any bytes are a valid element, because a pickle may contain any bytes.
///
/// For most elements, the bound [`Viewable`] reports this already in `cargo check`. This assertion also covers records
/// with parameters, and elements that are implemented by hand.
const fn assert_any_bits<E: Viewable>() {
    assert!(
        E::ANY_BITS,
        "a pickle may contain any byte, and not every byte is a valid `bool`; store `u8`, where 0 is false and any other number is true"
    );
}

impl Frame {
    /// The bytes of a view.
    ///
    /// # Errors
    ///
    /// The view has no address or a negative length.
    pub(super) fn of(view: Import, shape: Shape, may_be_kept: bool) -> Result<Self, Wrong> {
        let granted = view.fields();
        let len = usize::try_from(granted.len).ok().filter(|&len| len == 0 || !granted.buf.is_null());
        let len = len.ok_or(Wrong::Nowhere)?;
        Ok(Self { view: Some(view), may_be_kept, data: granted.buf.cast::<u8>().cast_const(), len, shape })
    }

    /// Bytes without a view.
    ///
    /// # Safety
    ///
    /// Invariant 1 holds for the bytes.
    #[cfg(fuzzing)]
    pub(super) unsafe fn of_bytes(bytes: &mut [u8], shape: Shape) -> Self {
        Self { view: None, may_be_kept: true, data: bytes.as_mut_ptr(), len: bytes.len(), shape }
    }

    /// The number of elements of this type in the bytes.
    ///
    /// # Errors
    ///
    /// The bytes are not a whole number of elements.
    pub(super) fn count<E: Element>(&self) -> Result<usize, Wrong> {
        let (len, size) = (self.len, size_of::<E>());
        if len.is_multiple_of(size) { Ok(len / size) } else { Err(Wrong::Remainder { len, size }) }
    }

    /// The number of elements in each row, for storages whose rows are allocated one by one.
    pub(super) fn row_len(&self) -> usize {
        match self.shape {
            Shape::Rows(row_len) => row_len,
            _ => 0,
        }
    }

    /// The number of elements along each axis, for storages that have a shape.
    #[cfg(feature = "ndarray")]
    pub(super) fn extents(&self) -> &[usize] {
        match &self.shape {
            Shape::Array(extents) => extents,
            _ => &[],
        }
    }

    /// Copies all elements. The frame may be misaligned.
    ///
    /// # Errors
    ///
    /// The bytes are not a whole number of elements, or there is no memory.
    pub(super) fn to_vec<E: Viewable>(&self) -> Result<Vec<E>, Wrong> {
        self.copied(0, self.count::<E>()?)
    }

    /// Copies `count` elements, beginning with the one at the index `start`.
    ///
    /// # Panics
    ///
    /// If the frame has fewer elements.
    pub(super) fn copied<E: Viewable>(&self, start: usize, count: usize) -> Result<Vec<E>, Wrong> {
        const { assert_any_bits::<E>() }
        let end = start.checked_add(count).filter(|&end| end <= self.len / size_of::<E>());
        assert!(end.is_some(), "there are fewer elements");
        let mut elements: Vec<E> = room_for(count)?;
        let (from, to) = (self.data.wrapping_add(start * size_of::<E>()), elements.as_mut_ptr());
        // SAFETY: the bytes may be read (invariant 1), and their end was just compared with that of the frame. The
        // vector has room for that many, and is new.
        unsafe { copy_bytes(from, to.cast(), count * size_of::<E>()) };
        // SAFETY: the bytes of `count` elements were just written; any bytes are an element, as was asserted.
        unsafe { elements.set_len(count) };
        Ok(elements)
    }

    /// Copies all elements, to be shared.
    ///
    /// # Errors
    ///
    /// As for [`to_vec`](Self::to_vec).
    pub(super) fn to_shared<E: Viewable>(&self) -> Result<Arc<[E]>, Wrong> {
        const { assert_any_bits::<E>() }
        let count = self.count::<E>()?;
        // Without memory for it, creating an `Arc` aborts the process. So allocate a vector of the same size first.
        drop(room_for::<E>(count)?);
        let mut elements = Arc::<[E]>::new_uninit_slice(count);
        let room = Arc::get_mut(&mut elements).ok_or(NoMemory)?;
        // SAFETY: the bytes may be read (invariant 1), and are `count` elements. The slice has room for that many, and
        // is new.
        unsafe { copy_bytes(self.data, room.as_mut_ptr().cast(), count * size_of::<E>()) };
        // SAFETY: the bytes of all elements were just written; any bytes are an element, as was asserted.
        Ok(unsafe { elements.assume_init() })
    }

    /// The elements in place, if a storage may keep them there; otherwise a copy.
    ///
    /// # Errors
    ///
    /// As for [`to_vec`](Self::to_vec).
    pub(super) fn kept<E: Viewable>(&mut self) -> Result<VecOrImported<E>, Wrong> {
        const { assert_any_bits::<E>() }
        self.count::<E>()?;
        if let Some(view) = self.view.take_if(|_| self.may_be_kept) {
            match VecOrImported::of(view) {
                Ok(kept) => return Ok(kept),
                Err(view) => self.view = Some(view),
            }
        }
        self.to_vec().map(VecOrImported::from)
    }

    /// The view, unless a storage has kept it.
    pub(super) fn into_view(self) -> Option<Import> {
        self.view
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { len, shape, .. } = self;
        f.debug_struct("Frame").field("len", len).field("shape", shape).finish_non_exhaustive()
    }
}
