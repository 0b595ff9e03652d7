//! Methods that only a guard has: hidden methods of a cell, with the names of those of storages, of shared elements and
//! of locks. Nobody can call them. The error of a call names the guard to take, where "no method named `push`" would
//! not.
//!
//! The bound that no cell satisfies is on the whole implementation. So the compiler takes a method of a user's trait
//! before these, and reports neither their arguments nor the place where they are defined.

use std::ops::{Index, IndexMut};

use super::ExportCell;
use crate::rules::{ChangedWithoutGuard, ReadWithoutGuard, SharedWithoutGuard};
use crate::storage::Exportable;

/// No guard has been taken, so there is nothing to return.
fn never() -> ! {
    unreachable!("no cell satisfies the bound")
}

/// Defines methods under a bound that no cell satisfies.
macro_rules! needs_a_guard {
    ($bound:ident: $($method:ident)*) => {
        // On `Self`: the compiler prints the bound's own message only for the type whose method is called.
        #[doc(hidden)]
        #[allow(clippy::iter_not_returning_iterator, reason = "nobody can call them")]
        impl<S> ExportCell<S>
        where
            Self: $bound,
        {
            $(
                pub fn $method(&mut self) {
                    never()
                }
            )*
        }
    };
}

needs_a_guard! {
    ChangedWithoutGuard: push pop insert remove clear truncate resize reserve append drain retain extend extend_from_slice
        fill copy_from_slice swap reverse sort sort_by sort_unstable iter_mut as_mut_slice lock borrow_mut
}

needs_a_guard! {
    ReadWithoutGuard: borrow iter get first last as_slice to_vec contains chunks windows is_sorted
}

needs_a_guard! {
    SharedWithoutGuard: set update for_each_chunk fold_chunks fold_arrays map_to_vec range
}

#[doc(hidden)]
impl<S: Exportable, I> Index<I> for ExportCell<S>
where
    Self: ReadWithoutGuard,
{
    type Output = S::Element;

    fn index(&self, _: I) -> &S::Element {
        never()
    }
}

#[doc(hidden)]
impl<S: Exportable, I> IndexMut<I> for ExportCell<S>
where
    Self: ReadWithoutGuard,
{
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

        fn pop(&mut self) -> u8;
    }

    impl<S: Exportable> Own for ExportCell<S> {
        fn push(&self, item: u8) -> u8 {
            item
        }

        fn clear(&self) -> &'static str {
            "own"
        }

        fn pop(&mut self) -> u8 {
            8
        }
    }

    #[test]
    fn methods_of_a_users_trait_precede_the_hidden_ones() {
        let mut cell = ExportCell::new(vec![1_u8]);
        assert_eq!((cell.push(7), cell.clear(), cell.pop()), (7, "own", 8));
    }
}
