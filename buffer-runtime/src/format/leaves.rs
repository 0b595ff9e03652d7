//! The scalars of a tree with their offsets. An array is not expanded into its elements.

use std::slice;

use super::tree::{Content, Field, Item, Scalar};

/// One dimension of the arrays that contain a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Axis {
    /// How many elements there are.
    pub extent: usize,
    /// The distance from one to the next, in bytes.
    pub stride: usize,
}

/// A scalar and its offset. For a scalar in an array, or in an array of records, one leaf describes all its copies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Leaf {
    offset: usize,
    scalar: Scalar,
    axes: Vec<Axis>,
}

impl Leaf {
    /// Where the first copy begins, in bytes from the start of the item.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What each copy is.
    pub fn scalar(&self) -> Scalar {
        self.scalar
    }

    /// The dimensions of the arrays around it, outermost first; none is empty.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }
}

/// The scalars of a [`Format`](super::Format), in the order of their offsets.
#[derive(Debug, Clone)]
pub struct Leaves<'a> {
    root: Option<&'a Item>,
    /// The records that were entered, outermost first.
    entered: Vec<Entered<'a>>,
    /// The dimensions of the arrays that were entered.
    axes: Vec<Axis>,
}

/// A record some of whose fields are not visited yet.
#[derive(Debug, Clone)]
struct Entered<'a> {
    fields: slice::Iter<'a, Field>,
    offset: usize,
    /// How many dimensions the record has, including those of the records around it.
    ndim: usize,
}

impl<'a> Leaves<'a> {
    #[inline]
    pub(super) fn of(item: &'a Item) -> Self {
        Self { root: Some(item), entered: Vec::new(), axes: Vec::new() }
    }

    /// The next item of the tree with its offset, records before their fields.
    #[inline]
    fn advance(&mut self) -> Option<(&'a Item, usize)> {
        if let Some(item) = self.root.take() {
            return Some((item, 0));
        }
        loop {
            let record = self.entered.last_mut()?;
            if let Some(field) = record.fields.next() {
                self.axes.truncate(record.ndim);
                return Some((&field.item, record.offset + field.offset));
            }
            self.entered.pop();
        }
    }

    #[inline]
    fn enter_array(&mut self, item: &Item) {
        let mut stride = item.size();
        for &extent in &item.shape {
            stride /= extent;
            self.axes.push(Axis { extent, stride });
        }
    }
}

impl Iterator for Leaves<'_> {
    type Item = Leaf;

    #[inline]
    fn next(&mut self) -> Option<Leaf> {
        loop {
            let (item, offset) = self.advance()?;
            if item.size() == 0 {
                continue;
            }
            self.enter_array(item);
            match &item.content {
                &Content::Scalar(scalar) => return Some(Leaf { offset, scalar, axes: self.axes.clone() }),
                Content::Record(record) => {
                    self.entered.push(Entered { fields: record.fields.iter(), offset, ndim: self.axes.len() });
                }
                Content::Padding(_) => {}
            }
        }
    }
}
