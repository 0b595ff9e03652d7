//! Byte strings of a fixed length.

use std::ffi::CStr;
use std::fmt;

use super::const_text::ConstText;
use super::{Element, Viewable};
use crate::layout::InnerShape;

/// A string of `N` bytes as one item: `Bytes<4>` is `S4` in numpy, while a `[u8; 4]` adds a dimension of 4.
///
/// numpy treats zeros at the end of an item as padding, so that a shorter string reads back unchanged.
///
/// ```
/// use buffer_runtime::Bytes;
///
/// let symbol = Bytes::<4>::padded(b"He");
/// assert_eq!(symbol, Some(Bytes(*b"He\0\0")));
/// assert_eq!(symbol.unwrap().trimmed(), b"He");
/// assert_eq!(Bytes::<4>::padded(b"Helium"), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Bytes<const N: usize>(pub [u8; N]);

impl<const N: usize> Bytes<N> {
    const FORMAT: &'static ConstText<32> = &ConstText::new().with_number(N).with("s");

    /// The string with zeros appended, or `None` if it has more than `N` bytes.
    pub fn padded(string: &[u8]) -> Option<Self> {
        let mut bytes = [0; N];
        bytes.get_mut(..string.len())?.copy_from_slice(string);
        Some(Self(bytes))
    }

    /// The string without the zeros at its end, as numpy reads it.
    pub fn trimmed(&self) -> &[u8] {
        let zeros = self.0.iter().rev().take_while(|&&byte| byte == 0).count();
        &self.0[..N - zeros]
    }
}

// SAFETY: bytes have no padding (1) and any value is valid (3); all `N` of them are one scalar (2).
#[diagnostic::do_not_recommend]
unsafe impl<const N: usize> Element for Bytes<N> {
    const FORMAT: &'static CStr = Self::FORMAT.as_c_str();
    const ITEMSIZE: usize = N;
    const SHAPE: InnerShape = InnerShape::SCALAR;
    const ANY_BITS: bool = true;
}

#[diagnostic::do_not_recommend]
impl<const N: usize> Viewable for Bytes<N> {}

// SAFETY: transparent over bytes, which may be all zero.
unsafe impl<const N: usize> bytemuck::Zeroable for Bytes<N> {}

// SAFETY: transparent over bytes.
unsafe impl<const N: usize> bytemuck::Pod for Bytes<N> {}

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> From<[u8; N]> for Bytes<N> {
    fn from(bytes: [u8; N]) -> Self {
        Self(bytes)
    }
}

impl<const N: usize> AsRef<[u8]> for Bytes<N> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<const N: usize> fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes(b\"{}\")", self.0.escape_ascii())
    }
}
