use proptest::prelude::*;

use super::*;

fn resolved(
    dims: &[Dim],
    items: usize,
    itemsize: usize,
    order: Order,
) -> Result<(Vec<isize>, Vec<isize>), LayoutError> {
    let mut shape = vec![0; dims.len()];
    let mut strides = vec![0; dims.len()];
    resolve(dims, items, itemsize, order, &mut shape, &mut strides)?;
    Ok((shape, strides))
}

fn extents(shape: &[isize]) -> Vec<Dim> {
    shape.iter().map(|&extent| Dim::Extent(extent)).collect()
}

#[test]
fn rows_are_inferred_from_the_length() {
    let dims = [Dim::Inferred, Dim::Extent(3)];
    assert_eq!(resolved(&dims, 6, 4, Order::C), Ok((vec![2, 3], vec![12, 4])));
    assert_eq!(resolved(&dims, 6, 4, Order::F), Ok((vec![2, 3], vec![4, 8])));
    assert_eq!(resolved(&dims, 0, 4, Order::C), Ok((vec![0, 3], vec![12, 4])));
}

#[test]
fn a_length_that_does_not_divide_loses_no_items() {
    let dims = [Dim::Inferred, Dim::Extent(4)];
    assert_eq!(resolved(&dims, 6, 4, Order::C), Err(LayoutError::Indivisible { items: 6, known: 4 }));
}

#[test]
fn inferred_beside_zero_is_refused() {
    for items in [0, 6] {
        let dims = [Dim::Inferred, Dim::Extent(0)];
        assert_eq!(resolved(&dims, items, 4, Order::C), Err(LayoutError::InferredBesideZero));
    }
}

#[test]
fn a_negative_extent_is_refused() {
    let dims = [Dim::Extent(2), Dim::Extent(-3)];
    assert_eq!(resolved(&dims, 6, 4, Order::C), Err(LayoutError::Negative { axis: 1, extent: -3 }));
}

#[test]
fn products_never_wrap() {
    let half = isize::MAX / 2 + 1;
    for shape in [vec![half, 2, 2], vec![isize::MAX, isize::MAX], vec![half, 4, 0], vec![1 << 62, 4]] {
        assert_eq!(resolved(&extents(&shape), 0, 4, Order::C), Err(LayoutError::TooLarge), "{shape:?}");
    }
    assert_eq!(resolved(&[Dim::TooLarge], 0, 1, Order::C), Err(LayoutError::TooLarge));
}

#[test]
fn one_row_one_column_and_nothing_are_both_orders() {
    for shape in [vec![1, 5], vec![5, 1], vec![0, 3], vec![3, 0], vec![1, 1, 1], vec![7]] {
        for order in [Order::C, Order::F] {
            let facts = facts(&shape, order, false);
            assert!(facts.c_contiguous && facts.f_contiguous, "{shape:?} {order:?}");
        }
    }
    let square = facts(&[2, 2], Order::F, false);
    assert!(!square.c_contiguous && square.f_contiguous);
}

#[test]
fn inner_shapes_nest_outermost_first() {
    let shape = InnerShape::SCALAR.nested_in(4).nested_in(3);
    assert_eq!(shape.extents(), [3, 4]);
    assert_eq!(shape.scalars(), 12);
}

proptest! {
    /// Each item of a resolved layout has its own place, and together they fill the storage exactly.
    #[test]
    fn every_item_has_its_own_place(
        shape in prop::collection::vec(0_isize..5, 1..5),
        itemsize in 1_usize..9,
        fortran: bool,
        hole in 0_usize..5,
    ) {
        let order = if fortran { Order::F } else { Order::C };
        let items: isize = shape.iter().product();
        let mut dims = extents(&shape);
        if items != 0 && hole < dims.len() {
            dims[hole] = Dim::Inferred;
        }
        let (resolved_shape, strides) = resolved(&dims, items.cast_unsigned(), itemsize, order).unwrap();
        prop_assert_eq!(&resolved_shape, &shape);

        let mut offsets = vec![0_isize];
        for (&extent, &stride) in shape.iter().zip(&strides) {
            offsets = offsets.iter().flat_map(|&base| (0..extent).map(move |index| base + index * stride)).collect();
        }
        offsets.sort_unstable();
        let expected: Vec<isize> = (0..items).map(|item| item * itemsize.cast_signed()).collect();
        prop_assert_eq!(offsets, expected);
        prop_assert!(same_extents(&dims, &shape));
    }

    /// Whatever is declared, resolving ends in an answer or an error, and an answer has exactly the items there are.
    #[test]
    fn no_declaration_describes_other_items(
        raw in prop::collection::vec(prop_oneof![any::<isize>(), -2_isize..6], 1..6),
        inferred in prop::option::of(0_usize..6),
        items in 0_usize..200,
    ) {
        let mut dims = extents(&raw);
        if let Some(axis) = inferred && axis < dims.len() {
            dims[axis] = Dim::Inferred;
        }
        if let Ok((shape, _)) = resolved(&dims, items, 8, Order::C) {
            prop_assert_eq!(shape.iter().product::<isize>(), items.cast_signed());
            prop_assert!(shape.iter().all(|&extent| extent >= 0));
        }
    }
}
