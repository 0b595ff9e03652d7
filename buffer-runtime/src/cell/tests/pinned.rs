//! Memory that was viewed through a class with `pin`, and which borrows remain possible.

use super::*;

const PINNED: &str =
    "the memory is pinned, since a writable view of it was granted; it stays where it is until the object dies";
const SHARE: &str = "change values in place through `share`";

fn text<R>(result: Result<R, BorrowError>) -> String {
    result.err().unwrap().to_string()
}

#[test]
fn miri_memory_that_was_viewed_once_never_moves() {
    let (mut cell, drops) = counting(&[1, 2]);
    cell.test_write().unwrap().items.push(3);
    cell.get_mut().unwrap().items.push(4);
    assert!(!cell.is_pinned());

    let view = cell.pinning_view(&U32, true).unwrap();
    // A consumer that releases early keeps this address.
    let address = view.data;
    // The pin is reported at once, not the view: releasing the view would not help.
    assert_eq!(text(cell.test_write()), format!("cannot borrow for writing: {PINNED}; {SHARE}"));
    drop(view);
    assert_eq!((cell.views(), cell.is_pinned()), (0, true));

    assert_eq!(text(cell.test_write()), format!("cannot borrow for writing: {PINNED}; {SHARE}"));
    assert_eq!(text(cell.get_mut()), format!("cannot borrow for writing: {PINNED}; {SHARE}"));
    assert_eq!(text(cell.test_close()), format!("cannot close: {PINNED}"));
    assert_eq!(text(cell.detach()), format!("cannot detach: {PINNED}"));
    let (mut cell, error) = cell.into_inner().map(drop).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot take the storage: {PINNED}"));
    assert_eq!((error.is_pinned(), error.is_closed(), error.views()), (true, false, 0));
    assert_eq!(text(cell.test_read()), format!("cannot read: {PINNED}"));
    assert!(!cell.is_closed() && cell.get_mut().is_err());

    cell.test_share().unwrap().set(0, 7);
    assert_eq!(cell.view(&U32, true).unwrap().shape(), [4]);
    // SAFETY: the cell is alive, and its memory has stayed in place.
    assert_eq!(unsafe { address.read() }, 7_u32.to_ne_bytes()[0]);
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    drop(cell);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
}

#[test]
fn miri_memory_that_nobody_may_write_is_read_though_it_is_pinned() {
    let (cell, _) = counting(&[1, 2]);
    let reader = cell.test_read().unwrap();
    drop(cell.pinning_view(&U32, false).unwrap());
    assert_eq!(*reader, [1, 2]);
    drop(reader);
    assert_eq!(*cell.test_read().unwrap(), [1, 2]);
    assert_eq!(
        text(cell.test_write()),
        format!(
            "cannot borrow for writing: the memory is pinned, since a view of it was granted; it stays where it is until \
             the object dies; {SHARE}"
        )
    );
    // A view that may write also excludes readers, for good.
    drop(cell.pinning_view(&U32, true).unwrap());
    let reader = cell.test_read();
    assert_eq!(text(reader), format!("cannot read: {PINNED}"));
}

#[test]
fn miri_a_copy_is_no_way_out_of_a_pin() {
    let mut cell = ExportCell::new(vec![1_u32]);
    let view = cell.pinning_view(&U32, true).unwrap();
    assert!(cell.write_or_detach().err().unwrap().is_pinned());
    drop(view);
    assert!(cell.write_or_detach().err().unwrap().is_pinned());
}

#[test]
fn miri_the_pin_moves_with_the_memory() {
    let (mut one, mut other) = (ExportCell::new(vec![1_u32]), ExportCell::new(vec![2_u32]));
    drop(one.pinning_view(&U32, true).unwrap());
    mem::swap(&mut one, &mut other);
    one.get_mut().unwrap().push(3);
    assert!(other.get_mut().err().unwrap().is_pinned());
}

#[test]
fn miri_a_refused_view_pins_nothing() {
    let mut cell = ExportCell::new(vec![1_u32]);
    mem::forget(cell.test_write().unwrap());
    assert!(cell.pinning_view(&U32, true).is_none());
    assert!(!cell.is_pinned());
    cell.detach().unwrap();
}
