//! The expansion compiles wherever a user may put it, and trips no lint that the user has switched on.
//!
//! All claims here are the compiler's to judge: a module is a claim, and there is nothing to run.

#![deny(unsafe_code)]
#![deny(
    warnings,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    let_underscore_drop,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_local_definitions,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unnameable_types,
    unreachable_pub,
    unused,
    unused_import_braces,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![deny(clippy::all, clippy::pedantic)]

mod either_attribute_first {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    #[derive(ExportBuffer)]
    #[pyclass]
    struct DeriveFirst {
        data: ExportCell<Vec<f32>>,
    }

    #[pymethods]
    impl DeriveFirst {
        #[new]
        fn new() -> Self {
            Self { data: ExportCell::new(Vec::new()) }
        }
    }

    #[pyclass(frozen)]
    #[derive(ExportBuffer)]
    struct ClassFirst {
        ncols: usize,
        #[buffer(shape = [_, self.ncols])]
        data: ExportCell<Vec<f32>>,
    }

    #[pymethods]
    impl ClassFirst {
        #[new]
        fn new() -> Self {
            Self { ncols: 3, data: ExportCell::new(Vec::new()) }
        }
    }
}

mod tuple_struct {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    #[derive(ExportBuffer)]
    #[pyclass]
    struct Samples(ExportCell<Vec<f32>>);

    #[pymethods]
    impl Samples {
        #[new]
        fn new() -> Self {
            Self(ExportCell::new(Vec::new()))
        }
    }

    #[derive(ExportBuffer)]
    #[pyclass]
    struct Matrix(usize, #[buffer(shape = [_, self.0], order = "F")] ExportCell<Vec<f32>>);

    #[pymethods]
    impl Matrix {
        #[new]
        fn new() -> Self {
            Self(3, ExportCell::new(Vec::new()))
        }
    }
}

/// A type by another name has to be marked, and may be generic.
mod alias {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    type Samples<T> = ExportCell<Box<[T]>>;

    #[derive(ExportBuffer)]
    #[pyclass]
    struct Sound {
        #[buffer(readonly)]
        samples: Samples<i16>,
    }

    #[pymethods]
    impl Sound {
        #[new]
        fn new() -> Self {
            Self { samples: Samples::new(Box::default()) }
        }
    }
}

mod renamed_crate {
    use super::facade;
    use pyo3::prelude::*;

    mod buffer_runtime {}

    #[derive(facade::runtime::ExportBuffer)]
    #[buffer(crate = "super::facade::runtime")]
    #[pyclass]
    struct Samples {
        data: facade::runtime::ExportCell<[f64; 4]>,
    }

    #[pymethods]
    impl Samples {
        #[new]
        fn new() -> Self {
            Self { data: facade::runtime::ExportCell::new([0.0; 4]) }
        }
    }
}

mod facade {
    pub(crate) use buffer_runtime as runtime;
}

#[path = "hygiene/names.rs"]
mod names;

/// Fields that are configured away count neither as fields nor as positions.
mod configured_fields {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    #[derive(ExportBuffer)]
    #[pyclass]
    struct Samples {
        #[cfg(not(test))]
        #[buffer]
        data: ExportCell<Vec<Missing>>,
        #[cfg(test)]
        #[cfg_attr(test, buffer(shape = [_, 1]))]
        data: ExportCell<Vec<f32>>,
    }

    #[pymethods]
    impl Samples {
        #[new]
        fn new() -> Self {
            Self { data: ExportCell::new(Vec::new()) }
        }
    }

    #[pyclass]
    #[derive(ExportBuffer)]
    struct Row(#[cfg(not(test))] ExportCell<Vec<Missing>>, ExportCell<Vec<f32>>);

    #[pymethods]
    impl Row {
        #[new]
        fn new() -> Self {
            Self(ExportCell::new(Vec::new()))
        }
    }
}

/// A class may be more visible than what it stores.
#[allow(unreachable_pub)]
pub mod visibility {
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    /// Documented, because it is public.
    #[derive(Debug, ExportBuffer)]
    #[pyclass]
    pub struct Public {
        /// How many columns there are.
        pub ncols: usize,
        /// The items.
        #[buffer(shape = [_, self.ncols])]
        pub data: ExportCell<Vec<f32>>,
    }

    #[pymethods]
    impl Public {
        #[new]
        fn new() -> Self {
            Self { ncols: 1, data: ExportCell::new(Vec::new()) }
        }
    }

    #[derive(ExportBuffer)]
    #[pyclass]
    pub(crate) struct InCrate {
        data: ExportCell<Vec<f32>>,
    }

    #[pymethods]
    impl InCrate {
        #[new]
        fn new() -> Self {
            Self { data: ExportCell::new(Vec::new()) }
        }
    }

    mod inner {
        use buffer_runtime::{ExportBuffer, ExportCell};
        use pyo3::prelude::*;

        #[derive(ExportBuffer)]
        #[pyclass]
        pub(in super::super) struct InParent {
            pub(super) data: ExportCell<Vec<f32>>,
        }

        #[pymethods]
        impl InParent {
            #[new]
            fn new() -> Self {
                Self { data: ExportCell::new(Vec::new()) }
            }
        }
    }
}

/// A class may be public where what it stores is not.
#[allow(unreachable_pub)]
pub mod private_storage {
    use std::ptr::NonNull;

    use buffer_runtime::{ExportBuffer, ExportCell, Storage};
    use pyo3::prelude::*;

    struct Frames(Vec<[i16; 2]>);

    // SAFETY: a Vec is a storage.
    #[allow(unsafe_code)]
    unsafe impl Storage for Frames {
        type Element = [i16; 2];

        unsafe fn raw(this: *mut Self) -> (NonNull<[i16; 2]>, usize) {
            // SAFETY: the caller vouches for `this`.
            let frames = unsafe { &raw mut (*this).0 };
            // SAFETY: the caller vouches for `this`, and so for its field.
            unsafe { Storage::raw(frames) }
        }
    }

    /// Documented, because it is public.
    #[derive(Debug, ExportBuffer)]
    #[pyclass]
    pub struct Sound {
        frames: ExportCell<Frames>,
    }

    #[pymethods]
    impl Sound {
        #[new]
        fn new() -> Self {
            Self { frames: ExportCell::new(Frames(Vec::new())) }
        }
    }
}

/// The class and the field warn where the user names them, not where the expansion does.
mod deprecated_items {
    #![allow(deprecated, reason = "PyO3's expansion names them")]
    use buffer_runtime::{ExportBuffer, ExportCell};
    use pyo3::prelude::*;

    #[deprecated]
    #[derive(ExportBuffer)]
    #[pyclass]
    struct Samples {
        #[deprecated]
        data: ExportCell<Vec<f32>>,
    }

    #[pymethods]
    impl Samples {
        #[new]
        fn new() -> Self {
            Self { data: ExportCell::new(Vec::new()) }
        }
    }
}

mod inside_a_function {
    #[test]
    fn local_class_compiles() {
        use buffer_runtime::{ExportBuffer, ExportCell};
        use pyo3::prelude::*;

        #[derive(ExportBuffer)]
        #[pyclass]
        struct Local {
            data: ExportCell<[u8; 3]>,
        }

        #[pymethods]
        impl Local {
            #[new]
            fn new() -> Self {
                Self { data: ExportCell::new([1, 2, 3]) }
            }
        }
    }
}

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

/// A class with an `__array__` of its own, and with methods that are called like the trait's.
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
