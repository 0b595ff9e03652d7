//! The expected behaviour, according to the documentation of cells and to CPython's own exporters. The model is written
//! to be obvious, not fast, and shares no algorithm with the runtime: it visits a layout item by item.

mod answer;

use std::cell::RefCell;
use std::rc::Rc;

use buffer_runtime::private::fuzz::exporter::Borrow;

pub use self::answer::Fields;
use self::answer::answer;

/// In a layout with more items than this, some share bytes: no content here has so many bytes.
const MOST_ITEMS: i128 = 1000;

/// The bytes of a storage: one row, or rows that are allocated one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Whole(Vec<u8>),
    Rows { row_len: usize, rows: Vec<Vec<u8>> },
}

/// Where one byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub row: Option<usize>,
    pub offset: isize,
}

impl Content {
    pub fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Rows { rows, .. } => rows.len(),
        }
    }

    pub fn at(&mut self, Place { row, offset }: Place) -> &mut u8 {
        let offset = usize::try_from(offset).expect("inside");
        match (self, row) {
            (Self::Whole(bytes), None) => &mut bytes[offset],
            (Self::Rows { rows, .. }, Some(row)) => &mut rows[row][offset],
            _ => panic!("a place of the other kind"),
        }
    }
}

/// A number of a declaration; `None` is `_`.
pub type Number = Option<i128>;

/// A declaration. Parts that are not declared are those of the storage.
#[derive(Debug, Clone, Default)]
pub struct Declaration {
    pub shape: Option<Vec<Number>>,
    pub strides: Option<Vec<i128>>,
    pub offset: Option<i128>,
    /// A format and its size.
    pub item: Option<(&'static str, usize)>,
    pub fortran: bool,
    pub sealed: bool,
}

/// A declaration for some memory, which it fits.
#[derive(Debug, Clone)]
pub struct Layout {
    pub shape: Vec<isize>,
    pub strides: Vec<isize>,
    pub offset: isize,
    pub itemsize: isize,
    pub format: &'static str,
    pub indirect: bool,
    pub nbytes: isize,
    readonly: bool,
}

fn small(number: i128) -> Option<isize> {
    isize::try_from(number).ok()
}

impl Declaration {
    /// `None` if the declaration does not fit the memory.
    pub fn over(&self, content: &Content) -> Option<Layout> {
        let (format, itemsize) = self.item.unwrap_or(("B", 1));
        let itemsize = i128::try_from(itemsize).ok().filter(|&itemsize| itemsize > 0)?;
        let layout = match content {
            Content::Rows { row_len, rows } => {
                let row_len = *row_len as i128;
                if self.shape.is_some() || self.offset.is_some() || self.strides.is_some() || row_len % itemsize != 0 {
                    return None;
                }
                let shape = vec![small(rows.len() as i128)?, small(row_len / itemsize)?];
                let strides = vec![size_of::<usize>() as isize, small(itemsize)?];
                self.layout(shape, strides, 0, itemsize, format, true)?
            }
            Content::Whole(bytes) => {
                let bytes = bytes.len() as i128;
                let offset = self.offset.unwrap_or(0);
                if !(0..=bytes).contains(&offset) {
                    return None;
                }
                // Without a shape, or with `_`, or without an offset and strides, items must fill all of the rest.
                let open = self.shape.as_ref().is_none_or(|shape| shape.contains(&None));
                let filled = open || self.offset.is_none() && self.strides.is_none();
                if filled && (bytes - offset) % itemsize != 0 {
                    return None;
                }
                let shape = self.extents((bytes - offset) / itemsize)?;
                let items = shape.iter().try_fold(1_i128, |items, &extent| items.checked_mul(extent as i128))?;
                if filled && items != (bytes - offset) / itemsize {
                    return None;
                }
                let strides = match &self.strides {
                    Some(strides) => strides.iter().map(|&stride| small(stride)).collect::<Option<Vec<_>>>()?,
                    None => dense(&shape, itemsize, self.fortran),
                };
                let layout = self.layout(shape, strides, small(offset)?, itemsize, format, false)?;
                layout.lies_inside(bytes).then_some(layout)?
            }
        };
        Some(layout)
    }

    fn extents(&self, items: i128) -> Option<Vec<isize>> {
        let Some(shape) = &self.shape else { return Some(vec![small(items)?]) };
        let known: i128 = shape.iter().flatten().try_fold(1_i128, |known, &extent| known.checked_mul(extent))?;
        if shape.contains(&None) && (known <= 0 || items % known != 0) {
            return None;
        }
        shape.iter().map(|extent| small(extent.unwrap_or(items / known.max(1))).filter(|&extent| extent >= 0)).collect()
    }

