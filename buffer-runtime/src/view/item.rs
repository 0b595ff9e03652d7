//! Compares the items of a buffer with the element that is wanted.

use std::ffi::CStr;

use super::rejection::{Contradiction, Rejection};
use super::wanted::Wanted;
use crate::format::{Axis, Format, Leaf, Scalar, ScalarKind};
use crate::memory::{NoMemory, boxed};

/// The meaning of a NULL format.
const BYTES: &CStr = c"B";

/// Checks the format and the size of an item. Returns how many of the wanted element's dimensions are in the item: 0
/// for a scalar or a record, 1 for `3f` if `[[f32; 3]; 2]` is wanted.
pub(super) fn check(format: Option<&CStr>, itemsize: isize, wanted: Wanted) -> Result<usize, Rejection> {
    let given = format.unwrap_or(BYTES);
    let (in_item, size) = if given == wanted.format {
        (0, wanted.itemsize)
    } else {
        let text = given.to_str().map_err(|_| Rejection::NotUtf8(given.to_owned()))?;
        let format = Format::parse(text).map_err(|error| match boxed(error) {
            Ok(error) => Rejection::Unreadable { wanted, error },
            Err(NoMemory) => Rejection::NoRoom,
        })?;
        let Some(in_item) = dimensions_in(&format, wanted) else {
            return Err(Rejection::Format { wanted, given: text.to_owned() });
        };
        (in_item, format.itemsize())
    };
    if usize::try_from(itemsize) != Ok(size) {
        return Err(Contradiction::Itemsize { itemsize, format: given.to_owned(), size }.into());
    }
    Ok(in_item)
}

/// How many of the last wanted dimensions the format contains as an array. `None` if the format does not match.
fn dimensions_in(given: &Format, wanted: Wanted) -> Option<usize> {
    // The formats of elements can be parsed. If one could not, no buffer would match it.
    let scalar = Format::parse(wanted.format.to_str().ok()?).ok()?;
    let extents = wanted.shape.extents();
    (0..=extents.len()).find(|&in_item| is_array(given, &extents[extents.len() - in_item..], &scalar, wanted.read))
}

/// Whether `given` is an array of this shape of `scalar`, or `scalar` itself if the shape has no dimensions.
fn is_array(given: &Format, shape: &[usize], scalar: &Format, read: bool) -> bool {
    let mut size = scalar.itemsize();
    let mut axes = Vec::with_capacity(shape.len());
    for &extent in shape.iter().rev() {
        axes.insert(0, Axis { extent, stride: size });
        // No overflow: the product is no larger than the element, which has these dimensions.
        size *= extent;
    }
    let same = |given: &Leaf, wanted: &Leaf| {
        given.offset() == wanted.offset()
            && is_same(given.scalar(), wanted.scalar(), read)
            && given.axes().strip_prefix(&axes[..]) == Some(wanted.axes())
    };
    let (mut leaves, mut wanted) = (given.leaves(), scalar.leaves());
    given.itemsize() == size
        && loop {
            match (leaves.next(), wanted.next()) {
                (None, None) => break true,
                (Some(given), Some(wanted)) if same(&given, &wanted) => {}
                _ => break false,
            }
        }
}

/// Whether the scalars match. `c`, a byte that Python shows as `bytes` of length 1, counts as `B`. So does `?`, but
/// only for views that do not write: not every byte is a valid truth value.
fn is_same(given: Scalar, wanted: Scalar, read: bool) -> bool {
    let is_byte = match given.kind() {
        ScalarKind::Bytes => given.size() == 1,
        ScalarKind::Bool => read,
        _ => false,
    };
    given == wanted || is_byte && (wanted.kind(), wanted.size()) == (ScalarKind::Unsigned, 1)
}
