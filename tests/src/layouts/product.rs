//! All combinations of storage, layout and element, each a class `Class(content, *shape)`.
//!
//! A storage of fixed length has 24 scalars, which allows shapes of every kind.

use pyo3::prelude::*;
use pyo3::types::PyType;

/// How Python's tests find a class: `("vec", "c2", "f32", <class>)`.
type Entry<'py> = (&'static str, &'static str, &'static str, Bound<'py, PyType>);

type Vector<T> = Vec<T>;
type Boxed<T> = Box<[T]>;
type Array<T> = [T; 24];
type VectorOfTriples<T> = Vec<[T; 3]>;
type VectorOfTables<T> = Vec<[[T; 2]; 3]>;
type Table<T> = [[T; 4]; 6];

macro_rules! every_element {
    ($($element:ident)*) => {
        $(mod $element {
            every_storage! { $element:
                vec: Vector, boxed: Boxed, array: Array,
                vec_of_triples: VectorOfTriples, vec_of_tables: VectorOfTables, table: Table
            }
        })*

        pub(super) fn classes(py: Python<'_>) -> PyResult<Vec<Entry<'_>>> {
            let mut classes = Vec::new();
            $($element::add_to(&mut classes, py);)*
            Ok(classes)
        }
    };
}

macro_rules! every_storage {
    ($element:ident: $($name:ident: $storage:ident),*) => {
        use super::{Entry, Python};

        $(mod $name {
            type Storage = super::super::$storage<$element>;

            every_layout!($element, $name);
        })*

        pub(super) fn add_to<'py>(classes: &mut Vec<Entry<'py>>, py: Python<'py>) {
            $($name::add_to(classes, py);)*
        }
    };
}

macro_rules! every_layout {
    ($element:ident, $storage:ident) => {
        use super::{Entry, Python};

        class!(natural []);
        class!(readonly [] readonly);
        class!(c2 [rows columns] shape = [self.rows, self.columns]);
        class!(c3 [planes rows columns] shape = [self.planes, self.rows, self.columns]);
        class!(f2 [rows columns] shape = [self.rows, self.columns], order = "F");
        class!(f3 [planes rows columns] shape = [self.planes, self.rows, self.columns], order = "F");

        pub(super) fn add_to<'py>(classes: &mut Vec<Entry<'py>>, py: Python<'py>) {
            every_layout!(@add [$element $storage] classes, py: natural readonly c2 c3 f2 f3);
        }
    };
    (@add [$element:ident $storage:ident] $classes:ident, $py:ident: $($layout:ident)*) => {
        $($classes.push((
            stringify!($storage),
            stringify!($layout),
            stringify!($element),
            $py.get_type::<$layout::Exporter>(),
        ));)*
    };
}

macro_rules! class {
    ($layout:ident [$($extent:ident)*] $($option:tt)*) => {
        mod $layout {
            use buffer_runtime::{ExportBuffer, ExportCell};
            use pyo3::prelude::*;

            use super::Storage;
            use crate::layouts::content::Content;

            #[derive(ExportBuffer)]
            #[pyclass(frozen)]
            pub(super) struct Exporter {
                $($extent: usize,)*
                #[buffer($($option)*)]
                data: ExportCell<Storage>,
            }

            #[pymethods]
            impl Exporter {
                #[new]
                fn new(content: &[u8], $($extent: usize),*) -> PyResult<Self> {
                    Ok(Self { $($extent,)* data: ExportCell::new(Storage::from_bytes(content)?) })
                }

                fn replace(&self, py: Python<'_>, content: &[u8]) -> PyResult<()> {
                    *self.data.write(py)? = Storage::from_bytes(content)?;
                    Ok(())
                }

                fn views(&self) -> usize {
                    self.data.views()
                }
            }
        }
    };
}

every_element!(i8 u8 i16 u16 i32 u32 i64 u64 isize usize f32 f64);
