use proptest::prelude::*;

use super::*;

/// The offsets at which the items of a layout start.
fn places(shape: &[isize], strides: &[isize]) -> Vec<isize> {
    shape.iter().zip(strides).fold(vec![0], |places, (&extent, &stride)| {
        places.iter().flat_map(|place| (0..extent).map(move |index| place + index * stride)).collect()
    })
}

/// Whether two items overlap, by comparing all of them.
fn overlap(shape: &[isize], strides: &[isize], itemsize: isize) -> bool {
    let mut places = places(shape, strides);
    places.sort_unstable();
    places.windows(2).any(|pair| pair[1] - pair[0] < itemsize)
}

/// All lists of `len` numbers from the range.
fn lists(len: usize, numbers: std::ops::Range<isize>) -> Vec<Vec<isize>> {
    (0..len).fold(vec![vec![]], |lists, _| {
        lists.iter().flat_map(|list| numbers.clone().map(|number| [&list[..], &[number]].concat())).collect()
    })
}

#[test]
fn every_small_layout_is_decided_as_looking_at_all_items_does() {
    for (ndim, extents, strides) in [(1, 0..6, -9..10), (2, 0..6, -3..14), (3, 1..4, 0..10)] {
        let strides = lists(ndim, strides);
        for shape in lists(ndim, extents) {
            for strides in &strides {
                for itemsize in 1..4 {
                    let expected = overlap(&shape, strides, itemsize);
                    assert_eq!(may_overlap(&shape, strides, itemsize), expected, "{shape:?} {strides:?} {itemsize}");
                }
            }
        }
    }
}

#[test]
fn interleaved_items_are_apart_however_many_there_are() {
    assert!(!may_overlap(&[3, 2], &[-4, 6], 2));
    assert!(may_overlap(&[4, 2], &[-4, 12], 2));
    // The even and the odd multiples of 2, and then of 1.
    let half = 1 << 40;
    assert!(!may_overlap(&[half, 2], &[4, 2 * half + 2 * half % 4 + 2], 2));
    assert!(may_overlap(&[half, 2], &[4, 2 * half + 2 * half % 4 + 1], 2));
    // Strides without a common divisor: items overlap only if the distances reach the product of the strides.
    let (a, b) = (1_000_003, 1_000_033);
    assert!(!may_overlap(&[b, a], &[a, b], 1));
    assert!(may_overlap(&[b + 1, a + 1], &[a, b], 1));
    // Pixels of three bytes count as one item.
    assert!(!may_overlap(&[3, 2, 3], &[6, 9, 1], 1));
}

#[test]
fn a_search_ends_when_its_work_is_spent() {
    // Strides without common divisors, with gaps that sums of the other strides fit into: too many combinations to try.
    let strides: Vec<isize> = [10_007_i64, 10_009, 10_037, 10_039, 10_061, 10_067, 10_069, 10_079]
        .iter()
        .map(|&stride| isize::try_from(stride * 16).unwrap())
        .collect();
    let shape = [300; 8];
    let mut search = Search::new(&shape, &strides, 1).unwrap();
    assert!(search.overlaps());
    assert!(may_overlap(&shape, &strides, 1));
    // With too many axes or too large distances the search does not start.
    assert!(may_overlap(&[2; 64], &[3; 64], 1));
    let entangled: Vec<isize> = (0..20).map(|axis| 1000 + axis).collect();
    assert!(may_overlap(&[2; 20], &entangled, 1));
    assert!(may_overlap(&[3, 3], &[isize::MAX / 2, isize::MAX / 3], 1));
    assert!(may_overlap(&[isize::MAX, 2], &[isize::MIN, isize::MAX], 1));
}

#[test]
fn axes_that_continue_each_other_are_one() {
    // A box of 2 by 2 by ..., dense or with every second item: the axes merge into one, so there is nothing to search.
    let dense: Vec<isize> = (0..40).map(|axis| 1 << axis).collect();
    assert!(!may_overlap(&[2; 40], &dense, 1));
    let apart: Vec<isize> = dense.iter().map(|stride| stride * 2).collect();
    assert!(!may_overlap(&[2; 40], &apart, 1));
    assert_eq!(Search::new(&[2; 40], &apart, 1).map(|search| search.count), Some(1));
}

#[test]
fn rows_that_interleave_are_apart() {
    let rows = |starts: &[usize]| -> Vec<*mut u8> {
        starts.iter().map(|&start| std::ptr::without_provenance_mut(start)).collect()
    };
    // The columns of a matrix, each behind a pointer.
    assert!(!rows_may_overlap(&[5], &[12], 4, &rows(&[1008, 1000, 1004])));
    assert!(rows_may_overlap(&[5], &[12], 4, &rows(&[1008, 1000, 1003])));
    assert!(rows_may_overlap(&[5], &[12], 4, &rows(&[1000, 1008, 1000])));
    assert!(!rows_may_overlap(&[5], &[12], 4, &rows(&[1000, 1052])));
    assert!(rows_may_overlap(&[5], &[12], 4, &rows(&[1000, 1051])));
    assert!(rows_may_overlap(&[], &[], 4, &rows(&[1000, 1003])));
    assert!(!rows_may_overlap(&[], &[], 4, &rows(&[1000, 1004, usize::MAX])));
    assert!(!rows_may_overlap(&[0], &[12], 4, &rows(&[1000, 1000])));
}

proptest! {
    /// `false` is exact for any layout; `true` is exact if two axes or few items interleave.
    #[test]
    fn any_layout_is_decided_as_looking_at_all_items_does(
        axes in prop::collection::vec((1_isize..7, -60_isize..60), 1..5),
        itemsize in 1_isize..9,
        scale in prop::sample::select(vec![1_isize, 1, 3, 1 << 20, 1 << 50]),
    ) {
        let (shape, strides): (Vec<_>, Vec<_>) =
            axes.into_iter().map(|(extent, stride)| (extent, stride * scale)).unzip();
        prop_assert_eq!(may_overlap(&shape, &strides, itemsize), overlap(&shape, &strides, itemsize));
    }

    /// The result for two axes is always exact, however many items they have.
    #[test]
    fn two_axes_are_decided_exactly(
        axes in [(1_isize..70, 1_isize..1000), (1_isize..70, 1_isize..1000)],
        itemsize in 1_isize..9,
    ) {
        let (shape, strides) = (axes.map(|axis| axis.0), axes.map(|axis| axis.1));
        prop_assert_eq!(may_overlap(&shape, &strides, itemsize), overlap(&shape, &strides, itemsize));
    }

    /// Rows at any distances.
    #[test]
    fn rows_are_decided_as_looking_at_all_items_does(
        axes in prop::collection::vec((1_isize..5, -60_isize..60), 0..3),
        itemsize in 1_isize..9,
        starts in prop::collection::vec(500_isize..700, 1..4),
    ) {
        let (shape, strides): (Vec<_>, Vec<_>) = axes.into_iter().unzip();
        let own = places(&shape, &strides);
        let mut all: Vec<isize> = starts.iter().flat_map(|start| own.iter().map(move |place| start + place)).collect();
        all.sort_unstable();
        let share = all.windows(2).any(|pair| pair[1] - pair[0] < itemsize);
        let starts: Vec<*mut u8> =
            starts.iter().map(|start| std::ptr::without_provenance_mut(start.cast_unsigned())).collect();
        let found = may_overlap(&shape, &strides, itemsize) || rows_may_overlap(&shape, &strides, itemsize, &starts);
        prop_assert_eq!(found, share);
    }
}
