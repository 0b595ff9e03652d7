//! What a cell does not do itself, since only a guard can: hidden methods of storages and of locks, which nobody can
//! call. The error names the guard, where "no method named `push`" would not.

use std::ops::{Index, IndexMut};
use std::slice;

use super::ExportCell;
use crate::error::BorrowError;
use crate::rules::{ChangedWithoutGuard, ReadWithoutGuard};
use crate::storage::Exportable;

/// No guard has been taken, so there is nothing to return.
fn never() -> ! {
    unreachable!("no storage satisfies the bound")
}

#[doc(hidden)]
#[expect(clippy::iter_without_into_iter, reason = "as storages have them")]
impl<S: Exportable> ExportCell<S> {
    pub fn push<T>(&self, _: T)
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn pop(&self) -> Option<S::Element>
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn clear(&self)
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn fill<T>(&self, _: T)
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn resize<N, T>(&self, _: N, _: T)
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn extend<T>(&self, _: T)
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn extend_from_slice<T>(&self, _: T)
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn iter_mut(&self) -> slice::IterMut<'_, S::Element>
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn as_mut_slice(&self) -> &mut [S::Element]
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn lock(&self) -> Result<&mut S, BorrowError>
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn iter(&self) -> slice::Iter<'_, S::Element>
    where
        S: ReadWithoutGuard,
    {
        never()
    }

    pub fn get<I>(&self, _: I) -> Option<&S::Element>
    where
        S: ReadWithoutGuard,
    {
        never()
    }

    pub fn as_slice(&self) -> &[S::Element]
    where
        S: ReadWithoutGuard,
    {
        never()
    }

    pub fn to_vec(&self) -> Vec<S::Element>
    where
        S: ReadWithoutGuard,
    {
        never()
    }
}

#[doc(hidden)]
impl<S: Exportable + ReadWithoutGuard, I> Index<I> for ExportCell<S> {
    type Output = S::Element;

    fn index(&self, _: I) -> &S::Element {
        never()
    }
}

#[doc(hidden)]
impl<S: Exportable + ReadWithoutGuard, I> IndexMut<I> for ExportCell<S> {
    fn index_mut(&mut self, _: I) -> &mut S::Element {
        never()
    }
}
