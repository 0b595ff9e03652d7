//! Hidden members of shared memory: `[]`, and methods that only a slice has. Nobody can use them. The error of a use says
//! what to write instead. Without these members, the error "no method named `iter_mut`" would suggest `iter`.
//!
//! The bounds of the methods, which are beside the type, are on each method, not on the implementation: so the compiler
//! prints the bound's own message also for a guard, which derefs to this type. For the same reason the methods precede
//! those of a user's trait, so there are few. They return what those of a slice return, so the bound is the only error. A
//! macro that wrote them for both types would appear in each error.

use std::ops::{Index, IndexMut};

use super::SharedRead;
use crate::element::Element;
use crate::rules::IndexedWhileShared;

#[doc(hidden)]
impl<T: Element, I> Index<I> for SharedRead<T>
where
    Self: IndexedWhileShared,
{
    type Output = T;

    fn index(&self, _: I) -> &T {
        unreachable!("nothing satisfies the bound")
    }
}

#[doc(hidden)]
impl<T: Element, I> IndexMut<I> for SharedRead<T>
where
    Self: IndexedWhileShared,
{
    fn index_mut(&mut self, _: I) -> &mut T {
        unreachable!("nothing satisfies the bound")
    }
}
