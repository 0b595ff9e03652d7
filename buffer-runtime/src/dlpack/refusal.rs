//! Why memory is not exported as a tensor, with the messages.

use std::ffi::CStr;
use std::fmt;

use pyo3::exceptions::{PyBufferError, PyMemoryError};
use pyo3::{PyErr, Python};

use super::abi::Device;
use crate::exception::exception;
use crate::lock::{Blocker, Where};

/// Why there is no tensor. A message names the remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The items are records.
    Records,
    /// The items are byte strings or texts.
    Texts,
    /// The bytes of the items are not in the order of this machine.
    ByteOrder,
    /// The items are of another kind that DLPack does not have.
    NoType,
    /// Rows are allocated one by one.
    Rows,
    /// Items do not begin at multiples of their size.
    Misaligned,
    /// A stride is not a multiple of the item's size, and DLPack counts strides in items.
    Stride { axis: usize, stride: isize, itemsize: usize },
    /// The memory is read-only, and the consumer, which does not read flags, would write it.
    ReadOnly,
    /// The consumer requests another device than the CPU.
    OtherDevice(Device),
    /// The consumer passes a stream, which memory on the CPU does not have.
    Stream,
    /// The lock's count is full.
    Blocked(Blocker),
    /// There is no memory.
    NoMemory,
}

/// A refusal and the items that it is about.
struct Explained<'a> {
    refusal: Refusal,
    format: &'a CStr,
}

impl Refusal {
    /// The exception. `format` is that of the items, if they are known.
    pub(super) fn into_error(self, py: Python<'_>, format: &CStr) -> PyErr {
        if self == Self::NoMemory {
            return exception::<PyMemoryError>(py, "there is no memory for a tensor");
        }
        exception::<PyBufferError>(py, Explained { refusal: self, format })
    }
}

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { refusal, format } = self;
        f.write_str("cannot export a tensor: ")?;
        match refusal {
            Refusal::Records => write!(
                f,
                "its items are records of format {format:?}, and DLPack has only numbers and bool; export one field, as in \
                 np.asarray(x)['name']"
            ),
            Refusal::Texts => write!(
                f,
                "its items are byte strings of format {format:?}, and DLPack has only numbers and bool; export their bytes, as \
                 in np.asarray(x).view('u1')"
            ),
            Refusal::ByteOrder => write!(
                f,
                "its items have the format {format:?}, and DLPack has only the byte order of this machine; convert them, as \
                 in np.asarray(x).astype('f8')"
            ),
            Refusal::NoType => {
                write!(
                    f,
                    "its items have the format {format:?}, and DLPack has only numbers and bool; convert them first"
                )
            }
            Refusal::Rows => f.write_str("its rows are allocated one by one; pass copy=True"),
            Refusal::Misaligned => f.write_str("its items do not begin at a multiple of their size; pass copy=True"),
            Refusal::Stride { axis, stride, itemsize } => write!(
                f,
                "the stride of dimension {axis}, {stride} bytes, is no multiple of the {itemsize} bytes of an item; pass \
                 copy=True"
            ),
            Refusal::ReadOnly => f.write_str(
                "the memory is read-only, and a consumer that does not pass max_version=(1, 0) would write to it; pass \
                 copy=True, or use a newer version of the consumer",
            ),
            Refusal::OtherDevice(Device { kind, id }) => write!(
                f,
                "the memory is on the CPU, device (1, 0), and not on ({kind}, {id}); leave dl_device out, and let the consumer \
                 move the tensor"
            ),
            Refusal::Stream => f.write_str("the memory is on the CPU, which has no streams; pass stream=None"),
            Refusal::Blocked(blocker) => write!(f, "{}", blocker.of_a_view(Where { taken: &"", hint: "" })),
            Refusal::NoMemory => f.write_str("there is no memory"),
        }
    }
}
