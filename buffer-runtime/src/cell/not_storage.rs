//! What a cell does not do itself, since only a guard can: hidden methods of storages and of locks, which nobody can
//! call. The error names the guard, where "no method named `push`" would not.
//!
//! They take `&mut self`, although a cell is usually behind a `&self`: so a method of a user's trait that takes `&self`
//! precedes them.

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
    pub fn push<T>(&mut self, _: T)
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn pop(&mut self) -> Option<S::Element>
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn clear(&mut self)
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn fill<T>(&mut self, _: T)
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn resize<N, T>(&mut self, _: N, _: T)
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn extend<T>(&mut self, _: T)
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn extend_from_slice<T>(&mut self, _: T)
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn iter_mut(&mut self) -> slice::IterMut<'_, S::Element>
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn as_mut_slice(&mut self) -> &mut [S::Element]
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn lock(&mut self) -> Result<&mut S, BorrowError>
    where
        S: ChangedWithoutGuard,
    {
        never()
    }

    pub fn iter(&mut self) -> slice::Iter<'_, S::Element>
    where
        S: ReadWithoutGuard,
    {
        never()
    }

    pub fn get<I>(&mut self, _: I) -> Option<&S::Element>
    where
        S: ReadWithoutGuard,
    {
        never()
    }

    pub fn as_slice(&mut self) -> &[S::Element]
    where
        S: ReadWithoutGuard,
    {
        never()
    }

    pub fn to_vec(&mut self) -> Vec<S::Element>
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A user's trait, with names that the hidden methods have.
    trait Own {
        fn push(&self, item: u8) -> u8;

        fn clear(&self) -> &'static str;
    }

    impl<S: Exportable> Own for ExportCell<S> {
        fn push(&self, item: u8) -> u8 {
            item
        }

        fn clear(&self) -> &'static str {
            "own"
        }
    }

    #[test]
    fn methods_of_a_users_trait_precede_the_hidden_ones() {
        let cell = ExportCell::new(vec![1_u8]);
        assert_eq!((cell.push(7), cell.clear()), (7, "own"));
    }
}
