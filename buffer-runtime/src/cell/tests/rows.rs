//! Cells of rows that are allocated one by one, and views of parts.

use super::*;
use crate::cell::{PartTicket, PartView};
use crate::layout::{Dim, LayoutError};
use crate::storage::Rows;

static ROWS: Descriptor = Descriptor { ndim: 2, ..natural::<u16>() };

fn three_rows() -> ExportCell<Rows<u16>> {
    ExportCell::new(Rows::from_rows([vec![1_u16, 2], vec![3, 4], vec![5, 6]]).unwrap())
}

impl View {
    /// One item of an indirect array of two dimensions, as `PyBuffer_GetPointer` finds it.
    fn item(&self, indices: [usize; 2]) -> *mut u16 {
        let strides = self.strides();
        let step = |axis: usize| indices[axis] * strides[axis].cast_unsigned();
        // SAFETY: what a held view points to is alive, and the table has an entry for each row.
        let entry = unsafe { self.data.add(step(0)) };
        #[expect(clippy::cast_ptr_alignment, reason = "the table is one of pointers")]
        let entry = entry.cast::<*mut u8>();
        // SAFETY: as above.
        let row = unsafe { entry.read() };
        // SAFETY: as above, and a row has so many items.
        unsafe { row.add(step(1)) }.cast()
    }
}

#[test]
fn miri_views_of_rows_follow_pointers_and_survive_their_owner() {
    let cell = three_rows();
    let first = cell.view(&ROWS, true).unwrap();
    assert_eq!((first.shape(), first.nbytes), (vec![3, 2], 12));
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
    assert_eq!(beside.access, Access::ReadOnly);
    drop(reader);

    drop(cell);
    // SAFETY: the item is there.
    assert_eq!(unsafe { beside.item([0, 1]).read() }, 7);
}

#[test]
fn miri_the_layout_follows_the_rows() {
    let cell = three_rows();
    drop(cell.view(&ROWS, false).unwrap());
    // As many rows as before, but of another length.
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

static PART: Descriptor = Descriptor { natural: false, ..natural::<u8>() };

/// Every second item of a cell of `u32`.
fn part_of(cell: &ExportCell<Vec<u32>>, whole: &View, extent: isize) -> Result<Box<PartView>, LayoutError> {
    let ticket = Ticket { block: whole.header, access: whole.access };
    let declared = Declaration {
        extents: Some(&[Dim::Extent(extent)]),
        offset: Some(Dim::Extent(4)),
        strides: Some(&[Dim::Extent(8)]),
        item: Some(crate::layout::Item { format: c"I", itemsize: 4 }),
        readonly: false,
    };
    PartView::new(ticket, &PART, &declared, cell.header().bytes())
}

#[test]
fn miri_a_part_lives_from_its_request_to_its_release() {
    let cell = ExportCell::new((0..10).collect::<Vec<u32>>());
    let whole = cell.view(&U32, true).unwrap();
    assert!(part_of(&cell, &whole, 6).is_err());
    let part = part_of(&cell, &whole, 5).unwrap();
    let description = part.layout().description;
    assert_eq!((part.layout().offset, description.len, description.itemsize), (4, 20, 4));
    let internal = part.leave();
    // The owner goes, and only then the part; the whole's view goes with it.
    drop(cell);
    // SAFETY: what a held view points to is alive.
    assert_eq!(unsafe { description.shape.read() }, 5);
    // SAFETY: as above.
    assert_eq!(unsafe { description.strides.read() }, 8);
    // SAFETY: it was left to this view, which ends here.
    let ticket = unsafe { PartView::take(PartTicket::from_internal(internal).unwrap()) };
    assert_eq!((ticket.block, ticket.access), (whole.header, Access::Writable));
    drop(whole);
}
