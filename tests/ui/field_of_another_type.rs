use std::ops::Deref;

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

macro_rules! field {
    (Self) => {
        Guarded
    };
    ($class:ident) => {
        ExportCell<Vec<f32>>
    };
}

struct Guarded(ExportCell<Vec<f32>>);

impl Deref for Guarded {
    type Target = ExportCell<Vec<f32>>;

    fn deref(&self) -> &ExportCell<Vec<f32>> {
        panic!("where no code of the user's may run")
    }
}

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Samples {
    #[buffer]
    data: field!(Self),
}

fn main() {}
