//! Formats, sizes and bytes of elements, and the formats that are refused.

use std::marker::PhantomData;
use std::mem::offset_of;
use std::panic;

use super::const_text::ConstText;
use super::*;
use crate::BufferElement;
use crate::format::{Content, Format};

#[derive(Clone, Copy, Debug, PartialEq, BufferElement)]
#[buffer(crate = "crate")]
#[repr(C)]
struct Vector {
    x: f32,
    y: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, BufferElement)]
#[buffer(crate = "crate")]
#[repr(C)]
struct Particle {
    id: Be<u32>,
    #[buffer(rename = "type")]
    kind: u8,
    #[buffer(padding)]
    _pad: [u8; 3],
    corners: [[Vector; 3]; 2],
    alive: bool,
    name: Bytes<3>,
}

#[derive(Clone, Copy, BufferElement)]
#[buffer(crate = "crate")]
#[repr(C, packed)]
struct Packed<T, const N: usize> {
    before: u8,
    values: [T; N],
    marker: PhantomData<T>,
}

#[derive(Clone, Copy, BufferElement)]
#[buffer(crate = "crate")]
#[repr(transparent)]
struct Transparent([Vector; 2], PhantomData<u8>);

/// The format in an element's constants, after all checks of the element.
fn format<E: Element>() -> &'static str {
    check::<E>();
    E::FORMAT.to_str().expect("UTF-8")
}

#[test]
fn scalars_have_the_sizes_that_their_formats_say() {
    for (format, size) in [
        (format::<i8>(), 1),
        (format::<u16>(), 2),
        (format::<i32>(), 4),
        (format::<u64>(), 8),
        (format::<isize>(), size_of::<isize>()),
        (format::<f64>(), 8),
        (format::<bool>(), 1),
        (format::<Be<usize>>(), size_of::<usize>()),
        (format::<Le<i64>>(), 8),
        (format::<Bytes<1234>>(), 1234),
    ] {
        let format = std::ffi::CString::new(format).expect("no NUL");
        assert_eq!(code::size(&format), size, "{format:?}");
    }
}

#[test]
fn a_byte_order_is_in_the_format_where_there_is_one() {
    assert_eq!([format::<Be<u8>>(), format::<Le<i8>>()], ["B", "b"]);
    assert_eq!([format::<Be<u32>>(), format::<Le<u32>>()], [">I", "<I"]);
    assert_eq!([format::<Be<i64>>(), format::<Le<u64>>()], [">q", "<Q"]);
    assert_eq!([format::<Be<f64>>(), format::<Le<f32>>()], [">d", "<f"]);
    assert_eq!(format::<[Be<u16>; 3]>(), ">H");
}

#[test]
fn numbers_are_stored_in_the_order_that_they_say() {
    assert_eq!(bytemuck::bytes_of(&Be::new(0x0102_0304_u32)), [1, 2, 3, 4]);
    assert_eq!(bytemuck::bytes_of(&Le::new(0x0102_0304_u32)), [4, 3, 2, 1]);
    assert_eq!(bytemuck::bytes_of(&Be::new(1.5_f32)), 1.5_f32.to_be_bytes());
    assert_eq!(bytemuck::bytes_of(&Le::new(1.5_f64)), 1.5_f64.to_le_bytes());
    assert_eq!(bytemuck::bytes_of(&Be::new(-2_i8)), [0xfe]);
    assert_eq!(Be::new(f64::MIN_POSITIVE).get().to_bits(), f64::MIN_POSITIVE.to_bits());
    assert_eq!((align_of::<Be<u64>>(), size_of::<Le<u16>>()), (align_of::<u64>(), 2));
}

#[test]
fn the_bits_of_a_nan_pass_through_either_order() {
    for bits in [0x7f80_0001_u32, 0xffc1_2345] {
        assert_eq!(Be::new(f32::from_bits(bits)).get().to_bits(), bits);
        assert_eq!(Le::new(f32::from_bits(bits)).get().to_bits(), bits);
    }
}

#[test]
fn ordered_numbers_act_as_their_numbers() {
    let mut number = Be::<u16>::default();
    number.set(256);
    assert_eq!((number.get(), number.to_string(), format!("{number:?}")), (256, "256".into(), "Be(256)".into()));
    assert!(Be::from(256_u16) > Be::from(255));
    assert!(Le::new(256_u16) > Le::new(255));
    assert_ne!(Be::new(f32::NAN), Be::new(f32::NAN));
    assert_eq!(Be::new(0.0_f32), Be::new(-0.0));
}

