//! Blocks are small: where the numbers of a layout are, and what follows the storage.

use super::*;
use crate::layout::{Declared, Numbers as _, Parsed};

static BYTES: Descriptor = natural::<u8>();

#[test]
#[cfg(target_pointer_width = "64")]
fn a_block_is_small() {
    // With the storage and the word of the allocator, 192 bytes.
    assert_eq!(size_of::<Header>() + size_of::<Vec<f32>>(), 184);
}

/// A few numbers are in the block, more of them in an allocation, and so is a format that is known only at run time.
#[test]
fn miri_views_have_few_or_many_numbers_in_any_order() {
    let declared = |shape: &[usize], format: &str| {
        let format = (!format.is_empty()).then(|| Parsed::of(format).unwrap());
        Declared::new(false, format, shape.dims(), (), ())
    };
    let cases: [(&[usize], &str); 12] = [
        (&[2, 16], ""),
        (&[2, 2, 2, 2, 2], ""),
        (&[8], "I"),
        (&[], "8I"),
        (&[32], ""),
        (&[4, 2], "I"),
        (&[], "8I"),
        (&[2, 16], ""),
        (&[], "T{I:first:I:second:6I:the rest of all these numbers:}"),
        (&[1], "T{I:first:I:second:6I:the rest of all these numbers:}"),
        (&[4, 8], ""),
        (&[1, 1, 1, 1, 1, 1, 32], ""),
    ];
    for start in (0..cases.len()).step_by(if cfg!(miri) { 5 } else { 1 }) {
        let cell = ExportCell::new([7_u8; 32]);
        for (shape, format) in cases[start..].iter().chain(&cases[..start]) {
            // Does not fit, after room for its numbers was made.
            assert!(cell.view_as(&BYTES, true, &declared(&[5; 9], "B")).is_none());
            let view = cell.view_as(&BYTES, true, &declared(shape, format)).unwrap();
            let beside = cell.view(&BYTES, false).unwrap();
            assert_eq!(view.shape(), shape.iter().map(|extent| extent.cast_signed()).collect::<Vec<_>>());
            assert_eq!(view.strides().last().copied().unwrap_or(view.shown.itemsize), view.shown.itemsize);
            assert_eq!(view.format().to_str(), Ok(if format.is_empty() { "B" } else { format }));
            assert_eq!(beside.shape(), view.shape());
            assert_eq!(view.read(), [7; 32]);
        }
    }
}

/// The elements move without a change of their number: the layout stays, and views follow.
#[test]
fn miri_views_follow_elements_that_move() {
    static DECLARED: Descriptor = Descriptor { natural: false, ..natural::<u32>() };

    let (mut cell, _) = counting(&[1, 2, 3]);
    let offset = Fixed::new([Dim::Extent(2)], [Distance::Bytes(4)]);
    for _ in 0..3 {
        let view = cell.view_as(&DECLARED, true, &offset).unwrap();
        assert_eq!((view.buf, view.shape()), (view.data.wrapping_add(4), vec![2]));
        drop(view);
        cell.get_mut().unwrap().items = vec![4, 5, 6];
    }
}

/// What follows the storage is dropped with the block, and is aligned whatever the storage is.
#[test]
#[cfg(feature = "ndarray")]
fn miri_views_of_a_storage_with_a_shape_of_its_own() {
    let cell = ExportCell::new(
        ndarray::Array::from_shape_fn((3, 5), |(row, column)| u8::try_from(row * 5 + column).unwrap()).t().to_owned(),
    );
    let view = cell.view(&BYTES, false).unwrap();
    assert_eq!((view.shape(), view.strides()), (vec![5, 3], vec![1, 5]));
    drop(cell);
    assert_eq!(view.read().len(), 15);
}
