//! Parts of layouts, compared with the addresses of the items that each operation keeps.

use proptest::prelude::*;

use crate::{CheckedLayout, Layout, LayoutError};

/// The addresses of all items in C order.
fn addresses(layout: &CheckedLayout) -> Vec<isize> {
    let mut found = vec![layout.offset];
    for (&extent, &stride) in layout.shape.iter().zip(&layout.strides) {
        found = found.iter().flat_map(|start| (0..extent).map(move |index| start + index * stride)).collect();
    }
    found
}

/// The addresses of the items whose index along `axis` is one of `kept`, in that order.
fn kept(layout: &CheckedLayout, axis: usize, kept: &[usize]) -> Vec<isize> {
    let inner: usize = layout.shape[axis + 1..].iter().map(|extent| extent.cast_unsigned()).product();
    let extent = layout.shape[axis].cast_unsigned();
    let all = addresses(layout);
    let outer = all.len().checked_div(extent * inner).unwrap_or(0);
    let blocks = (0..outer).flat_map(|outer| kept.iter().map(move |index| (outer * extent + index) * inner));
    blocks.flat_map(|start| all[start..start + inner].to_vec()).collect()
}

/// What `nbytes` and `overlaps` must be.
fn assert_consistent(layout: &CheckedLayout) {
    let items = addresses(layout);
    assert_eq!(layout.nbytes, items.len() * layout.itemsize);
    let mut distinct = items.clone();
    distinct.sort_unstable();
    let touch = distinct.windows(2).any(|pair| pair[1] - pair[0] < layout.itemsize.cast_signed());
    assert_eq!(layout.overlaps, touch, "{layout:?}");
}

/// Items of two bytes in 4096 bytes, anywhere, with any strides that stay inside.
fn layouts() -> impl Strategy<Value = CheckedLayout> {
    let axis = (0_isize..5, prop_oneof![-12_isize..12, Just(2), Just(-2)]);
    prop::collection::vec(axis, 0..4).prop_filter_map("outside", |axes| {
        let (shape, strides): (Vec<_>, Vec<_>) = axes.into_iter().unzip();
        Layout { itemsize: 2, shape: Some(&shape), strides: Some(&strides), offset: 2048 }.check(4096).ok()
    })
}

fn dense(shape: &[isize]) -> CheckedLayout {
    Layout { itemsize: 2, shape: Some(shape), strides: None, offset: 0 }.check(4096).expect("fits")
}

proptest! {
    #[test]
    fn an_index_keeps_its_items(layout in layouts(), axis in 0_usize..4, index in 0_usize..6) {
        match layout.clone().index(axis, index) {
            Ok(part) => {
                prop_assert_eq!(addresses(&part), kept(&layout, axis, &[index]));
                assert_consistent(&part);
            }
            Err(LayoutError::NoAxis { .. }) => prop_assert!(axis >= layout.ndim()),
            Err(_) => prop_assert!(index >= layout.shape[axis].cast_unsigned()),
        }
    }

    #[test]
    fn a_slice_keeps_its_items(layout in layouts(), axis in 0_usize..4, start in 0_usize..6, end in 0_usize..6, step in -3_isize..4) {
        match layout.clone().slice(axis, start..end, step) {
            Ok(part) => {
                let mut indices: Vec<usize> = (start..end).collect();
                if step < 0 {
                    indices.reverse();
                }
                let indices: Vec<usize> = indices.into_iter().step_by(step.unsigned_abs()).collect();
                prop_assert_eq!(addresses(&part), kept(&layout, axis, &indices));
                assert_consistent(&part);
            }
            Err(LayoutError::NoAxis { .. }) => prop_assert!(axis >= layout.ndim()),
            Err(LayoutError::ZeroStep { .. }) => prop_assert_eq!(step, 0),
            Err(_) => prop_assert!(start > end || end > layout.shape[axis].cast_unsigned()),
        }
    }

    #[test]
    fn a_transposed_layout_has_the_same_items(layout in layouts()) {
        let turned = layout.clone().transpose();
        let (mut before, mut after) = (addresses(&layout), addresses(&turned));
        before.sort_unstable();
        after.sort_unstable();
        prop_assert_eq!(before, after);
        assert_consistent(&turned);
        prop_assert_eq!(turned.transpose(), layout);
    }

    #[test]
    fn another_shape_has_the_same_items_in_the_same_order(layout in layouts(), shape in prop::collection::vec(0_usize..7, 0..5)) {
        if let Ok(reshaped) = layout.clone().reshape(&shape) {
            prop_assert_eq!(addresses(&reshaped), addresses(&layout));
            assert_consistent(&reshaped);
        }
    }

    #[test]
    fn contiguous_items_have_any_shape(shape in prop::collection::vec(0_isize..5, 0..4), split in 1_usize..5) {
        let layout = dense(&shape);
        let items = layout.nbytes / 2;
        let flat = layout.clone().reshape(&[items]).expect("contiguous");
        prop_assert_eq!(addresses(&flat), addresses(&layout));
        if items.is_multiple_of(split) {
            prop_assert!(layout.reshape(&[items / split, 1, split]).is_ok());
        }
    }
}

#[test]
fn a_strided_axis_can_be_split_and_not_merged() {
    let columns = dense(&[4, 5]).slice(1, .., 2).expect("inside");
    assert_eq!(columns.clone().reshape(&[2, 2, 3]).expect("rows are apart").strides, [20, 10, 4]);
    assert_eq!(columns.reshape(&[12]), Err(LayoutError::NotReshapable));
    let turned = dense(&[4, 6]).transpose();
    assert_eq!(turned.clone().reshape(&[24]), Err(LayoutError::NotReshapable));
    assert_eq!(turned.reshape(&[2, 3, 4]).expect("splits the first axis").strides, [6, 2, 12]);
}

#[test]
fn what_does_not_exist_is_refused() {
    let layout = || dense(&[2, 3]);
    assert_eq!(layout().index(2, 0), Err(LayoutError::NoAxis { axis: 2, ndim: 2 }));
    assert_eq!(layout().index(1, 3), Err(LayoutError::IndexOutside { axis: 1, index: 3, extent: 3 }));
    assert_eq!(layout().slice(0, 1..=2, 1), Err(LayoutError::RangeOutside { axis: 0, start: 1, end: 3, extent: 2 }));
    assert_eq!(layout().slice(0, .., 0), Err(LayoutError::ZeroStep { axis: 0 }));
    assert_eq!(layout().reshape(&[7]), Err(LayoutError::ReshapedCount { items: 6, product: 7 }));
    assert_eq!(layout().reshape(&[1; 65]), Err(LayoutError::TooManyDimensions { ndim: 65 }));
    assert_eq!(layout().reshape(&[usize::MAX]), Err(LayoutError::TooLarge));
    let empty = layout().slice(0, 2..2, -1).expect("nothing");
    assert_eq!((empty.shape, empty.offset, empty.nbytes), (vec![0, 3], 0, 0));
}
