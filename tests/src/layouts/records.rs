//! Records of every form, and a class of each: `Class(count)`.
//!
//! Item 0 is an example with a different value in each field; the others are all zeros. `same(i, j)` returns whether
//! two items are equal in Rust, `copy(i, j)` copies one to another in Rust.

use std::marker::PhantomData;

use buffer_runtime::{Be, BufferElement, Bytes, ExportBuffer, ExportCell, Le};
use half::f16;
use num_complex::Complex;
use pyo3::prelude::*;

macro_rules! classes {
    ($($class:ident: $record:ty = $example:expr $(, $option:ident)?;)*) => {
        $(
            #[derive(ExportBuffer)]
            #[pyclass(frozen)]
            struct $class {
                #[buffer($($option)?)]
                data: ExportCell<Vec<$record>>,
            }

            #[pymethods]
            impl $class {
                #[new]
                fn new(count: usize) -> Self {
                    let mut items = vec![<$record>::default(); count];
                    if let Some(first) = items.first_mut() {
                        *first = $example;
                    }
                    Self { data: ExportCell::new(items) }
                }

                fn same(&self, py: Python<'_>, i: usize, j: usize) -> PyResult<bool> {
                    let items = self.data.share(py)?;
                    Ok(items.get(i) == items.get(j))
                }

                fn copy(&self, py: Python<'_>, i: usize, j: usize) -> PyResult<()> {
                    let items = self.data.share(py)?;
                    items.set(j, items.get(i));
                    Ok(())
                }

                fn views(&self) -> usize {
                    self.data.views()
                }
            }
        )*

        pub(super) fn add(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add_class::<$class>()?;)*
            Ok(())
        }
    };
}

#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C)]
struct Named {
    id: u32,
    kind: u8,
    _pad: [u8; 3],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C)]
struct Unnamed {
    id: u32,
    #[buffer(padding)]
    _pad: [u16; 2],
    #[buffer(rename = "type")]
    kind: u8,
    #[buffer(padding)]
    _rest: [u8; 3],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C)]
struct Vector {
    x: f32,
    y: f32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C)]
struct Nested {
    time: f64,
    origin: Vector,
    corners: [[Vector; 2]; 3],
    cells: [[i16; 3]; 2],
    packed: Packed,
    rest: [u8; 9],
}

/// Every field that can be unaligned is unaligned.
#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C, packed)]
struct Packed {
    kind: u8,
    charge: f64,
    port: Be<u16>,
    at: Vector,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C)]
#[repr(packed(2))]
struct PackedByTwo {
    kind: u16,
    charge: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C)]
struct EveryScalar {
    i64: i64,
    u64: u64,
    isize: isize,
    usize: usize,
    f64: f64,
    be_f64: Be<f64>,
    complex128: Complex<f64>,
    complex64: Complex<f32>,
    i32: i32,
    u32: u32,
    f32: f32,
    be_i32: Be<i32>,
    le_u32: Le<u32>,
    be_complex64: Be<Complex<f32>>,
    #[buffer(as = [Le<f32>; 2])]
    parts: Complex<f32>,
    i16: i16,
    u16: u16,
    f16: f16,
    be_f16: Be<f16>,
    be_u16: [Be<u16>; 2],
    i8: i8,
    u8: u8,
    be_i8: Be<i8>,
    bytes: Bytes<3>,
    names: [Bytes<2>; 5],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C)]
struct WithBool {
    charge: f32,
    alive: bool,
    flags: [bool; 3],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C)]
struct Tuple(f32, #[buffer(rename = "second")] u32, [u8; 4]);

#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(transparent)]
struct Meters(f32);

#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(transparent)]
struct Quantity<T, Unit: 'static + Send + Sync> {
    value: T,
    unit: PhantomData<Unit>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Second;

/// A record, where `Meters` is a scalar.
#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C)]
struct Single {
    value: Meters,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C)]
struct Pair<A, B> {
    first: A,
    second: [B; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, BufferElement)]
#[repr(C)]
struct Row<T, const N: usize>
where
    T: Default,
{
    values: [T; N],
    count: u32,
}

impl<T: Default + Copy, const N: usize> Default for Row<T, N> {
    fn default() -> Self {
        Self { values: [T::default(); N], count: 0 }
    }
}

/// Names that are not ASCII, not identifiers, or a keyword.
#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C)]
struct Names {
    größe: f32,
    #[buffer(rename = "in a box {f} = \"q\"")]
    boxed: f32,
    r#type: f32,
}

