//! Cells of rows that are allocated one by one, and views of parts.

use super::*;
use crate::layout::{Declared, Evaluated as _, Parsed, Unparsed};
use crate::storage::Rows;

static ROWS: Descriptor = natural::<u16>();

fn three_rows() -> ExportCell<Rows<u16>> {
    ExportCell::new(Rows::from_rows([vec![1_u16, 2], vec![3, 4], vec![5, 6]]).unwrap())
}

impl View {
    /// One item of an indirect array of two dimensions, located as `PyBuffer_GetPointer` does.
    fn item(&self, indices: [usize; 2]) -> *mut u16 {
        let strides = self.strides();
        let step = |axis: usize| indices[axis] * strides[axis].cast_unsigned();
        // SAFETY: what a held view points to is alive, and the table has an entry for each row.
        let entry = unsafe { self.data.add(step(0)) };
        #[expect(clippy::cast_ptr_alignment, reason = "the table is one of pointers")]
        let entry = entry.cast::<*mut u8>();
        // SAFETY: as above.
        let row = unsafe { entry.read() };
        // SAFETY: as above, and the index is less than the length of a row.
        unsafe { row.add(step(1)) }.cast()
    }
}

#[test]
fn miri_views_of_rows_follow_pointers_and_survive_their_owner() {
    let cell = three_rows();
    let first = cell.view(&ROWS, true).unwrap();
    assert_eq!((first.shape(), first.nbytes()), (vec![3, 2], 12));
    // SAFETY: the item is there, and the view may write.
    unsafe { first.item([2, 1]).write(60) };
    {
        let shared = cell.test_share().unwrap();
        assert_eq!((shared.len(), shared.row_len(), shared.is_empty()), (3, 2, false));
        assert_eq!(shared.row(2).get(1), 60);
        shared.row(0).fill(7);
        assert_eq!(shared.iter().map(|row| row.get(0)).collect::<Vec<_>>(), [7, 3, 5]);
    }
    assert_eq!(cell.test_read().err().unwrap().views(), 1);
    drop(first);

    let reader = cell.test_read().unwrap();
    assert!(reader.iter().eq([[7, 7], [3, 4], [5, 60]]));
    assert_eq!((reader.row(1), reader.row_len(), reader.is_empty()), (&[3, 4][..], 2, false));
    let beside = cell.view(&ROWS, false).unwrap();
    assert_eq!(beside.ticket.access, ViewKind::ReadOnly);
    drop(reader);

    drop(cell);
    // SAFETY: the item is there.
    assert_eq!(unsafe { beside.item([0, 1]).read() }, 7);
}

#[test]
fn miri_the_layout_follows_the_rows() {
    let cell = three_rows();
    drop(cell.view(&ROWS, false).unwrap());
    // As many rows as before, with another length.
    *cell.test_write().unwrap() = Rows::from_rows([vec![1_u16], vec![2], vec![3]]).unwrap();
    assert_eq!(cell.view(&ROWS, false).unwrap().shape(), [3, 1]);
    cell.test_write().unwrap().push([9]).unwrap();
    let view = cell.view(&ROWS, false).unwrap();
    assert_eq!(view.shape(), [4, 1]);
    // SAFETY: the item is there.
    assert_eq!(unsafe { view.item([3, 0]).read() }, 9);
    drop(view);
    cell.test_write().unwrap().truncate(0);
    assert_eq!(cell.view(&ROWS, false).unwrap().shape(), [0, 1]);
    assert!(cell.test_close().unwrap().is_empty());
}

#[test]
fn miri_rows_may_be_none_or_empty_in_a_cell() {
    let cell = ExportCell::new(Rows::<u16>::new(5));
    let view = cell.view(&ROWS, true).unwrap();
    assert_eq!((view.shape(), view.nbytes(), view.data.is_null()), (vec![0, 5], 0, false));
    assert_eq!(cell.test_share().unwrap().iter().len(), 0);
    drop(view);
    *cell.test_write().unwrap() = Rows::from_rows([Vec::new(), Vec::new()]).unwrap();
    assert_eq!(cell.view(&ROWS, true).unwrap().shape(), [2, 0]);
    {
        let shared = cell.test_share().unwrap();
        assert!(shared.iter().all(|row| row.is_empty() && row.iter().len() == 0));
        shared.row(1).fill(7);
    }
    assert!(cell.test_read().unwrap().iter().eq([[0_u16; 0], []]));
}

