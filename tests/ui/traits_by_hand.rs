#![forbid(unsafe_code)]

use buffer_runtime::{ExportBuffer, ExportCell, private};
use pyo3::prelude::*;

#[derive(ExportBuffer)]
#[pyclass(frozen)]
struct Samples {
    data: ExportCell<Vec<f32>>,
}

struct Forged;

impl private::Exporter for Forged {
    type Class = Samples;
    type Cell = ExportCell<Vec<f32>>;
    type Dims<'a> = private::Fixed<3000, 0>;
    const NDIM: Option<usize> = Some(3000);
    const ORDER: private::Order = private::Order::C;
    const READONLY: bool = false;
    const PIN: bool = false;
    const SOURCE: private::ShapeSource = private::ShapeSource::Fields;

    fn descriptor() -> &'static private::Descriptor {
        panic!()
    }

    fn cell(class: &Samples) -> &ExportCell<Vec<f32>> {
        &class.data
    }

    fn dims(_: &Samples) -> PyResult<private::Fixed<3000, 0>> {
        Ok(private::Fixed::new([private::Dim::Inferred; 3000], []))
    }
}

unsafe impl private::Sendable for Forged {
    type Itself = Self;
}

impl private::Record for Forged {
    const FIELDS: &'static [private::Field] = &[];
}

impl private::pickle::Root for Forged {
    const INSTANCE: private::pickle::Instance<Self> = |_, _, _| Ok(std::ptr::null_mut());
}

const _: () = {
    private::slots::<Forged>();
};

fn main() {}
