//! Classes of the elements that are not in `product`, as the list `ELEMENTS`: for each element a class over a vector of
//! it, one over a vector of triples of it, and a read-only one. (All classes of `bool` are read-only.)
//!
//! A class is `Class(values)`; `get(index)` and `set(index, value)` access the elements in Rust, while views may be
//! alive.

use buffer_runtime::{Be, Bytes, Le};
use half::f16;
use num_complex::Complex;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// How Python's tests find a class: `("be_u32", "triples", <class>)`.
type Entry<'py> = (&'static str, &'static str, Bound<'py, PyType>);

/// `name: [classes] element as what Python passes and gets, and the functions from the one to the other and back`.
macro_rules! elements {
    ($($name:ident: [$($kind:ident)*] $element:ty as $value:ty, $to:expr, $from:expr;)*) => {
        $(mod $name {
            #[allow(clippy::wildcard_imports, reason = "whatever the table names")]
            use super::*;

            $(class!($kind, $element, $value, $to, $from);)*
        })*

        pub(super) fn classes(py: Python<'_>) -> Vec<Entry<'_>> {
            vec![$($((stringify!($name), stringify!($kind), py.get_type::<$name::$kind::Exporter>()),)*)*]
        }
    };
}

/// An item of the vector is the value itself, or an array of three copies of the value.
macro_rules! class {
    (plain, $element:ty, $($rest:tt)*) => {
        class!(@ plain [] $element, $element, $($rest)*);
    };
    (readonly, $element:ty, $($rest:tt)*) => {
        class!(@ readonly [readonly] $element, $element, $($rest)*);
    };
    (triples, $element:ty, $($rest:tt)*) => {
        class!(@ triples [] [$element; 3], $element, $($rest)*);
    };
    (readonly_triples, $element:ty, $($rest:tt)*) => {
        class!(@ readonly_triples [readonly] [$element; 3], $element, $($rest)*);
    };
    (@ $kind:ident [$($option:ident)?] $item:ty, $element:ty, $value:ty, $to:expr, $from:expr) => {
        pub(super) mod $kind {
            use buffer_runtime::{ExportBuffer, ExportCell};

            #[allow(clippy::wildcard_imports, reason = "whatever the table names")]
            use super::*;

            #[derive(ExportBuffer)]
            #[pyclass(frozen)]
            pub(in super::super) struct Exporter {
                #[buffer($($option)?)]
                data: ExportCell<Vec<$item>>,
            }

            fn item(value: $value) -> $item {
                let element: fn($value) -> $element = $from;
                element(value).into_item()
            }

            #[pymethods]
            impl Exporter {
                #[new]
                fn new(values: Vec<$value>) -> Self {
                    Self { data: ExportCell::new(values.into_iter().map(item).collect()) }
                }

                fn get(&self, py: Python<'_>, index: usize) -> PyResult<$value> {
                    let value: fn($element) -> $value = $to;
                    Ok(value(<$element>::of_item(self.data.share(py)?.get(index))))
                }

                fn set(&self, py: Python<'_>, index: usize, value: $value) -> PyResult<()> {
                    self.data.share(py)?.set(index, item(value));
                    Ok(())
                }
            }
        }
    };
}

/// Converts an element to an item of the vector and back: the item is the element itself, or an array of it.
trait Repeat<Item>: Sized {
    fn into_item(self) -> Item;

    fn of_item(item: Item) -> Self;
}

impl<T> Repeat<T> for T {
    fn into_item(self) -> T {
        self
    }

    fn of_item(item: T) -> T {
        item
    }
}

impl<T: Copy> Repeat<[T; 3]> for T {
    fn into_item(self) -> [T; 3] {
        [self; 3]
    }

    fn of_item([_, _, last]: [T; 3]) -> T {
        last
    }
}

/// Numbers in both byte orders.
macro_rules! ordered {
    ($($scalar:ident: $be:ident $le:ident;)*) => {
        elements! {
            $(
                $be: [plain readonly triples] Be<$scalar> as $scalar, Be::get, Be::from;
                $le: [plain readonly triples] Le<$scalar> as $scalar, Le::get, Le::from;
            )*
            boolean: [readonly readonly_triples] bool as bool, std::convert::identity, std::convert::identity;
            float16: [plain readonly triples] f16 as f32, f16::to_f32, f16::from_f32;
            be_float16: [plain triples] Be<f16> as f32, |item: Be<f16>| item.get().to_f32(), |value| f16::from_f32(value).into();
            complex64: [plain readonly triples] Complex<f32> as (f32, f32), parts, from_parts;
            complex128: [plain readonly triples] Complex<f64> as (f64, f64), parts, from_parts;
            be_complex64: [plain triples] Be<Complex<f32>> as (f32, f32), |item: Be<_>| parts(item.get()), |value| {
                from_parts(value).into()
            };
            le_complex128: [plain] Le<Complex<f64>> as (f64, f64), |item: Le<_>| parts(item.get()), |value| {
                from_parts(value).into()
            };
            bytes5: [plain readonly triples] Bytes<5> as [u8; 5], |item: Bytes<5>| item.0, Bytes;
            bytes1: [plain] Bytes<1> as [u8; 1], |item: Bytes<1>| item.0, Bytes;
            bytes1000: [plain] Bytes<1000> as [u8; 1000], |item: Bytes<1000>| item.0, Bytes;
        }
    };
}

ordered! {
    i8: be_i8 le_i8;
    u8: be_u8 le_u8;
    i16: be_i16 le_i16;
    u16: be_u16 le_u16;
    i32: be_i32 le_i32;
    u32: be_u32 le_u32;
    i64: be_i64 le_i64;
    u64: be_u64 le_u64;
    isize: be_isize le_isize;
    usize: be_usize le_usize;
    f32: be_f32 le_f32;
    f64: be_f64 le_f64;
}

fn parts<T>(value: Complex<T>) -> (T, T) {
    (value.re, value.im)
}

fn from_parts<T>((re, im): (T, T)) -> Complex<T> {
    Complex { re, im }
}
