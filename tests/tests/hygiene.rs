//! The expansion compiles wherever a user may put it, and triggers no lint that the user has enabled.
//!
//! The compiler checks all claims here: a module is a claim, and there is nothing to run.

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

/// A cell type with another name must be marked, and may be generic.
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

#[path = "hygiene/elements.rs"]
mod elements;
#[path = "hygiene/expressions.rs"]
mod expressions;
#[path = "hygiene/names.rs"]
mod names;
#[path = "hygiene/run_time.rs"]
mod run_time;

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

/// A class may be more visible than its storage.
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

/// A class may be public where its storage is not.
#[allow(unreachable_pub)]
pub mod private_storage {
    use std::ptr::NonNull;

    use buffer_runtime::{ExportBuffer, ExportCell, ReadWrite, Storage};
    use pyo3::prelude::*;

    struct Frames(Vec<[i16; 2]>);

    // SAFETY: a Vec is a storage.
    #[allow(unsafe_code)]
    unsafe impl Storage for Frames {
        type Element = [i16; 2];
        type Access = ReadWrite;

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
