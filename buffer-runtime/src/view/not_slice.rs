//! Hidden members of a `BufferView`, to which other views deref: methods and `[]` that only a slice or a `BufferViewMut`
//! has. Nobody can use them. The error of a use says what to write instead. See `shared::not_slice`.

use std::ops::{Index, IndexMut};
use std::slice;

use super::BufferView;
use crate::element::Element;
use crate::rules::{IndexedWhileViewed, MutableWhileShared, SlicedWhileShared, WrittenByReader};

#[doc(hidden)]
#[allow(clippy::mut_from_ref, reason = "nobody can call them")]
impl<T> BufferView<'_, T> {
    pub fn iter_mut(&self) -> slice::IterMut<'_, T>
    where
        Self: MutableWhileShared,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn as_mut_slice(&self) -> &mut [T]
    where
        Self: MutableWhileShared,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn as_slice(&self) -> &[T]
    where
        Self: SlicedWhileShared,
    {
        unreachable!("nothing satisfies the bound")
    }
}

/// The methods of `BufferViewMut`, with its arguments.
#[doc(hidden)]
impl<T> BufferView<'_, T> {
    pub fn set(&self, _: &[usize], _: T)
    where
        Self: WrittenByReader,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn fill(&self, _: T)
    where
        Self: WrittenByReader,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn copy_from_slice(&self, _: &[T])
    where
        Self: WrittenByReader,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn update(&self, _: impl FnMut(T) -> T)
    where
        Self: WrittenByReader,
    {
        unreachable!("nothing satisfies the bound")
    }

    pub fn for_each_chunk(&self, _: impl FnMut(&mut [T]))
    where
        Self: WrittenByReader,
    {
        unreachable!("nothing satisfies the bound")
    }
}

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
