//! Names that are not what they seem: from macros, raw, shadowed, or out of scope.

/// `self` is hygienic: here one comes from the macro and another from its caller, in the same shape.
mod generated_by_macro {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    macro_rules! volume {
        ($vis:vis $name:ident, $cell:ty, $depth:expr, $height:literal) => {
            #[derive(ExportBuffer)]
            #[pyclass]
            $vis struct $name {
                width: usize,
                depth: usize,
                #[buffer(shape = [self.width, $depth, $height, _, { self.depth }])]
                data: $cell,
            }

            #[pymethods]
            impl $name {
                #[new]
                fn new() -> Self {
                    Self { width: 1, depth: 1, data: ExportCell::new(Vec::new()) }
                }
            }
        };
    }

    volume!(Literal, ExportCell<Vec<f32>>, 2, 3);
    volume!(pub(crate) Borrowing, ExportCell<Vec<u8>>, self.depth + 1, 3_u8);
}

mod pickled {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    macro_rules! pair {
        ($name:ident, $cell:ty, $other:ty) => {
            #[derive(ExportBuffer)]
            #[buffer(pickle)]
            #[pyclass]
            struct $name(#[buffer] $cell, $other, #[buffer(default)] Option<Box<Self>>);

            #[pymethods]
            impl $name {
                #[new]
                fn new() -> Self {
                    let _ = |new: Self| (new.1, new.2);
                    Self(ExportCell::new(Vec::new()), Default::default(), None)
                }
            }
        };
    }

    type Data = ExportCell<Vec<f32>>;

    pair!(Aliased, Data, [u8; 2]);
    pair!(Plain, ExportCell<Vec<u8>>, Vec<Option<Py<Plain>>>);

    #[derive(ExportBuffer)]
    #[buffer(pickle)]
    #[pyclass]
    #[allow(non_camel_case_types)]
    struct r#move {
        r#type: (u16, f64),
        given: bool,
        arrived: String,
        r#data: ExportCell<Vec<f32>>,
    }

    #[pymethods]
    impl r#move {
        #[new]
        fn new() -> Self {
            Self { r#type: (3, 0.5), given: true, arrived: String::new(), data: ExportCell::new(Vec::new()) }
        }
    }
}

mod raw_identifiers {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    #[derive(ExportBuffer)]
    #[pyclass]
    #[allow(non_camel_case_types)]
    struct r#match {
        r#type: u16,
        #[buffer(shape = [_, self.r#type])]
        r#data: ExportCell<Vec<f32>>,
    }

    #[pymethods]
    impl r#match {
        #[new]
        fn new() -> Self {
            Self { r#type: 3, data: ExportCell::new(Vec::new()) }
        }
    }
}

mod shadowed_names {
    #![allow(dead_code, non_camel_case_types)]

    mod buffer_runtime {}
    mod core {}
    mod private {}
    mod pyo3 {}
    mod std {}

    struct Option;
    struct Vec;
    struct PyResult;
    struct Bound;
    struct Py;
    struct PyAny;
    struct Descriptor;
    struct Dim;
    struct Declared;
    struct Exported;
    struct Entry;
    struct Numbers;
    struct None;
    struct bool;
    struct i32;
    struct Ok;
    struct Err;
    struct Result;
    trait Exporter {
        fn dims(&self) -> u8;
        fn cell(&self) -> u8;
        fn as_any(&self) -> u8;
    }
    impl<T> Exporter for T {
        fn dims(&self) -> u8 {
            1
        }
        fn cell(&self) -> u8 {
            1
        }
        fn as_any(&self) -> u8 {
            1
        }
    }
    trait Declaring: Sized {
        #[allow(clippy::new_ret_no_self)]
        fn new() -> u8 {
            1
        }
        fn readonly(&self) -> u8 {
            1
        }
        fn format(&self) -> &'static str {
            "B"
        }
        fn shape(&self) -> u8 {
            1
        }
        fn extents(self) -> u8 {
            1
        }
        fn offset(self) -> u8 {
            1
        }
        fn strides(&self) -> u8 {
            1
        }
        fn steps(self) -> u8 {
            1
        }
    }
    impl<T> Declaring for T {}
    macro_rules! submit_slots {
        () => {};
    }
    macro_rules! compile_error {
        () => {};
    }
    submit_slots!();
    compile_error!();

    #[derive(::buffer_runtime::ExportBuffer)]
    #[::pyo3::pyclass]
    struct Samples {
        #[buffer(shape = [_, self.dims(), self.cell(), self.as_any(), 1])]
        data: ::buffer_runtime::ExportCell<::std::vec::Vec<f32>>,
    }

    #[::pyo3::pymethods]
    impl Samples {
        #[new]
        fn new() -> Self {
            Self { data: ::buffer_runtime::ExportCell::new(::std::vec::Vec::new()) }
        }
    }

    #[derive(::buffer_runtime::ExportBuffer)]
    #[::pyo3::pyclass]
    struct Items {
        #[buffer(
            shape = [self.dims(); 2],
            strides = [self.shape(); 2],
            format = self.format(),
            readonly = self.readonly() == 1,
        )]
        data: ::buffer_runtime::ExportCell<::std::vec::Vec<u8>>,
    }

    #[::pyo3::pymethods]
    impl Items {
        #[new]
        fn new() -> Self {
            Self { data: ::buffer_runtime::ExportCell::new(::std::vec::Vec::new()) }
        }
    }
}