    fn layout(
        &self,
        shape: Vec<isize>,
        strides: Vec<isize>,
        offset: isize,
        itemsize: i128,
        format: &'static str,
        indirect: bool,
    ) -> Option<Layout> {
        if shape.len() > 64 || shape.len() != strides.len() {
            return None;
        }
        // Even where an extent is 0, the product of the others must be a size that memory could have.
        let mut others = shape.iter().filter(|&&extent| extent > 0);
        let most = others.try_fold(itemsize, |bytes, &extent| bytes.checked_mul(extent as i128)).and_then(small)?;
        let nbytes = if shape.contains(&0) { 0 } else { most };
        let itemsize = small(itemsize)?;
        let mut layout = Layout { shape, strides, offset, itemsize, format, indirect, nbytes, readonly: self.sealed };
        layout.readonly |= !indirect && layout.overlaps();
        Some(layout)
    }
}

/// The strides of items that follow each other.
fn dense(shape: &[isize], itemsize: i128, fortran: bool) -> Vec<isize> {
    let product = |extents: &[isize]| {
        let product = extents.iter().try_fold(itemsize, |product, &extent| product.checked_mul(extent as i128));
        // In that case the size of the whole overflows too, and is refused.
        product.and_then(small).unwrap_or(isize::MAX)
    };
    (0..shape.len()).map(|axis| if fortran { product(&shape[..axis]) } else { product(&shape[axis + 1..]) }).collect()
}

impl Layout {
    /// Where the items begin, in C order of their indices; `None` where there are more than `MOST_ITEMS`.
    pub fn places(&self) -> Option<Vec<Place>> {
        self.ordered(0..self.shape.len())
    }

    /// The last of `axes` varies fastest.
    fn ordered(&self, axes: impl Iterator<Item = usize>) -> Option<Vec<Place>> {
        let items: i128 = self.shape.iter().try_fold(1_i128, |items, &extent| items.checked_mul(extent as i128))?;
        if items > MOST_ITEMS {
            return None;
        }
        if items == 0 {
            return Some(Vec::new());
        }
        let mut places = vec![Place { row: self.indirect.then_some(0), offset: self.offset }];
        for axis in axes {
            let to = |place: Place, index: isize| match place.row {
                Some(row) if axis == 0 => Place { row: Some(row + index as usize), ..place },
                _ => Place { offset: place.offset + index * self.strides[axis], ..place },
            };
            let all = places.iter().flat_map(|&place| (0..self.shape[axis]).map(move |index| to(place, index)));
            places = all.collect();
        }
        Some(places)
    }

    fn lies_inside(&self, bytes: i128) -> bool {
        let ends = |side: fn(i128) -> i128| -> i128 {
            let reach = |(&extent, &stride)| side((extent as i128 - 1) * stride as i128);
            self.shape.iter().zip(&self.strides).map(reach).sum::<i128>() + self.offset as i128
        };
        self.shape.contains(&0)
            || ends(|way| way.min(0)) >= 0 && ends(|way| way.max(0)) + self.itemsize as i128 <= bytes
    }

    fn overlaps(&self) -> bool {
        // Without places there are more items than the memory has room for. (Or items lie outside of it, and are
        // refused anyway.)
        let Some(mut places) = self.in_bounds().then(|| self.places()).flatten() else { return true };
        places.sort_unstable();
        places.windows(2).any(|pair| pair[1].offset - pair[0].offset < self.itemsize)
    }

    /// Whether places can be computed without overflow; if not, the items lie outside of the memory.
    fn in_bounds(&self) -> bool {
        self.shape.contains(&0) || self.lies_inside(i128::from(u32::MAX))
    }

    fn follow(&self, places: Option<Vec<Place>>) -> bool {
        let Some(places) = places else { return false };
        !self.indirect && places.windows(2).all(|pair| pair[1].offset - pair[0].offset == self.itemsize)
    }

    fn is_c_contiguous(&self) -> bool {
        self.follow(self.places())
    }