#[test]
fn strings_are_padded_and_trimmed_at_their_end_alone() {
    assert_eq!(Bytes::<4>::padded(b"a\0b").map(|bytes| bytes.0), Some(*b"a\0b\0"));
    assert_eq!(Bytes(*b"\0a\0\0").trimmed(), b"\0a");
    assert_eq!(Bytes(*b"full").trimmed(), b"full");
    assert_eq!(Bytes::<3>::padded(b"").map(|bytes| bytes.trimmed().len()), Some(0));
    assert_eq!(Bytes::<3>::padded(b"four"), None);
    assert_eq!(format!("{:?}", Bytes(*b"a\"\xff")), r#"Bytes(b"a\"\xff")"#);
}

#[test]
fn a_record_names_its_fields_in_standard_sizes() {
    assert_eq!(format::<Particle>(), "T{>I:id:=B:type:3x(2,3)T{=f:x:=f:y:}:corners:=?:alive:=3s:name:}");
    assert_eq!(Particle::ITEMSIZE, size_of::<Particle>());
    assert!(Particle::SHAPE.extents().is_empty());
    assert_eq!(format::<[Packed<i64, 2>; 4]>(), "T{=B:before:(2)=q:values:}");
    assert_eq!(<Packed<u16, 3> as Element>::ITEMSIZE, 7);
}

/// Names, offsets and sizes of the fields, as `Format` reads them, after checks that every element's format must pass.
fn parsed<E: Element>() -> Vec<(String, usize, usize)> {
    let parsed = Format::parse(format::<E>()).expect("the derive writes formats");
    assert_eq!((parsed.as_c_str(), parsed.itemsize(), parsed.alignment()), (E::FORMAT, E::ITEMSIZE, 1));
    let again = Format::parse(&format!("{parsed}")).expect("what is printed is a format");
    assert!(again.same_layout(&parsed) && again.same_names(&parsed), "{again} {parsed}");
    let Content::Record(record) = parsed.item().content() else { panic!("{parsed} is no record") };
    assert_eq!(record.size(), E::ITEMSIZE);
    let fields = record.fields().iter();
    fields.map(|field| (field.name().unwrap_or_default().to_owned(), field.offset(), field.item().size())).collect()
}

/// The same from the compiler: `fields_of!(Struct: "name" field Type, ...)`.
macro_rules! fields_of {
    ($record:ty: $($name:literal $field:ident $type:ty),*) => {
        [$(($name.to_owned(), offset_of!($record, $field), size_of::<$type>())),*]
    };
}

#[test]
fn formats_of_records_parse_to_the_layout_that_the_compiler_chose() {
    assert_eq!(parsed::<Vector>(), fields_of!(Vector: "x" x f32, "y" y f32));
    assert_eq!(parsed::<Transparent>(), parsed::<Vector>());
    assert_eq!(
        parsed::<Particle>(),
        fields_of!(
            Particle: "id" id u32, "type" kind u8, "corners" corners [[Vector; 3]; 2], "alive" alive bool,
            "name" name [u8; 3]
        )
    );
    assert_eq!(parsed::<Packed<i64, 2>>(), fields_of!(Packed<i64, 2>: "before" before u8, "values" values [i64; 2]));
    assert_eq!(
        parsed::<Packed<Vector, 3>>(),
        fields_of!(Packed<Vector, 3>: "before" before u8, "values" values [Vector; 3])
    );
    assert_eq!(
        parsed::<[Packed<Packed<Be<u16>, 1>, 5>; 4]>(),
        fields_of!(Packed<Packed<Be<u16>, 1>, 5>: "before" before u8, "values" values [Packed<Be<u16>, 1>; 5])
    );
}

#[test]
fn formats_of_scalars_parse_to_their_size() {
    fn size<E: Element>() -> (usize, usize) {
        let parsed = Format::parse(format::<E>()).expect("elements have formats");
        assert!(matches!(parsed.item().content(), Content::Scalar(_)), "{parsed}");
        (parsed.itemsize(), parsed.leaves().count())
    }
    assert_eq!([size::<i8>(), size::<bool>(), size::<Be<u8>>()], [(1, 1); 3]);
    assert_eq!([size::<i16>(), size::<Le<u16>>()], [(2, 1); 2]);
    assert_eq!([size::<f32>(), size::<Be<i32>>(), size::<[[u32; 2]; 3]>(), size::<Bytes<4>>()], [(4, 1); 4]);
    assert_eq!([size::<i64>(), size::<f64>(), size::<Le<f64>>()], [(8, 1); 3]);
    assert_eq!([size::<isize>(), size::<Be<usize>>()], [(size_of::<usize>(), 1); 2]);
}

#[test]
fn a_transparent_struct_is_its_field() {
    assert_eq!(format::<Transparent>(), format::<Vector>());
    assert_eq!(Transparent::ITEMSIZE, 8);
    assert_eq!(Transparent::SHAPE.extents(), [2]);
}

#[test]
fn what_holds_a_bool_is_not_valid_for_every_bit_pattern() {
    fn any_bits<E: Element>() -> bool {
        E::ANY_BITS
    }
    assert!(!any_bits::<bool>() && !any_bits::<[[bool; 2]; 3]>() && !any_bits::<Particle>());
    assert!(!any_bits::<Packed<bool, 1>>() && any_bits::<Packed<u8, 1>>());
    assert!(any_bits::<Vector>() && any_bits::<Transparent>() && any_bits::<Be<u32>>());
}

#[test]
fn formats_that_no_element_may_have_are_refused() {
    for format in [
        c"",
        c"P",
        c"O",
        c"&f",
        c"Zg",
        c"Z",
        c"n",
        c"u",
        c"w",
        c"ff",
        c"2f",
        c"@f",
        c"!I",
        c"f ",
        c"4x",
        c"x",
        c"(2)f",
        c"s",
        c"T",
        c"T{",
        c"T{f}",
        c"T{f:x:}",
        c"T{=f:x}",
        c"T{=f::}",
        c"T{=f:x:",
        c"T{=f:x:}}",
        c"T{(2=f:x:}",
        c"T{()=f:x:}",
        c"T{=O:x:}",
        c"T{@f:x:}",
        c"T{2=f:x:}",
        c"T{=P}",
        c"=T{=f:x:}",
    ] {
        assert!(panic::catch_unwind(|| code::size(format)).is_err(), "{format:?}");
    }
}

#[test]
fn the_size_of_a_format_counts_everything_in_it() {
    for (format, size) in [
        (c"=l", 4),
        (c"<Q", 8),
        (c"10s", 10),
        (c"Zd", 16),
        (c"T{}", 0),
        (c"T{=f=d}", 12),
        (c"T{x=H:a b:2x}", 5),
        (c"T{(2,3)T{=B:a:(4)>I:b:}:c:}", 6 * 17),
    ] {
        assert_eq!(code::size(format), size, "{format:?}");
    }
}

#[test]
fn text_is_cut_where_it_does_not_fit() {
    let text = ConstText::<16>::new().with("n = ").with_number(1020);
    assert_eq!((text.as_str(), text.len()), ("n = 1020", 8));
    assert_eq!(text.cut::<4>().as_c_str(), c"n =");
    assert_eq!(text.cut::<9>().as_c_str(), c"n = 1020");
    assert_eq!(ConstText::<3>::new().with_number(0).as_str(), "0");
    assert!(panic::catch_unwind(|| ConstText::<4>::new().with("abcd").len()).is_err());
    assert!(panic::catch_unwind(|| ConstText::<4>::new().with("\0").as_c_str().count_bytes()).is_err());
}

#[test]
fn records_pass_as_they_are() {
    let corners = [[Vector { x: 1.0, y: 2.0 }; 3]; 2];
    let particle = Particle { id: Be::new(7), kind: 8, _pad: [0; 3], corners, alive: true, name: Bytes(*b"abc") };
    let mut cell = crate::ExportCell::new(vec![particle; 2]);
    cell.get_mut().expect("nobody looks")[1].alive = false;
    assert_eq!(cell.len(), 2);
    let items = cell.into_inner().expect("nobody looks");
    assert_eq!((items[0], items[1]), (particle, Particle { alive: false, ..particle }));
}
