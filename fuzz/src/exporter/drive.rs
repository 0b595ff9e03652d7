//! Takes the steps of an input on a cell and on the model, and compares the two.

use super::*;

/// One input.
pub fn run(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    if input.over_rows { drive::<Rows<u8>>(&input) } else { drive::<Tracked>(&input) }
}

fn drive<S: Stored>(input: &Input) {
    let alive = ALIVE.with(Arc::clone);
    let before = alive.load(Ordering::Relaxed);
    let content = |bytes: Bytes| bytes.content(input.over_rows);
    let first = content(input.content);
    let mut subject = Subject::new(S::new(&first, &alive));
    let mut cell = model::Cell::new(first);
    let mut views: Vec<(View, Granted)> = Vec::new();

    for step in &input.steps {
        let guards = cell.guards.len();
        let pick = |number: u8, len: usize| usize::from(number) % len.max(1);
        match step {
            Step::Request(request) => {
                let class = request.class();
                let Bits(flags) = request.flags;
                let expected = cell.request(&class, flags);
                match (request.make(&subject, flags), expected) {
                    (Ok(view), Some(granted)) => {
                        check(&view, &granted, subject.data());
                        views.push((view, granted));
                    }
                    (Err(words), None) => assert!(!words.is_empty()),
                    (Ok(view), None) => panic!("granted: {view:?}\n{request:?} of {cell:?}"),
                    (Err(words), Some(granted)) => panic!("refused: {words}\n{request:?} of {cell:?}: {granted:?}"),
                }
            }
            Step::Release(number) if !views.is_empty() => {
                let (view, granted) = views.swap_remove(pick(*number, views.len()));
                drop(view);
                granted.block.borrow_mut().release(granted.fields.readonly);
            }
            Step::Store { view, item, byte } if !views.is_empty() => {
                let (view, granted) = &views[pick(*view, views.len())];
                store(view, granted, (*item).into(), *byte);
            }
            Step::Read | Step::Share | Step::Write => {
                let borrow = match step {
                    Step::Read => Borrow::Read,
                    Step::Share => Borrow::Share,
                    _ => Borrow::Write,
                };
                assert_eq!(subject.begin(borrow).is_ok(), cell.begin(borrow), "{borrow:?} of {cell:?}");
            }
            Step::End(number, bytes) if guards > 0 => {
                let index = pick(*number, guards);
                subject.end(index, |storage| *storage = S::new(&content(*bytes), &alive));
                cell.end(index, content(*bytes));
            }
            Step::Leak(number) if guards > 0 => {
                let index = pick(*number, guards);
                subject.leak(index);
                cell.leak(index);
            }
            Step::Close => {
                let closed = subject.close().ok();
                let content = closed.as_ref().map(S::content);
                assert_eq!(content.is_some(), cell.close(), "close of {cell:?}");
                assert!(content.is_none_or(|content| content == cell.block.borrow().content));
            }
            Step::Detach if guards == 0 => {
                assert_eq!(subject.detach().is_ok(), cell.detach(), "detach of {cell:?}");
            }
            Step::WriteOrDetach(bytes) if guards == 0 => {
                let written = subject.write_or_detach(|storage| *storage = S::new(&content(*bytes), &alive));
                assert_eq!(written.is_ok(), cell.write_or_detach(content(*bytes)), "write_or_detach of {cell:?}");
            }
            _ => {}
        }
        check_cell(&subject, &cell);
        views.iter().for_each(|(view, granted)| check_items(view, granted));
    }

    if input.owner_goes_first {
        drop(subject);
        views.iter().for_each(|(view, granted)| check_items(view, granted));
        drop(views);
    } else {
        drop(views);
        drop(subject);
        // Releasing the views drains the queue of cells that were dropped before their views; nothing else drains it.
    }
    assert_eq!(alive.load(Ordering::Relaxed), before, "storages that are not dropped, or twice");
}

fn check_cell<S: Stored>(subject: &Subject<S>, cell: &model::Cell) {
    let block = cell.block.borrow();
    assert_eq!(subject.views(), block.views(), "{cell:?}");
    assert_eq!(subject.is_closed(), cell.closed, "{cell:?}");
    assert_eq!(subject.is_pinned(), cell.pinned.is_some(), "{cell:?}");
    let len = if cell.closed { 0 } else { block.content.len() };
    assert_eq!(subject.len(), len, "{cell:?}");
}

/// Checks the fields of a view that was just granted.
fn check(view: &View, granted: &Granted, data: usize) {
    let Granted { layout, fields, .. } = granted;
    let ndim = usize::try_from(view.ndim()).expect("not negative");
    let shown = model::Fields {
        readonly: view.readonly() != 0,
        ndim,
        format: view.format().is_some(),
        shape: view.shape().is_some(),
        strides: view.strides().is_some(),
        suboffsets: view.suboffsets().is_some(),
    };
    assert_eq!(&shown, fields, "{view:?} of {granted:?}");
    assert!(matches!(view.readonly(), 0 | 1));
    assert_eq!((view.nbytes(), view.itemsize()), (layout.nbytes, layout.itemsize), "{view:?} of {granted:?}");
    assert!(view.format().is_none_or(|format| format.to_str() == Ok(layout.format)), "{view:?} of {granted:?}");
    assert!(view.shape().is_none_or(|shape| shape == layout.shape), "{view:?} of {granted:?}");
    assert!(view.strides().is_none_or(|strides| strides == layout.strides), "{view:?} of {granted:?}");
    assert!(view.suboffsets().is_none_or(|suboffsets| suboffsets == [0, -1]), "{view:?} of {granted:?}");
    assert_eq!(view.buf(), data.wrapping_add_signed(layout.offset), "{view:?} of {granted:?}");
}

/// Where a byte of an item is, computed from the view's fields.
fn lead(view: &View, granted: &Granted, item: usize, place: Place, byte: isize) -> (Option<isize>, isize) {
    let layout = &granted.layout;
    match place.row {
        Some(row) => (Some(layout.strides[0] * row.cast_signed()), place.offset + byte),
        // Without strides the items follow each other.
        None if view.strides().is_none() => (None, item.cast_signed() * layout.itemsize + byte),
        None => (None, place.offset - layout.offset + byte),
    }
}

/// Checks that every byte of a view has the value that the model has there.
fn check_items(view: &View, granted: &Granted) {
    let content = &mut granted.block.borrow_mut().content;
    for (item, place) in granted.layout.places().unwrap_or_default().into_iter().enumerate() {
        for byte in 0..granted.layout.itemsize {
            let (row, offset) = lead(view, granted, item, place, byte);
            // SAFETY: the byte is inside the memory, as the model has checked.
            let loaded = unsafe { view.load(row, offset) };
            let expected = *content.at(Place { offset: place.offset + byte, ..place });
            assert_eq!(loaded, expected, "item {item} of {view:?}: {:?}", granted.layout);
        }
    }
}

/// Stores a byte through a view, if the view may write. `item` wraps around at the number of items.
fn store(view: &View, granted: &Granted, item: usize, byte: u8) {
    let places = granted.layout.places().unwrap_or_default();
    if granted.fields.readonly || places.is_empty() {
        return;
    }
    let item = item % places.len();
    let (row, offset) = lead(view, granted, item, places[item], 0);
    // SAFETY: the byte is inside the memory, as the model has checked, and the view may write.
    unsafe { view.store(row, offset, byte) };
    *granted.block.borrow_mut().content.at(places[item]) = byte;
}
