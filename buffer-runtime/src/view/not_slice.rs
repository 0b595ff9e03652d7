//! `[]` of a `BufferView`, to which other views deref. Nobody can use it, as nobody can call the hidden methods of a
//! `BufferView`. The error of a use says what to write instead. See `shared::not_slice`.

use std::ops::{Index, IndexMut};

use super::BufferView;
use crate::element::Element;
use crate::rules::IndexedWhileViewed;

#[doc(hidden)]
impl<T: Element, I> Index<I> for BufferView<'_, T>
where
    Self: IndexedWhileViewed,
{
    type Output = T;

    fn index(&self, _: I) -> &T {
        unreachable!("nothing satisfies the bound")
    }
}

#[doc(hidden)]
impl<T: Element, I> IndexMut<I> for BufferView<'_, T>
where
    Self: IndexedWhileViewed,
{
    fn index_mut(&mut self, _: I) -> &mut T {
        unreachable!("nothing satisfies the bound")
    }
}