/// A pattern that is a name would mean a constant of that name.
mod constants_of_any_name {
    #![allow(dead_code, non_upper_case_globals)]

    use buffer_runtime::{BufferElement, ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    const class: u8 = 1;
    const field: u8 = 1;
    const cell: u8 = 1;
    const value: u8 = 1;
    const given: u8 = 1;
    const arrived: u8 = 1;
    static record: u8 = 1;
    static dims: u8 = 1;

    #[derive(Clone, Copy, BufferElement)]
    #[repr(C)]
    struct Item {
        value: f32,
        field: [u8; 4],
    }

    #[derive(ExportBuffer)]
    #[buffer(pickle)]
    #[pyclass(frozen)]
    struct Samples {
        n: usize,
        #[buffer(shape = [_, self.n])]
        data: ExportCell<Vec<Item>>,
        #[buffer(get, shape = [self.n + 1])]
        cell: ExportCell<Vec<f32>>,
        #[buffer(default)]
        class: Option<Py<PyAny>>,
    }
}

/// In the type of a field, `Self` is the class.
mod self_in_types {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    #[derive(ExportBuffer)]
    #[pyclass(frozen)]
    struct Samples {
        #[buffer(format = "f")]
        data: ExportCell<[u8; Self::BYTES]>,
    }

    impl Samples {
        const BYTES: usize = 16;
    }

    #[pymethods]
    impl Samples {
        #[new]
        fn new() -> Self {
            Self { data: ExportCell::new([0; Self::BYTES]) }
        }
    }
}

/// A class may have the name of the type in which PyO3 collects slots.
mod names_of_pyo3s {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    #[derive(ExportBuffer)]
    #[pyclass(frozen)]
    struct Inventory {
        data: ExportCell<[u8; 4]>,
    }
}

#[no_implicit_prelude]
mod without_prelude {
    #[derive(::buffer_runtime::ExportBuffer)]
    #[::pyo3::pyclass]
    struct Samples {
        n: usize,
        #[buffer(shape = [_, self.n, 3], readonly)]
        data: ::buffer_runtime::ExportCell<::std::vec::Vec<f32>>,
    }

    #[::pyo3::pymethods]
    impl Samples {
        #[new]
        fn new() -> Self {
            Self { n: 1, data: ::buffer_runtime::ExportCell::new(::std::vec::Vec::new()) }
        }
    }

    #[derive(::buffer_runtime::ExportBuffer)]
    #[::pyo3::pyclass]
    struct Items {
        sealed: bool,
        format: ::std::string::String,
        dims: ::std::vec::Vec<usize>,
        #[buffer(shape = self.dims, strides = [1], format = self.format, readonly = self.sealed)]
        data: ::buffer_runtime::ExportCell<::std::vec::Vec<u8>>,
    }

    #[::pyo3::pymethods]
    impl Items {
        #[new]
        fn new() -> Self {
            Self {
                sealed: false,
                format: ::std::string::String::new(),
                dims: ::std::vec::Vec::new(),
                data: ::buffer_runtime::ExportCell::new(::std::vec::Vec::new()),
            }
        }
    }
}
