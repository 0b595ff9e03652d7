//! The results of `Format::parse`, as tuples that Python can compare with those of other parsers.

use buffer_runtime::format::{ByteOrder, Content, Format, Item, Scalar};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

fn parse(text: &str) -> PyResult<Format> {
    Format::parse(text).map_err(|error| PyValueError::new_err(error.to_string()))
}

#[pyfunction]
fn itemsize(text: &str) -> PyResult<usize> {
    Ok(parse(text)?.itemsize())
}

#[pyfunction]
fn alignment(text: &str) -> PyResult<usize> {
    Ok(parse(text)?.alignment())
}

#[pyfunction]
fn canonical(text: &str) -> PyResult<String> {
    Ok(parse(text)?.to_string())
}

#[pyfunction]
fn same_layout(a: &str, b: &str) -> PyResult<bool> {
    Ok(parse(a)?.same_layout(&parse(b)?))
}

#[pyfunction]
fn same_names(a: &str, b: &str) -> PyResult<bool> {
    Ok(parse(a)?.same_names(&parse(b)?))
}

/// The kind's name, the size in bytes and the order, or `None`.
fn scalar(scalar: Scalar) -> (String, usize, Option<&'static str>) {
    let order = scalar.order().map(|order| match order {
        ByteOrder::Little => "little",
        ByteOrder::Big => "big",
    });
    (format!("{:?}", scalar.kind()), scalar.size(), order)
}

/// An offset, a scalar, and the extents and strides of each leaf.
#[pyfunction]
#[expect(clippy::type_complexity, reason = "a tuple of what a leaf has")]
fn leaves(text: &str) -> PyResult<Vec<(usize, (String, usize, Option<&'static str>), Vec<(usize, usize)>)>> {
    let leaves = parse(text)?
        .leaves()
        .map(|leaf| {
            let axes = leaf.axes().iter().map(|axis| (axis.extent, axis.stride)).collect();
            (leaf.offset(), scalar(leaf.scalar()), axes)
        })
        .collect();
    Ok(leaves)
}

/// A shape beside a scalar, `("Padding", size)`, or `("Record", size, [(name, offset, item), ...])`.
fn item<'py>(py: Python<'py>, tree: &Item) -> PyResult<Bound<'py, PyAny>> {
    let content = match tree.content() {
        Content::Scalar(content) => scalar(*content).into_bound_py_any(py)?,
        Content::Padding(size) => ("Padding", size).into_bound_py_any(py)?,
        Content::Record(record) => {
            let fields = record
                .fields()
                .iter()
                .map(|field| Ok((field.name(), field.offset(), item(py, field.item())?)))
                .collect::<PyResult<Vec<_>>>()?;
            ("Record", record.size(), PyList::new(py, fields)?).into_bound_py_any(py)?
        }
    };
    (PyTuple::new(py, tree.shape())?, content).into_bound_py_any(py)
}

#[pyfunction]
fn tree<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    item(py, parse(text)?.item())
}

pub(crate) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let formats = PyModule::new(module.py(), "buffer_tests_ext.formats")?;
    formats.add_function(wrap_pyfunction!(itemsize, &formats)?)?;
    formats.add_function(wrap_pyfunction!(alignment, &formats)?)?;
    formats.add_function(wrap_pyfunction!(canonical, &formats)?)?;
    formats.add_function(wrap_pyfunction!(same_layout, &formats)?)?;
    formats.add_function(wrap_pyfunction!(same_names, &formats)?)?;
    formats.add_function(wrap_pyfunction!(leaves, &formats)?)?;
    formats.add_function(wrap_pyfunction!(tree, &formats)?)?;
    module.add_submodule(&formats)
}
