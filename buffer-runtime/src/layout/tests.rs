use proptest::prelude::*;

use super::*;

/// The descriptor of a class with scalars of this size, in this order.
fn declared(itemsize: usize, order: Order) -> Descriptor {
    Descriptor { format: c"", itemsize, order, readonly: false, inner: &InnerShape::SCALAR, natural: false }
}

/// Resolves a class's declaration over a storage of this many items, as the runtime does.
fn resolve_dims(
    descriptor: &Descriptor,
    items: usize,
    extents: &[Dim],
    placement: &[isize],
) -> Result<(resolve::Resolved, Vec<isize>), LayoutError> {
    let placement: Vec<Distance> = placement.iter().copied().map(Distance::Bytes).collect();
    let strides = placement.get(1..).filter(|strides| !strides.is_empty());
    let offset = placement.first().copied();
    let declared = Declaration { extents: Some(extents), offset, strides, ..Declaration::default() };
    resolve_declared(descriptor, Memory { len: items, row_len: None }, &declared)
}

/// The resolved layout, and its numbers: shape, strides, suboffsets.
fn resolve_declared(
    descriptor: &Descriptor,
    memory: Memory,
    declared: &Declaration<'_>,
) -> Result<(resolve::Resolved, Vec<isize>), LayoutError> {
    let mut arrays = vec![0; count_of_numbers(ndim(descriptor, memory, declared)?, memory.row_len.is_some())];
    let resolved = resolve(descriptor, memory, declared, &mut arrays)?;
    Ok((resolved, arrays))
}

/// The shape and the strides of a dense declaration.
fn resolved(
    dims: &[Dim],
    items: usize,
    itemsize: usize,
    order: Order,
) -> Result<(Vec<isize>, Vec<isize>), LayoutError> {
    let ndim = dims.len();
    let (resolved, arrays) = resolve_dims(&declared(itemsize, order), items, dims, &[])?;
    assert_eq!((resolved.offset, resolved.nbytes.cast_unsigned()), (0, items * itemsize));
    Ok((arrays[..ndim].to_vec(), arrays[ndim..].to_vec()))
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
    // The same without any items, whichever extent is 0.
    for shape in [[0, half, 1], [half, 0, 1], [half, 1, 0], [1, half, 0], [0, 2, isize::MAX / 7]] {
        for order in [Order::C, Order::F] {
            assert_eq!(resolved(&extents(&shape), 0, 4, order), Err(LayoutError::TooLarge), "{shape:?}");
        }
    }
    for order in [Order::C, Order::F] {
        assert!(resolved(&extents(&[0, isize::MAX / 4]), 0, 4, order).is_ok());
    }
    assert_eq!(resolved(&[Dim::TooLarge], 0, 1, Order::C), Err(LayoutError::TooLarge));
}

#[test]
fn one_row_one_column_and_nothing_are_both_orders() {
    let facts = |shape: &[isize], order| {
        let items = shape.iter().product::<isize>().cast_unsigned();
        resolve_dims(&declared(4, order), items, &extents(shape), &[]).unwrap().0.facts
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
        resolve_dims(&declared(4, Order::C), items, &[extent], &[offset])
            .map(|(resolved, arrays)| (arrays[0], resolved.offset))
    };
    assert_eq!(resolved(Dim::Inferred, 8, 5), Ok((3, 8)));
    assert_eq!(resolved(Dim::Inferred, 20, 5), Ok((0, 20)));
    assert_eq!(resolved(Dim::Extent(2), 8, 5), Ok((2, 8)));
    assert_eq!(resolved(Dim::Extent(2), 3, 5), Ok((2, 3)));
    assert_eq!(resolved(Dim::Extent(4), 8, 5), Err(LayoutError::Outside { first: 8, end: 24, bytes: 20 }));
    assert_eq!(resolved(Dim::Inferred, 3, 5), Err(LayoutError::PartialItem { bytes: 17, itemsize: 4 }));
    for offset in [-1, 21, isize::MIN, isize::MAX] {
        assert_eq!(resolved(Dim::Inferred, offset, 5), Err(LayoutError::OffsetOutside { offset, bytes: 20 }));
    }
}

