use proptest::prelude::*;

use super::*;

/// A class that declares so much, of single scalars.
fn declared(ndim: usize, itemsize: usize, order: Order, placement: Placement) -> Descriptor {
    Descriptor {
        format: c"",
        itemsize,
        ndim,
        order,
        placement,
        readonly: false,
        inner: InnerShape::SCALAR,
        natural: false,
    }
}

/// The shape and the strides of a dense declaration.
fn resolved(
    dims: &[Dim],
    items: usize,
    itemsize: usize,
    order: Order,
) -> Result<(Vec<isize>, Vec<isize>), LayoutError> {
    let ndim = dims.len();
    let mut arrays = vec![0; 2 * ndim + 1];
    let resolved = resolve(&declared(ndim, itemsize, order, Placement::Dense), items, dims, &mut arrays)?;
    assert_eq!((resolved.offset, resolved.nbytes.cast_unsigned()), (0, items * itemsize));
    Ok((arrays[..ndim].to_vec(), arrays[ndim + 1..].to_vec()))
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
    let facts = |shape: &[isize], order| {
        let mut arrays = vec![0; 2 * shape.len() + 1];
        let items = shape.iter().product::<isize>().cast_unsigned();
        resolve(&declared(shape.len(), 4, order, Placement::Dense), items, &extents(shape), &mut arrays).unwrap().facts
    };
    for shape in [vec![1, 5], vec![5, 1], vec![0, 3], vec![3, 0], vec![1, 1, 1], vec![7]] {
        for order in [Order::C, Order::F] {
            let facts = facts(&shape, order);
            assert!(facts.c_contiguous && facts.f_contiguous && !facts.readonly, "{shape:?} {order:?}");
        }
    }
    let square = facts(&[2, 2], Order::F);
    assert!(!square.c_contiguous && square.f_contiguous);
}

#[test]
fn an_offset_leaves_the_rest_to_be_inferred_or_more() {
    let resolved = |extent, offset, items| {
        let mut arrays = [0; 3];
        let dims = [extent, Dim::Extent(offset)];
        resolve(&declared(1, 4, Order::C, Placement::Offset), items, &dims, &mut arrays)
            .map(|resolved| (arrays[0], resolved.offset))
    };
    assert_eq!(resolved(Dim::Inferred, 8, 5), Ok((3, 8)));
    assert_eq!(resolved(Dim::Inferred, 20, 5), Ok((0, 20)));
    assert_eq!(resolved(Dim::Extent(2), 8, 5), Ok((2, 8)));
    assert_eq!(resolved(Dim::Extent(2), 3, 5), Ok((2, 3)));
    assert_eq!(resolved(Dim::Extent(4), 8, 5), Err(LayoutError::Outside { first: 8, end: 24, bytes: 20 }));
    assert_eq!(resolved(Dim::Inferred, 3, 5), Err(LayoutError::Indivisible { items: 17, known: 4 }));
    for offset in [-1, 21, isize::MIN, isize::MAX] {
        assert_eq!(resolved(Dim::Inferred, offset, 5), Err(LayoutError::OffsetOutside { offset, bytes: 20 }));
    }
}

#[test]
fn strides_never_wrap() {
    for stride in [isize::MIN, isize::MAX, isize::MAX / 2, isize::MIN / 2] {
        for extent in [2, 3, isize::MAX] {
            let dims = [extent, 0, stride].map(Dim::Extent);
            let resolved = resolve(&declared(1, 8, Order::C, Placement::Strided), 100, &dims, &mut [0; 3]);
            assert!(
                matches!(resolved, Err(LayoutError::TooLarge | LayoutError::Outside { .. })),
                "{dims:?} {resolved:?}"
            );
        }
    }
}

#[test]
fn reversed_and_transposed_items_do_not_overlap_but_broadcast_ones_do() {
    let readonly = |numbers: &[isize]| {
        let ndim = numbers.len() / 2;
        let mut arrays = vec![0; numbers.len()];
        let descriptor = declared(ndim, 4, Order::C, Placement::Strided);
        resolve(&descriptor, 6, &extents(numbers), &mut arrays).unwrap().facts.readonly
    };
    assert!(!readonly(&[6, 20, -4]));
    assert!(!readonly(&[3, 2, 0, 4, 12]));
    assert!(!readonly(&[3, 0, 8]));
    assert!(readonly(&[6, 0, 0]));
    assert!(readonly(&[2, 3, 0, 0, 4]));
    assert!(readonly(&[4, 2, 0, 4, 4]));
    assert!(readonly(&[5, 0, 3]));
    assert!(!readonly(&[1, 0, 0]));
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
        prop_assert!(same_numbers(&dims, &shape));
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

    /// A strided layout is granted exactly when every item is inside the storage; it is writable only if no two items
    /// have bytes in common; and it is contiguous exactly when its items follow each other.
    #[test]
    fn strided_items_are_inside_and_apart(
        axes in prop::collection::vec((0_isize..4, -24_isize..25), 1..4),
        offset in -4_isize..80,
        items in 0_usize..20,
        itemsize in prop::sample::select(vec![1_usize, 2, 4, 8]),
    ) {
        let (shape, strides): (Vec<isize>, Vec<isize>) = axes.iter().copied().unzip();
        let size = itemsize.cast_signed();
        let bytes = items.cast_signed() * size;
        let numbers = [&shape[..], &[offset], &strides].concat();
        let mut arrays = vec![0; numbers.len()];
        let descriptor = declared(shape.len(), itemsize, Order::C, Placement::Strided);
        let resolved = resolve(&descriptor, items, &extents(&numbers), &mut arrays);

        // Where the items are, with the last index fastest and with the first.
        let places = |axes: &mut dyn Iterator<Item = &(isize, isize)>| {
            axes.fold(vec![offset], |places, &(extent, stride)| {
                places.iter().flat_map(|&base| (0..extent).map(move |index| base + index * stride)).collect()
            })
        };
        let (c_order, f_order) = (places(&mut axes.iter()), places(&mut axes.iter().rev()));
        let inside = (0..=bytes).contains(&offset) && c_order.iter().all(|&place| place >= 0 && place + size <= bytes);
        prop_assert_eq!(resolved.is_ok(), inside, "{:?}", resolved);
        if let Ok(resolved) = resolved {
            prop_assert_eq!(&arrays, &numbers);
            prop_assert_eq!(resolved.nbytes, c_order.len().cast_signed() * size);
            let follow = |places: &[isize]| places.windows(2).all(|pair| pair[1] == pair[0] + size);
            prop_assert_eq!(resolved.facts.c_contiguous, follow(&c_order));
            prop_assert_eq!(resolved.facts.f_contiguous, follow(&f_order));
            let mut sorted = c_order;
            sorted.sort_unstable();
            let overlap = sorted.windows(2).any(|pair| pair[1] < pair[0] + size);
            prop_assert!(resolved.facts.readonly || !overlap);
        }
    }
}