/// A format that is longer than most.
#[derive(Clone, Copy, Debug, Default, PartialEq, BufferElement)]
#[repr(C)]
struct Long {
    the_first_of_several_fields_that_have_names_of_some_length: [[Nested; 2]; 2],
    the_second_of_several_fields_that_have_names_of_some_length: [Nested; 3],
    the_third_of_several_fields_that_have_names_of_some_length: EveryScalar,
    _pad: [u8; 8],
    the_last_of_several_fields_that_have_names_of_some_length: EveryScalar,
    _rest: [u8; 8],
}

fn corner(x: i8) -> [Vector; 2] {
    [Vector { x: x.into(), y: 0.5 }, Vector { x: 0.5, y: x.into() }]
}

fn nested() -> Nested {
    Nested {
        time: 0.25,
        origin: Vector { x: 1.0, y: 2.0 },
        corners: [corner(1), corner(2), corner(3)],
        cells: [[1, 2, 3], [-4, -5, -6]],
        packed: packed(),
        rest: [1, 2, 3, 4, 5, 6, 7, 8, 9],
    }
}

fn packed() -> Packed {
    Packed { kind: 7, charge: 1.5, port: Be::new(443), at: Vector { x: 2.5, y: -2.5 } }
}

fn every_scalar() -> EveryScalar {
    EveryScalar {
        i64: i64::MIN,
        u64: u64::MAX,
        isize: isize::MIN,
        usize: usize::MAX,
        f64: 0.125,
        be_f64: Be::new(-0.125),
        complex128: Complex::new(1.5, -1.5),
        complex64: Complex::new(2.5, -2.5),
        i32: i32::MIN,
        u32: u32::MAX,
        f32: 0.5,
        be_i32: Be::new(-3),
        le_u32: Le::new(4),
        be_complex64: Be::new(Complex::new(3.5, -3.5)),
        parts: Complex::new(4.5, -4.5),
        i16: i16::MIN,
        u16: u16::MAX,
        f16: f16::from_f32(5.5),
        be_f16: Be::new(f16::from_f32(-5.5)),
        be_u16: [Be::new(1), Be::new(0x0203)],
        i8: i8::MIN,
        u8: u8::MAX,
        be_i8: Be::new(-5),
        bytes: Bytes(*b"abc"),
        names: [Bytes(*b"de"), Bytes(*b"f\0"), Bytes(*b"gh"), Bytes(*b"ij"), Bytes(*b"kl")],
    }
}

classes! {
    Nameds: Named = Named { id: 7, kind: 8, _pad: [1, 2, 3] };
    Unnameds: Unnamed = Unnamed { id: 7, _pad: [1, 2], kind: 8, _rest: [3, 4, 5] };
    Nesteds: Nested = nested();
    Packeds: Packed = packed();
    PackedsByTwo: PackedByTwo = PackedByTwo { kind: 7, charge: 1.5 };
    EveryScalars: EveryScalar = every_scalar();
    WithBools: WithBool = WithBool { charge: 1.5, alive: true, flags: [false, true, true] }, readonly;
    Tuples: Tuple = Tuple(1.5, 2, [3, 4, 5, 6]);
    Lengths: Meters = Meters(1.5);
    Durations: Quantity<f64, Second> = Quantity { value: 2.5, unit: PhantomData };
    Positions: Quantity<[Meters; 3], Second> = Quantity { value: [1.5, 2.5, 3.5].map(Meters), unit: PhantomData };
    Origins: Quantity<Vector, Second> = Quantity { value: Vector { x: 1.5, y: 2.5 }, unit: PhantomData };
    Singles: Single = Single { value: Meters(1.5) };
    Pairs: Pair<f32, u16> = Pair { first: 1.5, second: [2, 3] };
    PairsOfPairs: Pair<Pair<f32, u16>, Vector> =
        Pair { first: Pair { first: 1.5, second: [2, 3] }, second: corner(4) };
    Rows: Row<u16, 6> = Row { values: [1, 2, 3, 4, 5, 6], count: 6 };
    Tables: [[Named; 2]; 3] = [[Named { id: 7, kind: 8, _pad: [1, 2, 3] }; 2]; 3];
    NamesOfAllSorts: Names = Names { größe: 1.5, boxed: 2.5, r#type: 3.5 };
    Longs: Long = Long {
        the_first_of_several_fields_that_have_names_of_some_length: [[nested(); 2]; 2],
        the_second_of_several_fields_that_have_names_of_some_length: [nested(); 3],
        the_third_of_several_fields_that_have_names_of_some_length: every_scalar(),
        _pad: [1, 2, 3, 4, 5, 6, 7, 8],
        the_last_of_several_fields_that_have_names_of_some_length: every_scalar(),
        _rest: [8, 7, 6, 5, 4, 3, 2, 1],
    };
}