    fn is_f_contiguous(&self) -> bool {
        self.follow(self.ordered((0..self.shape.len()).rev()))
    }
}

/// What views share: one storage. It lives as long as a view of it, even without the cell.
#[derive(Debug)]
pub struct Block {
    pub content: Content,
    writable: usize,
    readonly: usize,
    /// The class and the layout of the views that are alive.
    shown: Option<(usize, Rc<Layout>)>,
}

impl Block {
    fn new(content: Content) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self { content, writable: 0, readonly: 0, shown: None }))
    }

    pub fn views(&self) -> usize {
        self.writable + self.readonly
    }

    pub fn release(&mut self, readonly: bool) {
        *(if readonly { &mut self.readonly } else { &mut self.writable }) -= 1;
    }
}

/// A class that exports the cell.
#[derive(Debug, Clone)]
pub struct Class {
    pub id: usize,
    pub readonly: bool,
    pub pins: bool,
    pub declaration: Declaration,
}

/// A view that is granted.
#[derive(Debug)]
pub struct Granted {
    pub block: Rc<RefCell<Block>>,
    pub layout: Rc<Layout>,
    pub fields: Fields,
}

#[derive(Debug)]
pub struct Cell {
    pub block: Rc<RefCell<Block>>,
    pub guards: Vec<Borrow>,
    leaked: Vec<Borrow>,
    pub closed: bool,
    /// `Some` after the first view of a class that pins; true if any such view could write.
    pub pinned: Option<bool>,
}

impl Cell {
    pub fn new(content: Content) -> Self {
        Self { block: Block::new(content), guards: Vec::new(), leaked: Vec::new(), closed: false, pinned: None }
    }

    fn held(&self, borrow: Borrow) -> bool {
        self.guards.iter().chain(&self.leaked).any(|&held| held == borrow)
    }

    pub fn request(&mut self, class: &Class, flags: i32) -> Option<Granted> {
        if self.closed || self.held(Borrow::Write) {
            return None;
        }
        let mut readonly = class.readonly || self.held(Borrow::Read);
        let mut block = self.block.borrow_mut();
        let layout = match &block.shown {
            Some((id, layout)) if block.views() > 0 => (*id == class.id).then(|| layout.clone())?,
            _ => Rc::new(class.declaration.over(&block.content)?),
        };
        readonly |= layout.readonly;
        let fields = answer(flags, &layout, readonly)?;
        *(if readonly { &mut block.readonly } else { &mut block.writable }) += 1;
        block.shown = Some((class.id, layout.clone()));
        drop(block);
        if class.pins {
            self.pinned = Some(!readonly || self.pinned == Some(true));
        }
        Some(Granted { block: self.block.clone(), layout, fields })
    }

    pub fn begin(&mut self, borrow: Borrow) -> bool {
        let block = self.block.borrow();
        let others =
            [Borrow::Read, Borrow::Share, Borrow::Write].into_iter().any(|kind| self.held(kind) && kind != borrow);
        let free = match borrow {
            Borrow::Read => block.writable == 0 && self.pinned != Some(true),
            Borrow::Share => true,
            Borrow::Write => block.views() == 0 && self.pinned.is_none() && !self.held(Borrow::Write),
        };
        drop(block);
        let granted = free && !others && !self.closed;
        if granted {
            self.guards.push(borrow);
        }
        granted
    }

    pub fn end(&mut self, index: usize, content: Content) {
        if self.guards.swap_remove(index) == Borrow::Write {
            self.block.borrow_mut().content = content;
        }
    }

    pub fn leak(&mut self, index: usize) {
        let guard = self.guards.swap_remove(index);
        self.leaked.push(guard);
    }

    /// Closes the cell if the storage may be taken out, and returns whether it may.
    pub fn close(&mut self) -> bool {
        let granted = self.begin(Borrow::Write);
        if granted {
            self.guards.clear();
            self.closed = true;
        }
        granted
    }

    pub fn detach(&mut self) -> bool {
        if self.pinned.is_some() {
            return false;
        }
        if !self.closed {
            let empty = match &self.block.borrow().content {
                Content::Whole(_) => Content::Whole(Vec::new()),
                Content::Rows { .. } => Content::Rows { row_len: 0, rows: Vec::new() },
            };
            *self = Self { closed: true, ..Self::new(empty) };
        }
        true
    }

    /// Writes `content` to the storage, or to a copy of it where views are alive. Returns whether that is allowed.
    pub fn write_or_detach(&mut self, content: Content) -> bool {
        if self.closed || self.pinned.is_some() || !self.leaked.is_empty() {
            return false;
        }
        if self.block.borrow().views() > 0 {
            *self = Self::new(content);
        } else {
            self.block.borrow_mut().content = content;
        }
        true
    }
}
