use super::*;

fn rows(content: &[&[u16]]) -> Rows<u16> {
    Rows::from_rows(content.iter().map(|row| row.to_vec())).unwrap()
}

#[test]
fn miri_rows_are_added_taken_out_and_exchanged() {
    let mut rows = rows(&[&[1, 2], &[3, 4]]);
    rows.push([7, 8]).unwrap();
    rows.insert(2, [5, 6]).unwrap();
    assert_eq!(format!("{rows:?}"), "[[1, 2], [3, 4], [5, 6], [7, 8]]");
    rows.swap(0, 3);
    rows.row_mut(1)[0] = 9;
    assert_eq!(*rows.replace(2, [0, 0]).unwrap(), [5, 6]);
    assert_eq!(*rows.remove(0), [7, 8]);
    assert!(rows.iter().eq([[9, 4], [0, 0], [1, 2]]));
    rows.truncate(2);
    let boxes: Vec<Box<[u16]>> = rows.into();
    assert_eq!(boxes, [Box::from([9, 4]), Box::from([0, 0])]);
}

#[test]
fn miri_a_row_of_another_length_is_refused_and_nothing_has_changed() {
    let mut rows = rows(&[&[1, 2]]);
    let error = rows.push(vec![1]).unwrap_err();
    assert_eq!(error.to_string(), "the row has 1 elements, but the rows here have 2; make all rows equally long");
    assert!(rows.insert(0, vec![1, 2, 3]).is_err());
    assert!(rows.replace(0, Vec::new()).is_err());
    assert!(rows.iter().eq([[1, 2]]));
    assert!(Rows::from_rows([vec![1_u8], vec![1, 2]]).is_err());
}

#[test]
fn miri_rows_may_be_empty_and_none() {
    let mut none = Rows::<u32>::from_rows(Vec::<Vec<u32>>::new()).unwrap();
    assert_eq!((none.len(), none.row_len()), (0, 0));
    none.push([]).unwrap();
    assert!(none.row(0).is_empty());
    let wide = Rows::<u32>::new(5);
    assert_eq!((wide.len(), wide.row_len(), wide.is_empty()), (0, 5, true));
}

#[test]
#[should_panic(expected = "index 2 is out of range for 1 rows")]
fn replacing_a_row_that_is_not_there_panics_before_anything_changes() {
    let _ = rows(&[&[1]]).replace(2, [2]);
}

#[test]
fn a_row_is_where_its_box_was() {
    let row: Box<[u16]> = Box::new([1, 2, 3]);
    let address = row.as_ptr();
    let mut rows = Rows::new(3);
    rows.push(row).unwrap();
    assert_eq!(rows.row(0).as_ptr(), address);
    let row = rows.remove(0);
    assert_eq!(row.as_ptr(), address);
}
