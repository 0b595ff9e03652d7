//! `for` loops over guards. The compiler suggests the `&` that is missing in `for item in self.data.share(py)?`.

use std::slice;

use super::{OwnedShareGuard, ReadGuard, ShareGuard, WriteGuard};
use crate::shared::SharedItems;
use crate::storage::{Exportable, Storage};

impl<'a, S: Storage> IntoIterator for &'a ShareGuard<'_, S> {
    type Item = S::Element;
    type IntoIter = SharedItems<'a, S::Element>;

    fn into_iter(self) -> SharedItems<'a, S::Element> {
        self.iter()
    }
}

impl<'a, S: Storage> IntoIterator for &'a OwnedShareGuard<S> {
    type Item = S::Element;
    type IntoIter = SharedItems<'a, S::Element>;

    fn into_iter(self) -> SharedItems<'a, S::Element> {
        self.iter()
    }
}

impl<'a, S: Storage> IntoIterator for &'a ReadGuard<'_, S> {
    type Item = &'a S::Element;
    type IntoIter = slice::Iter<'a, S::Element>;

    fn into_iter(self) -> slice::Iter<'a, S::Element> {
        self.iter()
    }
}

#[allow(clippy::into_iter_without_iter, reason = "the storage has the method, and the guard derefs to it")]
impl<'a, S: Exportable> IntoIterator for &'a WriteGuard<'_, S>
where
    &'a S: IntoIterator,
{
    type Item = <&'a S as IntoIterator>::Item;
    type IntoIter = <&'a S as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        (&**self).into_iter()
    }
}

#[allow(clippy::into_iter_without_iter, reason = "the storage has the method, and the guard derefs to it")]
impl<'a, S: Exportable> IntoIterator for &'a mut WriteGuard<'_, S>
where
    &'a mut S: IntoIterator,
{
    type Item = <&'a mut S as IntoIterator>::Item;
    type IntoIter = <&'a mut S as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        (&mut **self).into_iter()
    }
}
