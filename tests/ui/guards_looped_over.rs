use buffer_runtime::ExportCell;
use pyo3::prelude::*;

fn print(data: &ExportCell<Vec<f64>>, py: Python<'_>) -> PyResult<()> {
    for item in data.share(py)? {
        println!("{item}");
    }
    for item in data.read(py)? {
        println!("{item}");
    }
    for item in data.write(py)? {
        println!("{item}");
    }
    Ok(())
}

fn main() {}
