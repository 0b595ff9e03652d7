//! Arrays of ndarray, which have a layout of their own.

use ndarray::{Array, Array0, Array1, Array2, Array3, ArrayD, Axis, Dimension, IxDyn, ShapeBuilder, arr0, s};

use super::*;

two_epochs! {
    miri_views_of_an_array2: f32, Array2::<f32>::zeros((2, 3)), [2, 3];
    miri_views_of_an_array2_in_fortran_order: f32, Array2::<f32>::zeros((2, 3).f()), [2, 3];
    miri_views_of_an_array0: u8, Array0::<u8>::zeros(()), [];
    miri_views_of_an_empty_array: f64, Array3::<f64>::zeros((2, 0, 3)), [2, 0, 3];
    miri_views_of_an_array_of_any_dimension: i16, ArrayD::<i16>::zeros(IxDyn(&[1, 2, 2])), [1, 2, 2];
    miri_views_of_an_array_of_arrays: [u16; 3], Array1::<[u16; 3]>::from_elem(2, [0; 3]), [2, 3];
    miri_views_of_a_reversed_array: u32, { let mut a = Array1::from(vec![1_u32, 2, 3]); a.invert_axis(Axis(0)); a }, [3];
    miri_views_of_a_column: u32, Array2::<u32>::zeros((3, 4)).remove_axis(Axis(1)), [3];
}

/// The items of a view of an array, read through its strides.
fn items<D: Dimension + 'static>(cell: &ExportCell<Array<u32, D>>) -> Vec<u32> {
    let view = cell.view(&U32, false).unwrap();
    let (shape, strides) = (view.shape(), view.strides());
    let mut found = Vec::new();
    let mut index = vec![0; shape.len()];
    if shape.contains(&0) {
        return found;
    }
    loop {
        let distance: isize = index.iter().zip(&strides).map(|(index, stride)| index * stride).sum();
        // SAFETY: all items of a layout lie inside the memory.
        let item = unsafe { view.buf.offset(distance) };
        // SAFETY: as above, and a step is a whole number of items.
        found.push(unsafe { item.cast::<u32>().read_unaligned() });
        let Some(axis) = (0..shape.len()).rev().find(|&axis| index[axis] + 1 < shape[axis]) else { return found };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

/// Python and Rust see the elements in the order in which ndarray does.
#[track_caller]
fn shows_itself<D: Dimension + 'static>(array: Array<u32, D>) {
    let (shape, elements): (Vec<_>, Vec<_>) = (array.shape().to_vec(), array.iter().copied().collect());
    let cell = ExportCell::new(array);
    assert_eq!(items(&cell), elements);
    let reader = cell.test_read().unwrap();
    let view = reader.array();
    assert_eq!((view.shape().to_vec(), view.iter().copied().collect::<Vec<_>>()), (shape, elements));
}

fn numbers() -> Array3<u32> {
    Array3::from_shape_fn((2, 3, 4), |(i, j, k)| u32::try_from(100 * i + 10 * j + k).unwrap())
}

#[test]
fn miri_an_array_shows_itself_in_any_layout() {
    shows_itself(numbers());
    shows_itself(numbers().reversed_axes());
    shows_itself(numbers().permuted_axes([1, 2, 0]));
    shows_itself(numbers().slice_move(s![.., 1.., ..;2]));
    shows_itself(numbers().slice_move(s![..;-1, .., ..;-3]));
    shows_itself(numbers().slice_move(s![.., 1..1, ..;-1]));
    shows_itself(numbers().slice_move(s![1, ..;-2, 3]));
    shows_itself(numbers().slice_move(s![..1;-1, 2..;-1, ..]));
    shows_itself(numbers().into_dyn().slice_move(s![.., ..;-1, 0]));
    shows_itself(arr0(7));
    shows_itself(Array1::<u32>::default(0));
}

#[test]
fn miri_an_array_turned_under_a_write_guard_is_shown_turned() {
    let cell = ExportCell::new(Array2::from_shape_vec((2, 2), vec![1_u32, 2, 3, 4]).unwrap());
    assert_eq!(items(&cell), [1, 2, 3, 4]);
    let view = cell.view(&U32, true).unwrap();
    assert!(cell.test_write().is_err());
    drop(view);
    // The same length, in other places.
    cell.test_write().unwrap().swap_axes(0, 1);
    assert_eq!(items(&cell), [1, 3, 2, 4]);
    cell.test_write().unwrap().invert_axis(Axis(0));
    assert_eq!(items(&cell), [2, 4, 1, 3]);
    cell.test_share().unwrap().set(0, 9);
    assert_eq!(cell.test_close().unwrap().into_iter().collect::<Vec<_>>(), [2, 4, 9, 3]);
}

#[test]
fn miri_a_declared_shape_goes_before_the_arrays_own() {
    static FLAT: Descriptor = Descriptor { natural: false, ..natural::<u32>() };
    let cell = ExportCell::new(Array2::from_shape_vec((2, 2).f(), vec![1_u32, 2, 3, 4]).unwrap());
    let view = cell.view_as(&FLAT, false, &Fixed::new([Dim::Inferred], [])).unwrap();
    assert_eq!((view.shape(), view.strides()), (vec![4], vec![4]));
}

/// ndarray itself moves the address of such an array out of its vector, even to NULL, so Miri would stop there.
#[test]
fn an_array_without_elements_may_have_any_address() {
    for rows in 1..9 {
        let mut array = Array1::<u32>::zeros(0).insert_axis(Axis(0));
        array.append(Axis(0), Array2::zeros((rows, 0)).view()).unwrap();
        array.invert_axis(Axis(0));
        shows_itself(array);
    }
}
