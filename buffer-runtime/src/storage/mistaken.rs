//! Types of the standard library that new users put into a cell, but that cannot be exported.
//!
//! To a cell they are empty memory, so such a cell can be constructed and borrowed; only a class that exports it does
//! not compile. So the mistake is one error, at the field, and not one more for each use of the cell.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::num::NonZero;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use pyo3::Py;

use super::{Captured, Exportable, OwnLayout, ReadWrite};
use crate::cell::ExportCell;

/// Why a type cannot be exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// A map or a set.
    Map,
    /// Items in several pieces of memory.
    Pieces,
    /// A text in place of its bytes.
    Text,
    /// One value in place of an array.
    Value,
    /// Several values of different types.
    Tuple,
    /// A lock, or another wrapper that the cell makes unnecessary.
    Wrapper,
    /// Elements to which Python must not write arbitrary bytes.
    Invalid,
    /// Elements that are rows in memory of their own.
    Rows,
    /// Elements that are texts.
    Texts,
    /// Elements that are tuples.
    Tuples,
    /// Elements that may be missing.
    Missing,
    /// Elements that are Python objects.
    Objects,
    /// Elements of 128 bits.
    Wide,
}

/// Implements [`Exportable`] for types that cannot be exported.
macro_rules! mistaken {
    ($($mistake:ident: $([$($parameter:ident),*] $storage:ty),+;)*) => {$($(
        impl<$($parameter: 'static),*> super::sealed::Sealed for $storage {}

        // SAFETY: empty memory satisfies all clauses.
        #[doc(hidden)]
        #[diagnostic::do_not_recommend]
        #[allow(trivial_bounds, reason = "some of the types have no parameters")]
        unsafe impl<$($parameter: 'static),*> Exportable for $storage
        where
            $storage: Send,
        {
            type Element = u8;
            type Access = ReadWrite;

            const INDIRECT: bool = false;
            const STRIDED: bool = false;
            const DROPS_PLAINLY: bool = false;
            const STABLE: bool = false;
            const RESIZABLE: bool = true;
            const LEN: Option<usize> = None;
            const MISTAKE: Option<Mistake> = Some(Mistake::$mistake);

            unsafe fn capture(_this: *mut Self, _own: &mut OwnLayout) -> Captured {
                Captured { data: NonNull::dangling(), len: 0, row_len: 0 }
            }
        }
    )+)*};
}

mistaken! {
    Map: [K, V, H] HashMap<K, V, H>, [K, V] BTreeMap<K, V>, [K, H] HashSet<K, H>, [K] BTreeSet<K>;
    Pieces: [T] VecDeque<T>, [T] LinkedList<T>, [T] BinaryHeap<T>;
    Text: [] String, [] &'static str;
    Value: [] u8, [] u16, [] u32, [] u64, [] usize, [] i8, [] i16, [] i32, [] i64, [] isize, [] f32, [] f64, [] bool, [] char;
    Tuple: [A, B] (A, B), [A, B, C] (A, B, C);
    Wrapper:
        [T] Option<T>,
        [T] Mutex<T>,
        [T] RwLock<T>,
        [T] OnceLock<T>,
        [T] Cell<T>,
        [T] RefCell<T>,
        [T] OnceCell<T>,
        [T] ExportCell<T>,
        [T] Box<Vec<T>>,
        [T] Arc<Mutex<T>>,
        [T] Arc<RwLock<T>>,
        [T] Arc<ExportCell<T>>;
    Invalid: [] Vec<char>, [] Vec<NonZero<u8>>, [] Vec<NonZero<u16>>, [] Vec<NonZero<u32>>, [] Vec<NonZero<u64>>, [] Vec<NonZero<usize>>;
    Rows: [T] Vec<Vec<T>>, [T] Vec<Box<[T]>>;
    Texts: [] Vec<String>, [] Vec<&'static str>;
    Tuples: [A, B] Vec<(A, B)>, [A, B, C] Vec<(A, B, C)>;
    Missing: [T] Vec<Option<T>>;
    Objects: [T] Vec<Py<T>>;
    Wide: [] Vec<u128>, [] Vec<i128>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_a_mistake_is_empty_memory_that_is_borrowed_and_dropped() {
        let shared = Arc::new(Mutex::new(vec![1_u8]));
        let mut cell = ExportCell::new(vec![Some(Arc::clone(&shared))]);
        cell.get_mut().expect("nobody looks").push(None);
        assert_eq!(cell.len(), 0);
        assert_eq!(cell.into_inner().expect("nobody looks").len(), 2);
        let cell = ExportCell::new(HashMap::from([(1_u8, Arc::clone(&shared))]));
        assert_eq!((cell.len(), Arc::strong_count(&shared)), (0, 2));
        drop(cell);
        assert_eq!(Arc::strong_count(&shared), 1);
    }
}
