//! Entry point for the fuzzer: makes storages from a frame and the shape that a pickle states, without an interpreter.
#![expect(missing_docs, reason = "the names are those of the storages")]

use std::sync::Arc;

use ndarray::{Array2, ArrayD};

use super::frame::{Frame, Shape};
use super::storages::Rebuilt;
use crate::element::Viewable;
use crate::storage::{Rows, VecOrImported};

/// What a pickle states about the elements, besides their format.
#[derive(Debug, Clone)]
pub enum Said {
    Nothing,
    /// How many bytes each row has.
    BytesOfRow(isize),
    Extents(Vec<usize>),
}

/// The storage to make from a frame.
#[derive(Debug, Clone, Copy)]
pub enum Wanted {
    Vec,
    Boxed,
    Array,
    Shared,
    Imported,
    Rows,
    Grid,
    AnyArray,
}

/// The storage that was made: its elements in C order, and how many there are along each axis.
#[derive(Debug)]
pub struct Made<T> {
    pub elements: Vec<T>,
    pub extents: Vec<usize>,
}

/// Makes a storage from the bytes, and calls `made` before the elements are copied out of the storage.
///
/// # Errors
///
/// The text of the refusal.
pub fn arrive<T: Viewable>(
    bytes: &mut [u8],
    said: &Said,
    wanted: Wanted,
    made: impl FnOnce(),
) -> Result<Made<T>, String> {
    let shape = match said {
        Said::Nothing => Some(Shape::OnePiece),
        Said::BytesOfRow(bytes) => Shape::of_rows::<T>(*bytes),
        Said::Extents(extents) => Some(Shape::Array(extents.clone())),
    };
    let Some(shape) = shape else { return Err("is no memory".to_owned()) };
    // SAFETY: the bytes are borrowed for the whole call, which makes no other reference to them.
    let frame = unsafe { Frame::of_bytes(bytes, shape) };
    match wanted {
        Wanted::Vec => in_one_piece::<T, Vec<T>>(frame, made),
        Wanted::Boxed => in_one_piece::<T, Box<[T]>>(frame, made),
        Wanted::Array => in_one_piece::<T, [T; 3]>(frame, made),
        Wanted::Shared => in_one_piece::<T, Arc<[T]>>(frame, made),
        Wanted::Imported => of(frame, made, |vec: VecOrImported<T>| {
            let elements = vec.into_vec();
            Made { extents: vec![elements.len()], elements }
        }),
        Wanted::Rows => of(frame, made, |rows: Rows<T>| Made {
            extents: vec![rows.len(), rows.row_len()],
            elements: rows.iter().flatten().copied().collect(),
        }),
        Wanted::Grid => of(frame, made, |array: Array2<T>| Made {
            extents: array.shape().to_vec(),
            elements: array.iter().copied().collect(),
        }),
        Wanted::AnyArray => of(frame, made, |array: ArrayD<T>| Made {
            extents: array.shape().to_vec(),
            elements: array.iter().copied().collect(),
        }),
    }
}

fn in_one_piece<T: Viewable, S: Rebuilt + AsRef<[T]>>(frame: Frame, made: impl FnOnce()) -> Result<Made<T>, String> {
    of(frame, made, |storage: S| {
        let elements = storage.as_ref().to_vec();
        Made { extents: vec![elements.len()], elements }
    })
}

fn of<T, S: Rebuilt>(
    mut frame: Frame,
    made: impl FnOnce(),
    show: impl FnOnce(S) -> Made<T>,
) -> Result<Made<T>, String> {
    let storage = S::rebuilt(&mut frame);
    made();
    storage.map(show).map_err(|wrong| wrong.to_string())
}
