//! What a user may write for what is known only at run time.

/// Every kind of slice: fields are not moved, and the expression sees what the user's code would see.
mod slices {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::exceptions::PyValueError;
    use pyo3::prelude::*;

    const DIMS: [u32; 2] = [2, 3];
    static STRIDES: &[i64] = &[12, 4];

    macro_rules! class {
        ($name:ident, $(#[$($options:tt)*])?) => {
            #[derive(ExportBuffer)]
            #[pyclass]
            #[allow(dead_code)]
            struct $name {
                len: usize,
                array: [u16; 2],
                vec: Vec<isize>,
                boxed: Box<[u64]>,
                nested: Vec<Vec<i8>>,
                $(#[$($options)*])?
                data: ExportCell<Vec<f32>>,
            }

            #[allow(dead_code)]
            impl $name {
                const STRIDES: [isize; 2] = [12, 4];

                fn borrowed(&self) -> &[isize] {
                    &self.vec
                }

                fn owned(&self) -> Vec<usize> {
                    vec![self.len; 2]
                }

                fn fallible(&self) -> PyResult<[usize; 2]> {
                    self.len.checked_sub(1).map(|rows| [rows, 1]).ok_or_else(|| PyValueError::new_err("no rows"))
                }
            }

            #[pymethods]
            impl $name {
                #[new]
                fn new() -> Self {
                    Self {
                        len: 1,
                        array: [1; 2],
                        vec: vec![],
                        boxed: Box::default(),
                        nested: vec![],
                        data: ExportCell::new(Vec::new()),
                    }
                }
            }
        };
    }

    class!(Array, #[buffer(shape = self.array, strides = Self::STRIDES)]);
    class!(Vector, #[buffer(shape = self.vec, strides = &self.vec)]);
    class!(Boxed, #[buffer(shape = self.boxed, order = "F", offset = self.len * 4)]);
    class!(Sliced, #[buffer(shape = &self.vec[1..], strides = self.vec[1..])]);
    class!(Nested, #[buffer(shape = self.nested[0], strides = &self.nested[1])]);
    class!(Owned, #[buffer(shape = self.owned(), strides = self.borrowed())]);
    class!(Fallible, #[buffer(shape = self.fallible()?, strides = self.fallible()?)]);
    class!(Constant, #[buffer(shape = DIMS, strides = STRIDES)]);
    class!(Made, #[buffer(shape = vec![2, self.len], strides = [12, 4].map(|stride| stride * self.len))]);
    class!(Repeated, #[buffer(shape = [self.len; 3], strides = [4; 3])]);
    class!(Collected, #[buffer(shape = self.boxed.iter().map(|n| n * 2).collect::<Vec<_>>())]);
    class!(Chosen, #[buffer(shape = if self.len == 0 { &self.vec[..] } else { &self.vec[1..] })]);
    class!(Parenthesised, #[buffer(shape = (self.array), strides = { &self.vec })]);
    class!(Listed, #[buffer(shape = [self.len, 3], strides = self.vec, offset = 0)]);
    class!(Stepped, #[buffer(shape = self.vec, strides = [-12, self.len])]);
    class!(Scalar, #[buffer(shape = [], offset = self.len)]);
    class!(Point, #[buffer(shape = [], strides = [])]);
}

/// Every kind of format and condition.
mod formats {
    use std::borrow::Cow;

    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::exceptions::PyValueError;
    use pyo3::prelude::*;

    const FORMAT: &str = "d";

    macro_rules! class {
        ($name:ident, $(#[$($options:tt)*])?) => {
            #[derive(ExportBuffer)]
            #[pyclass]
            #[allow(dead_code)]
            struct $name {
                wide: bool,
                text: String,
                cow: Cow<'static, str>,
                $(#[$($options)*])?
                data: ExportCell<Vec<u8>>,
            }

            #[allow(dead_code)]
            impl $name {
                const SEALED: bool = false;

                fn borrowed(&self) -> &str {
                    &self.text
                }

                fn fallible(&self) -> PyResult<&'static str> {
                    self.wide.then_some(FORMAT).ok_or_else(|| PyValueError::new_err("narrow"))
                }
            }

            #[pymethods]
            impl $name {
                #[new]
                fn new() -> Self {
                    Self {
                        wide: true,
                        text: "d".to_owned(),
                        cow: "d".into(),
                        data: ExportCell::new(vec![0; 48]),
                    }
                }
            }
        };
    }

    class!(Literal, #[buffer(format = "d")]);
    class!(Field, #[buffer(format = self.text, shape = [_, 3])]);
    class!(Reference, #[buffer(format = &self.text, shape = [2, _], order = "F")]);
    class!(Borrowed, #[buffer(format = self.borrowed(), shape = [], offset = 8)]);
    class!(Fallible, #[buffer(format = self.fallible()?, readonly)]);
    class!(Copied, #[buffer(format = self.cow, readonly = self.wide)]);
    class!(Constant, #[buffer(format = FORMAT, readonly = Self::SEALED)]);
    class!(Made, #[buffer(format = self.text.repeat(self.text.len()), shape = vec![self.text.len()])]);
    class!(Chosen, #[buffer(format = if self.wide { "d" } else { "f" }, readonly = !self.wide)]);
    class!(Sealed, #[buffer(readonly = self.fallible()? == FORMAT, shape = [_, 2])]);
    class!(Sized, #[buffer(readonly = self.text.is_empty())]);
}

/// Outside of macros, where lints apply: the expansion takes a reference, and no lint may call it needless.
mod no_macro_between {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::exceptions::PyValueError;
    use pyo3::prelude::*;

    #[derive(ExportBuffer)]
    #[pyclass]
    struct Copied {
        dims: [usize; 2],
        strides: [isize; 2],
        sealed: bool,
        #[buffer(shape = self.dims, strides = self.strides, format = "d", readonly = self.sealed)]
        data: ExportCell<Vec<u8>>,
    }

    #[pymethods]
    impl Copied {
        #[new]
        fn new() -> Self {
            Self { dims: [1; 2], strides: [8; 2], sealed: false, data: ExportCell::new(vec![0; 8]) }
        }
    }

    #[derive(ExportBuffer)]
    #[pyclass]
    struct Owned {
        dims: Vec<usize>,
        format: String,
        #[buffer(shape = self.dims, strides = self.strides(), format = self.format)]
        data: ExportCell<Vec<u8>>,
    }

    impl Owned {
        fn strides(&self) -> [usize; 2] {
            [self.dims[0], 8]
        }
    }

    #[pymethods]
    impl Owned {
        #[new]
        fn new() -> Self {
            Self { dims: vec![1; 2], format: "d".to_owned(), data: ExportCell::new(vec![0; 8]) }
        }
    }

    #[derive(ExportBuffer)]
    #[pyclass]
    struct Borrowed {
        dims: Vec<usize>,
        strides: Box<[isize]>,
        text: String,
        #[buffer(shape = &self.dims, strides = &self.strides[1..], format = self.format(), readonly = !self.is_open())]
        data: ExportCell<Vec<u8>>,
    }

    impl Borrowed {
        fn format(&self) -> &str {
            &self.text
        }

        fn is_open(&self) -> bool {
            self.text.is_empty()
        }
    }

    #[pymethods]
    impl Borrowed {
        #[new]
        fn new() -> Self {
            let strides = vec![0, 8].into_boxed_slice();
            Self { dims: vec![1], strides, text: "d".to_owned(), data: ExportCell::new(vec![0; 8]) }
        }
    }

    #[derive(ExportBuffer)]
    #[pyclass]
    struct Made {
        sealed: bool,
        #[buffer(shape = self.dims(), format = self.format()?, readonly = self.sealed)]
        data: ExportCell<Vec<u8>>,
    }

    impl Made {
        fn dims(&self) -> Vec<usize> {
            vec![self.data.views()]
        }

        fn format(&self) -> PyResult<String> {
            self.sealed.then(|| "d".to_owned()).ok_or_else(|| PyValueError::new_err("open"))
        }
    }

    #[pymethods]
    impl Made {
        #[new]
        fn new() -> Self {
            Self { sealed: false, data: ExportCell::new(vec![0; 8]) }
        }
    }
}

/// `self` from the macro and from its caller, and lists that its caller wrote.
mod generated_by_macro {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    macro_rules! items {
        ($name:ident, $readonly:expr, $format:expr, $shape:expr, $strides:expr) => {
            #[derive(ExportBuffer)]
            #[pyclass]
            #[allow(dead_code)]
            struct $name {
                sealed: bool,
                format: String,
                dims: Vec<usize>,
                #[buffer(
                                                                                            shape = $shape,
                                                                                            strides = $strides,
                                                                                            format = $format,
                                                                                            offset = self.dims.len(),
                                                                                            readonly = $readonly
                                                                                        )]
                data: ExportCell<Vec<u8>>,
            }

            #[pymethods]
            impl $name {
                #[new]
                fn new() -> Self {
                    Self { sealed: false, format: "d".to_owned(), dims: vec![1], data: ExportCell::new(vec![0; 16]) }
                }
            }
        };
    }

    items!(Caller, self.sealed, self.format, self.dims, [8]);
    items!(Listed, !self.sealed, "d", [self.dims[0], 1], &[8, 8][..]);
    items!(Sum, self.dims.len() > 1 || self.sealed, self.format.clone() + "", [self.dims.len()], [8]);
}

/// A part of another object, which may be less visible.
#[allow(unreachable_pub)]
pub mod parts {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    #[derive(ExportBuffer)]
    #[pyclass(frozen)]
    struct Whole {
        data: ExportCell<Vec<u8>>,
    }

    #[pymethods]
    impl Whole {
        #[new]
        fn new() -> Self {
            Self { data: ExportCell::new(vec![0; 16]) }
        }
    }

    /// Documented, because it is public.
    #[derive(Debug, ExportBuffer)]
    #[pyclass(frozen)]
    pub struct Half {
        #[buffer(shape = [2], format = "I", offset = 8)]
        whole: Py<Whole>,
    }

    #[pymethods]
    impl Half {
        #[new]
        fn new(whole: Py<Whole>) -> Self {
            Self { whole }
        }
    }

    #[derive(ExportBuffer)]
    #[pyclass]
    struct Items(#[buffer(shape = self.1, strides = self.2, readonly = self.2.is_empty())] Py<Whole>, Vec<u8>, Vec<i8>);

    #[pymethods]
    impl Items {
        #[new]
        fn new(whole: Py<Whole>) -> Self {
            Self(whole, vec![], vec![])
        }
    }
}