#[test]
fn strides_never_wrap() {
    for stride in [isize::MIN, isize::MAX, isize::MAX / 2, isize::MIN / 2] {
        for extent in [2, 3, isize::MAX] {
            let resolved = resolve_dims(&declared(8, Order::C), 100, &[Dim::Extent(extent)], &[0, stride]);
            assert!(
                matches!(resolved, Err(LayoutError::TooLarge | LayoutError::Outside { .. })),
                "{extent} {stride} {resolved:?}"
            );
        }
    }
}

#[test]
fn reversed_and_transposed_items_do_not_overlap_but_broadcast_ones_do() {
    let readonly = |numbers: &[isize]| {
        let ndim = numbers.len() / 2;
        let descriptor = declared(4, Order::C);
        resolve_dims(&descriptor, 8, &extents(&numbers[..ndim]), &numbers[ndim..]).unwrap().0.facts.readonly
    };
    assert!(!readonly(&[6, 20, -4]));
    assert!(!readonly(&[3, 2, 0, 4, 12]));
    assert!(!readonly(&[3, 0, 8]));
    assert!(readonly(&[6, 0, 0]));
    assert!(readonly(&[2, 3, 0, 0, 4]));
    assert!(readonly(&[4, 2, 0, 4, 4]));
    assert!(readonly(&[5, 0, 3]));
    assert!(!readonly(&[1, 0, 0]));
    // These items interleave.
    assert!(!readonly(&[2, 3, 0, 12, 8]));
}

/// A storage of bytes.
const BYTES: Descriptor = Descriptor {
    format: c"B",
    itemsize: 1,
    order: Order::C,
    readonly: false,
    inner: &InnerShape::SCALAR,
    natural: true,
};

#[test]
fn a_format_makes_items_of_bytes() {
    let item = Item { format: c"d", itemsize: 8 };
    let declared = Declaration { item: Some(item), ..Declaration::default() };
    let resolved = |len| resolve_declared(&BYTES, Memory { len, row_len: None }, &declared);
    let (whole, arrays) = resolved(24).unwrap();
    assert_eq!((whole.ndim, whole.itemsize, whole.nbytes, &arrays[..]), (1, 8, 24, &[3, 8][..]));
    assert_eq!(resolved(25).unwrap_err(), LayoutError::PartialItem { bytes: 25, itemsize: 8 });
    assert_eq!(resolved(0).unwrap().1[0], 0);

    let extents = [Dim::Inferred, Dim::Extent(2)];
    let shaped = Declaration { extents: Some(&extents), ..declared };
    let (whole, arrays) = resolve_declared(&BYTES, Memory { len: 48, row_len: None }, &shaped).unwrap();
    assert_eq!((whole.ndim, &arrays[..]), (2, &[3, 2, 16, 8][..]));
}

#[test]
fn no_dimensions_are_one_item() {
    let scalar = Declaration { extents: Some(&[]), ..Declaration::default() };
    let resolved = |len| resolve_declared(&BYTES, Memory { len, row_len: None }, &scalar);
    let (whole, arrays) = resolved(1).unwrap();
    assert_eq!((whole.ndim, whole.nbytes, &arrays[..]), (0, 1, &[][..]));
    assert!(whole.facts.c_contiguous && whole.facts.f_contiguous && !whole.facts.readonly);
    for len in [0, 2] {
        assert_eq!(resolved(len).unwrap_err(), LayoutError::Mismatch { items: len, product: 1 });
    }
    let last = Declaration { offset: Some(Distance::Bytes(9)), ..scalar };
    assert_eq!(resolve_declared(&BYTES, Memory { len: 10, row_len: None }, &last).unwrap().0.offset, 9);
}

