//! Classes that declare where their items are: strides and an offset in bytes, of any sign and size.

use buffer_runtime::{ExportBuffer, ExportCell};
use pyo3::prelude::*;

use super::content::Content;

/// A class of int32 with one dimension for each pair of an extent and a stride; the numbers are fields, or come from
/// user code.
macro_rules! strided {
    ($($class:ident: [$($extent:ident = $value:expr;)*], [$($stride:ident)*];)*) => {$(
        #[derive(ExportBuffer)]
        #[pyclass(frozen)]
        struct $class {
            $($extent: isize,)*
            $($stride: isize,)*
            offset: isize,
            #[buffer(
                shape = [$($value),*],
                strides = [$(self.$stride),*],
                offset = self.offset,
            )]
            data: ExportCell<Vec<i32>>,
        }

        #[pymethods]
        impl $class {
            #[new]
            #[allow(clippy::too_many_arguments, reason = "a number each")]
            fn new(content: &[u8], $($extent: isize,)* $($stride: isize,)* offset: isize) -> PyResult<Self> {
                Ok(Self { $($extent,)* $($stride,)* offset, data: ExportCell::new(Content::from_bytes(content)?) })
            }

            fn replace(&self, py: Python<'_>, content: &[u8]) -> PyResult<()> {
                *self.data.write(py)? = Content::from_bytes(content)?;
                Ok(())
            }

            fn sum(&self, py: Python<'_>) -> PyResult<i64> {
                Ok(self.data.read(py)?.iter().map(|&item| i64::from(item)).sum())
            }
        }
    )*};
}

strided! {
    Strided1: [n0 = self.n0;], [step0];
    Strided2: [n0 = self.n0; n1 = self.n1;], [step0 step1];
    Strided3: [n0 = self.n0; n1 = self.n1; n2 = self.n2;], [step0 step1 step2];
    Strided2ByCode: [n0 = self.n0.min(isize::MAX); n1 = self.n1.max(isize::MIN);], [step0 step1];
}

/// Items that follow each other from an offset on.
#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct FromOffset {
    columns: usize,
    offset: usize,
    #[buffer(shape = [_, self.columns], offset = self.offset)]
    data: ExportCell<Vec<i32>>,
}

#[pymethods]
impl FromOffset {
    #[new]
    fn new(content: &[u8], columns: usize, offset: usize) -> PyResult<Self> {
        Ok(Self { columns, offset, data: ExportCell::new(Content::from_bytes(content)?) })
    }
}

pub(super) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Strided1>()?;
    module.add_class::<Strided2>()?;
    module.add_class::<Strided3>()?;
    module.add_class::<Strided2ByCode>()?;
    module.add_class::<FromOffset>()
}
