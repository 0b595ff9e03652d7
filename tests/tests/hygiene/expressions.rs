//! What a user may write for the numbers of a layout.

/// Every kind of extent: the expression is the user's, and sees what the user's code would see.
mod extents {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::exceptions::PyValueError;
    use pyo3::prelude::*;

    const ONE: u32 = 1;
    static TWO: i64 = 2;

    #[derive(ExportBuffer)]
    #[pyclass]
    struct Everything {
        small: u8,
        signed: isize,
        list: Vec<usize>,
        #[buffer(shape = [
            _,
            1,
            0x2,
            3_000_000_000,
            ONE,
            TWO,
            Self::FIVE,
            <Self as Six>::SIX,
            self.small,
            self.signed,
            self.small as usize,
            (self.signed) as i64,
            self.list[0],
            self.list.len() * 2,
            self.method(),
            self.fallible()?,
            self.list.iter().map(|n| n * self.list.len()).sum::<usize>(),
            if self.list.is_empty() { 1 } else { 2 },
            usize::from(self.small),
        ])]
        data: ExportCell<Vec<f32>>,
    }

    trait Six {
        const SIX: u16;
    }

    impl Six for Everything {
        const SIX: u16 = 6;
    }

    impl Everything {
        const FIVE: usize = 5;

        fn method(&self) -> usize {
            self.list.len()
        }

        fn fallible(&self) -> PyResult<u64> {
            self.small.checked_sub(1).map(u64::from).ok_or_else(|| PyValueError::new_err("too small"))
        }
    }

    #[pymethods]
    impl Everything {
        #[new]
        fn new() -> Self {
            Self { small: 1, signed: 1, list: vec![1], data: ExportCell::new(Vec::new()) }
        }
    }
}

/// A class with an `__array__` of its own, and with methods that have the names of the trait's methods.
mod methods_of_the_users {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::exceptions::PyTypeError;
    use pyo3::prelude::*;

    #[derive(ExportBuffer)]
    #[buffer(no_array)]
    #[pyclass]
    struct Samples {
        #[buffer(shape = [_, self.dims()])]
        data: ExportCell<Vec<f32>>,
    }

    impl Samples {
        fn dims(&self) -> usize {
            self.cell()
        }

        fn cell(&self) -> usize {
            self.data.views()
        }
    }

    #[pymethods]
    impl Samples {
        #[new]
        fn new() -> Self {
            Self { data: ExportCell::new(Vec::new()) }
        }

        fn __array__(&self) -> PyResult<Py<PyAny>> {
            Err(PyTypeError::new_err(format!("{} views", self.data.views())))
        }
    }
}

/// Every kind of stride and offset, as for extents.
mod strides_and_offset {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::exceptions::PyValueError;
    use pyo3::prelude::*;

    const ITEM: i32 = 4;

    #[derive(ExportBuffer)]
    #[pyclass]
    struct Everything {
        step: i16,
        start: u64,
        #[buffer(
            shape = [1, 1, 1, 1, 1, 1, 1, 1, 1],
            strides = [
                4,
                -4,
                0,
                -3_000_000_000,
                ITEM,
                Self::ROW,
                self.step,
                -self.step as isize,
                self.method() * 2,
            ],
            offset = self.fallible()?,
        )]
        data: ExportCell<Vec<f32>>,
    }

    impl Everything {
        const ROW: isize = -12;

        fn method(&self) -> i64 {
            i64::from(self.step)
        }

        fn fallible(&self) -> PyResult<u64> {
            self.start.checked_mul(4).ok_or_else(|| PyValueError::new_err("too far"))
        }
    }

    #[pymethods]
    impl Everything {
        #[new]
        fn new() -> Self {
            Self { step: 4, start: 0, data: ExportCell::new(Vec::new()) }
        }
    }

    #[derive(ExportBuffer)]
    #[pyclass(frozen)]
    struct Tail(usize, #[buffer(shape = [_, 3], offset = self.0, order = "F")] ExportCell<Vec<f32>>);

    #[pymethods]
    impl Tail {
        #[new]
        fn new() -> Self {
            Self(12, ExportCell::new(vec![0.0; 6]))
        }
    }

    macro_rules! reversed {
        ($name:ident, $stride:expr, $offset:expr) => {
            #[derive(ExportBuffer)]
            #[pyclass]
            struct $name {
                len: usize,
                #[buffer(shape = [self.len, 1], strides = [$stride, -4], offset = $offset)]
                data: ExportCell<Vec<f32>>,
            }

            #[pymethods]
            impl $name {
                #[new]
                fn new() -> Self {
                    Self { len: 3, data: ExportCell::new(vec![0.0; 3]) }
                }
            }
        };
    }

    reversed!(Reversed, -4, self.len * 4 - 4);
}

/// Literals that the compiler compares with the storage.
mod literals {
    use buffer_runtime::{Be, ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    macro_rules! class {
        ($name:ident, $storage:ty, $options:meta) => {
            #[derive(ExportBuffer)]
            #[pyclass]
            struct $name {
                #[$options]
                data: ExportCell<$storage>,
            }

            #[pymethods]
            impl $name {
                #[new]
                fn new() -> Self {
                    Self { data: ExportCell::new([Default::default(); 6].into()) }
                }
            }
        };
    }

    class!(Fills, [f32; 6], buffer(shape = [2, 3]));
    class!(Divides, [f32; 6], buffer(shape = [_, 3, 1]));
    class!(Behind, [f32; 6], buffer(shape = [5], offset = 4));
    class!(Backwards, [f32; 6], buffer(shape = [2, 3], strides = [-12, 4], offset = 12));
    class!(Columns, [f32; 6], buffer(shape = [2, 2], strides = [12, 8]));
    class!(OfBytes, [u8; 6], buffer(shape = [2], format = "<h", offset = 1));
    class!(OfArrays, [[Be<u16>; 2]; 6], buffer(shape = [3, 4]));
    class!(Unknown, Vec<f32>, buffer(shape = [4, 5]));
    class!(Empty, Vec<f64>, buffer(shape = [0, 3], strides = [-24, 8]));
}