#[test]
fn dimensions_at_run_time_are_counted() {
    let many = [Dim::Extent(1); 65];
    let declare = |extents, strides| Declaration { extents: Some(extents), strides, ..Declaration::default() };
    let resolved =
        |declared| resolve_declared(&BYTES, Memory { len: 1, row_len: None }, &declared).map(|(whole, _)| whole.ndim);
    assert_eq!(resolved(declare(&many[..64], None)), Ok(64));
    assert_eq!(resolved(declare(&many, None)), Err(LayoutError::TooManyDimensions { ndim: 65 }));
    let mismatch = LayoutError::StridesMismatch { strides: 3, ndim: 2 };
    assert_eq!(resolved(declare(&many[..2], Some(&[Distance::Bytes(1); 3][..]))), Err(mismatch));
}

#[test]
fn items_of_no_bytes_are_refused_whatever_is_declared_of_them() {
    let item = Some(Item { format: c"0s", itemsize: 0 });
    let extents = Some(&[Dim::Extent(3)][..]);
    let steps = Some(&[Distance::Bytes(1)][..]);
    for (extents, strides) in [(None, None), (extents, None), (Some(&[Dim::Inferred][..]), None), (extents, steps)] {
        for offset in [None, extents.map(|_| Distance::Bytes(0))] {
            for (len, row_len) in [(0, None), (3, None), (0, Some(0)), (3, Some(0)), (3, Some(2))] {
                let declared = Declaration { extents, offset, strides, item, ..Declaration::default() };
                let refused = resolve_declared(&BYTES, Memory { len, row_len }, &declared).unwrap_err();
                let over_rows = row_len.is_some() && extents.is_some();
                assert_eq!(refused, if over_rows { LayoutError::OverRows } else { LayoutError::EmptyItem });
            }
        }
    }
}

#[test]
fn separate_rows_are_behind_pointers() {
    let memory = Memory { len: 2, row_len: Some(6) };
    let bytes = resolve_declared(&BYTES, memory, &Declaration::default()).unwrap();
    let pointer = size_of::<usize>().cast_signed();
    assert_eq!(bytes.1, [2, 6, pointer, 1, 0, -1]);
    assert!(bytes.0.facts.indirect && !bytes.0.facts.c_contiguous && !bytes.0.facts.f_contiguous);
    assert_eq!(bytes.0.nbytes, 12);

    let fortran = Descriptor { order: Order::F, ..BYTES };
    assert_eq!(resolve_declared(&fortran, memory, &Declaration::default()).unwrap().1, bytes.1);

    let item = Item { format: c"H", itemsize: 2 };
    let items = Declaration { item: Some(item), ..Declaration::default() };
    assert_eq!(resolve_declared(&BYTES, memory, &items).unwrap().1, [2, 3, pointer, 2, 0, -1]);
    let odd = Memory { len: 2, row_len: Some(5) };
    assert_eq!(resolve_declared(&BYTES, odd, &items).unwrap_err(), LayoutError::PartialItem { bytes: 5, itemsize: 2 });
    let shaped = Declaration { extents: Some(&[Dim::Extent(12)]), ..Declaration::default() };
    assert_eq!(resolve_declared(&BYTES, memory, &shaped).unwrap_err(), LayoutError::OverRows);
}

#[test]
fn a_layout_can_be_checked_before_it_is_declared() {
    let c_order = Layout { itemsize: 4, shape: Some(&[2, 3]), strides: None, offset: 4 };
    let checked = c_order.check(28).unwrap();
    assert_eq!((checked.shape, checked.strides), (vec![2, 3], vec![12, 4]));
    assert_eq!((checked.nbytes, checked.overlaps), (24, false));
    assert_eq!(c_order.check(27), Err(LayoutError::Outside { first: 4, end: 28, bytes: 27 }));

    let broadcast = Layout { strides: Some(&[0, 4]), ..c_order }.check(16).unwrap();
    assert_eq!((broadcast.strides, broadcast.nbytes, broadcast.overlaps), (vec![0, 4], 24, true));
    let scalar = Layout { shape: Some(&[]), ..c_order }.check(8).unwrap();
    assert_eq!((scalar.shape, scalar.strides, scalar.nbytes), (vec![], vec![], 4));

    let huge = Layout { shape: Some(&[isize::MAX, 2]), ..c_order };
    assert_eq!(huge.check(100), Err(LayoutError::TooLarge));
    let nothing = Layout { itemsize: 0, ..c_order };
    assert_eq!(nothing.check(100), Err(LayoutError::EmptyItem));
}

