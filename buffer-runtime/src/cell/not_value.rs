//! A cell is neither cloned nor converted to a Python object. Both traits are implemented under a bound that no cell
//! satisfies: so the error of `#[pyo3(get)]` on a cell, which requires both, is one, and names `#[buffer(get)]`.

use pyo3::prelude::*;

use super::ExportCell;
use crate::rules::CopiedAsAWhole;

#[doc(hidden)]
impl<S> ExportCell<S>
where
    Self: CopiedAsAWhole<Self>,
{
    /// So that a call is an error about the bound of the implementation, as in `not_storage`, and about nothing else.
    #[allow(clippy::should_implement_trait, clippy::return_self_not_must_use, reason = "nobody can call it")]
    pub fn clone(&self) -> Self {
        unreachable!("no cell satisfies the bound")
    }
}

#[doc(hidden)]
impl<S> Clone for ExportCell<S>
where
    (): CopiedAsAWhole<Self>,
{
    fn clone(&self) -> Self {
        unreachable!("no cell satisfies the bound")
    }
}

#[doc(hidden)]
impl<'py, S> IntoPyObject<'py> for ExportCell<S>
where
    (): CopiedAsAWhole<Self>,
{
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, _: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        unreachable!("no cell satisfies the bound")
    }
}