#[test]
fn miri_what_is_behind_a_leaked_write_guard_is_out_of_reach() {
    let (cell, other) = (three_rows(), ExportCell::new(Rows::new(7)));
    let (mut one, mut two) = (cell.test_write().unwrap(), other.test_write().unwrap());
    mem::swap(&mut *one, &mut *two);
    // The dropped guard has captured its cell's new rows; the leaked one has not.
    drop(two);
    mem::forget(one);
    assert_eq!(other.view(&ROWS, false).unwrap().shape(), [3, 2]);
    assert!(other.test_read().unwrap().row(2) == [5, 6]);
    assert!(cell.view(&ROWS, false).is_none());
    assert!(cell.test_read().is_err() && cell.test_share().is_err() && cell.test_close().is_err());
    assert!(cell.into_inner().is_err());
}

#[test]
#[should_panic(expected = "index 3 is out of range for 3 rows")]
fn miri_a_row_that_is_not_there_is_not_looked_for() {
    let _ = three_rows().test_share().unwrap().row(3);
}

#[test]
fn miri_cells_of_rows_are_swapped_under_views() {
    static OTHERS: Descriptor = Descriptor { readonly: true, ..ROWS };
    let (mut one, mut other) = (three_rows(), ExportCell::new(Rows::new(7)));
    let view = one.view(&ROWS, true).unwrap();
    mem::swap(&mut one, &mut other);
    assert!(other.view(&OTHERS, false).is_none());
    assert_eq!(one.view(&OTHERS, false).unwrap().shape(), [0, 7]);
    // SAFETY: the item is there.
    assert_eq!(unsafe { view.item([1, 1]).read() }, 4);
    drop(view);
    assert_eq!(other.view(&OTHERS, false).unwrap().shape(), [3, 2]);
}

static BYTES: Descriptor = natural::<u8>();

#[test]
fn miri_a_text_that_was_not_parsed_is_compared_with_the_last_format() {
    let declared = |format| Declared::new(false, Unparsed::of(format), (), (), ());
    let cell = ExportCell::new(vec![0_u8; 12]);
    let formats = [("H", 6), ("H", 6), (">H", 6), ("HH", 3), ("T{H:a:H:b:}", 3), ("T{H:a:H:c:}", 3), ("B", 12)];
    for (format, len) in formats {
        let view = cell.view_as(&BYTES, false, &declared(format)).unwrap();
        assert_eq!(view.format().to_str(), Ok(format));
        assert_eq!(view.shape(), [len]);
    }
    for wrong in ["y", "B\0", "BB\0", "\0", "T{H:a"] {
        assert!(cell.view_as(&BYTES, false, &declared(wrong)).is_none(), "{wrong:?}");
        assert!(declared(wrong).check().is_err());
        assert_eq!(cell.view_as(&BYTES, false, &declared("B")).unwrap().format(), c"B");
    }
}

#[test]
fn miri_a_format_of_run_time_lives_as_long_as_the_views_that_point_to_it() {
    let declared = |format: &str| Declared::new(false, Parsed::of(format).unwrap(), (), (), ());
    let cell = ExportCell::new(vec![0_u8; 6]);
    let first = cell.view_as(&BYTES, false, &declared("H")).unwrap();
    // The second declaration is not evaluated while the first view is alive.
    let second = cell.view_as(&BYTES, false, &declared(">H")).unwrap();
    assert_eq!((first.format(), second.format(), second.shape()), (c"H", c"H", vec![3]));
    drop((first, second));
    let third = cell.view_as(&BYTES, false, &declared(">H")).unwrap();
    drop(cell);
    assert_eq!(third.format(), c">H");
}