#[test]
fn a_layout_without_a_shape_has_all_that_is_behind_the_offset() {
    let rest = Layout { itemsize: 4, shape: None, strides: None, offset: 4 };
    let checked = rest.check(28).unwrap();
    assert_eq!((checked.shape, checked.strides, checked.nbytes), (vec![6], vec![4], 24));
    assert_eq!(rest.check(4).unwrap().shape, [0]);
    assert_eq!(rest.check(27), Err(LayoutError::PartialItem { bytes: 23, itemsize: 4 }));
    assert_eq!(rest.check(3), Err(LayoutError::OffsetOutside { offset: 4, bytes: 3 }));
    let strided = Layout { strides: Some(&[4]), ..rest };
    assert_eq!(strided.check(28), Err(LayoutError::StridesWithoutShape));
}

#[test]
fn inner_shapes_nest_outermost_first() {
    let shape = InnerShape::SCALAR.nested_in(4).nested_in(3);
    assert_eq!(shape.extents(), [3, 4]);
    assert_eq!(shape.scalars(), 12);
}

proptest! {
    /// In a dense layout no two items share a byte, and together they fill the storage exactly.
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
        let still: bool = dims.iter().zip(&shape).all(|(&dim, &extent)| Fixed::new([dim], []).still_says(&|| 0, &[extent]));
        prop_assert!(still);
    }

    /// Every dense declaration resolves or returns an error; a resolved one has exactly the items of the storage.
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
            // With an extent of 0 there are no items, whatever the other extents are.
            let product = if shape.contains(&0) { 0 } else { shape.iter().product::<isize>() };
            prop_assert_eq!(product, items.cast_signed());
            prop_assert!(shape.iter().all(|&extent| extent >= 0));
        }
    }

    /// A strided layout resolves exactly if every item is inside the storage; it is writable exactly if no two items
    /// have bytes in common; and it is contiguous exactly if its items follow each other.
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
        let numbers = [&shape[..], &strides].concat();
        let descriptor = declared(itemsize, Order::C);
        let resolved = resolve_dims(&descriptor, items, &extents(&shape), &[&[offset], &strides[..]].concat());

        // The offsets of the items, in C order and in Fortran order.
        let places = |axes: &mut dyn Iterator<Item = &(isize, isize)>| {
            axes.fold(vec![offset], |places, &(extent, stride)| {
                places.iter().flat_map(|&base| (0..extent).map(move |index| base + index * stride)).collect()
            })
        };
        let (c_order, f_order) = (places(&mut axes.iter()), places(&mut axes.iter().rev()));
        let inside = (0..=bytes).contains(&offset) && c_order.iter().all(|&place| place >= 0 && place + size <= bytes);
        prop_assert_eq!(resolved.is_ok(), inside, "{:?}", resolved);
        if let Ok((resolved, arrays)) = resolved {
            prop_assert_eq!((&arrays, resolved.offset.cast_signed()), (&numbers, offset));
            prop_assert_eq!(resolved.nbytes, c_order.len().cast_signed() * size);
            let follow = |places: &[isize]| places.windows(2).all(|pair| pair[1] == pair[0] + size);
            prop_assert_eq!(resolved.facts.c_contiguous, follow(&c_order));
            prop_assert_eq!(resolved.facts.f_contiguous, follow(&f_order));
            let mut sorted = c_order;
            sorted.sort_unstable();
            let overlap = sorted.windows(2).any(|pair| pair[1] < pair[0] + size);
            prop_assert_eq!(resolved.facts.readonly, overlap);
        }
    }
}
