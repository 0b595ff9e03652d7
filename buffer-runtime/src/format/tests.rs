use super::*;

mod depth;
mod printing;
mod refusals;

fn parse(text: &str) -> Format {
    Format::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

fn itemsizes(formats: &[&str]) -> Vec<usize> {
    formats.iter().map(|text| parse(text).itemsize()).collect()
}

/// Offset, kind and size of each leaf.
fn leaves(text: &str) -> Vec<(usize, ScalarKind, usize)> {
    let leaf = |leaf: Leaf| (leaf.offset(), leaf.scalar().kind(), leaf.scalar().size());
    parse(text).leaves().map(leaf).collect()
}

/// The extents and strides around each leaf.
fn axes(text: &str) -> Vec<Vec<(usize, usize)>> {
    let axes = |leaf: Leaf| leaf.axes().iter().map(|axis| (axis.extent, axis.stride)).collect();
    parse(text).leaves().map(axes).collect()
}

fn same_layout(a: &str, b: &str) -> bool {
    let (a, b) = (parse(a), parse(b));
    assert_eq!(a.same_layout(&b), b.same_layout(&a));
    a.same_layout(&b)
}

/// The byte order that is not the machine's, and the machine's.
const FOREIGN: &str = if cfg!(target_endian = "big") { "<" } else { ">" };
const OWN: &str = if cfg!(target_endian = "big") { ">" } else { "<" };

#[test]
fn the_text_is_kept_as_it_was_given() {
    let format = parse(" @ 2i x");
    assert_eq!(format.as_str(), " @ 2i x");
    assert_eq!(format.as_c_str(), c" @ 2i x");
}

#[test]
fn sizes_of_codes() {
    assert_eq!(itemsizes(&["c", "b", "B", "?", "s", "p", "x"]), [1; 7]);
    assert_eq!(itemsizes(&["h", "H", "e", "u", "=h", "=e", "=u"]), [2; 7]);
    assert_eq!(itemsizes(&["i", "I", "f", "w", "=i", "=l", "=L", "=f", "=w"]), [4; 9]);
    assert_eq!(itemsizes(&["q", "Q", "d", "Zf", "F", "=q", "=Q", "=d", "=Zf", "=F"]), [8; 10]);
    assert_eq!(itemsizes(&["Zd", "D", "=Zd", "=D"]), [16; 4]);
    assert_eq!(itemsizes(&["n", "N", "P", "^n"]), [size_of::<usize>(); 4]);
    assert_eq!(itemsizes(&["l", "L", "^l"]), [size_of::<std::ffi::c_long>(); 3]);
}

#[test]
fn formats_of_no_bytes_have_a_size_of_0() {
    assert_eq!(itemsizes(&["", " ", "<", "@ ", "0i", "0s", "0x", "T{}", "(2,0)i", "5T{}"]), [0; 10]);
    assert_eq!(parse("").leaves().count(), 0);
}

#[test]
fn top_level_has_trailing_padding_only_where_the_struct_module_cannot_read_it() {
    assert_eq!(itemsizes(&["ib", "@ib", "bi", "ib0i", "^ib", "=ib", "Zfb", "Db"]), [5, 5, 8, 8, 5, 5, 9, 17]);
    assert_eq!(itemsizes(&["T{ib}", "i:a:b:b:", "(1)ib", "T{Zfb}", "wb", "iw^b@b"]), [8, 8, 8, 12, 8, 12]);
    assert_eq!(itemsizes(&["T{=ib}", "i:a:=b:b:", "=T{ib}"]), [5; 3]);
}

#[test]
fn padding_and_alignment_become_offsets() {
    use ScalarKind::{Float, Signed, Unsigned};
    assert_eq!(leaves("T{b:a:i:b:2xh:c:}"), [(0, Signed, 1), (4, Signed, 4), (10, Signed, 2)]);
    assert_eq!(parse("T{b:a:i:b:2xh:c:}").itemsize(), 12);
    assert_eq!(leaves("<bih"), [(0, Signed, 1), (1, Signed, 4), (5, Signed, 2)]);
    assert_eq!(leaves("bT{T{fB}}"), [(0, Signed, 1), (4, Float, 4), (8, Unsigned, 1)]);
    assert_eq!(leaves("b0if"), [(0, Signed, 1), (4, Float, 4)]);
    assert_eq!(leaves("b^i@h"), [(0, Signed, 1), (1, Signed, 4), (6, Signed, 2)]);
}

#[test]
fn orders_hold_across_braces() {
    // The record needs no alignment, and the order inside it still applies to `d`.
    assert_eq!(itemsizes(&["T{b<i}d", "T{b<i}@d", "<bT{@i}"]), [13, 16, 8]);
    assert!(same_layout("T{>h}ih", ">T{h}ih"));
}

#[test]
fn an_array_is_one_leaf_with_axes() {
    assert_eq!(axes("i"), [[]]);
    assert_eq!(axes("3i"), [[(3, 4)]]);
    assert_eq!(axes("(3)i"), [[(3, 4)]]);
    assert_eq!(axes("(1)i"), [[(1, 4)]]);
    assert_eq!(axes("1i"), [[]]);
    assert_eq!(axes("(2,3)i"), [[(2, 12), (3, 4)]]);
    assert_eq!(axes("( 2 , 3 ) 4h"), [[(2, 24), (3, 8), (4, 2)]]);
    assert_eq!(axes("2T{i3h}b"), [vec![(2, 12)], vec![(2, 12), (3, 2)], vec![]]);
    assert_eq!(axes("(2,0)iT{0i}0T{i}b"), [[]]);
}

#[test]
fn a_count_before_a_string_is_its_length() {
    use ScalarKind::{Bytes, Pascal, Ucs2, Ucs4};
    assert_eq!(leaves("3s3p3u3w"), [(0, Bytes, 3), (3, Pascal, 3), (6, Ucs2, 6), (12, Ucs4, 12)]);
    assert_eq!(leaves("3cs"), [(0, Bytes, 1), (3, Bytes, 1)]);
    assert_eq!(axes("(2)3s"), [[(2, 3)]]);
    assert_eq!(axes("3c"), [[(3, 1)]]);
}

#[test]
fn huge_counts_cost_nothing() {
    let format = parse("999999999999i");
    assert_eq!(format.itemsize(), 3_999_999_999_996);
    assert_eq!(format.leaves().count(), 1);
    assert_eq!(axes("999999999T{b999999999xb}").len(), 2);
    assert_eq!(parse(&format!("{}x", isize::MAX)).itemsize(), isize::MAX.cast_unsigned());
}

#[test]
fn layouts_are_the_same_whatever_the_code() {
    assert!(same_layout("i", &format!("{OWN}i")));
    assert!(same_layout("i", "=i"));
    assert!(same_layout("!i", ">i"));
    assert!(same_layout("l", if size_of::<std::ffi::c_long>() == 8 { "q" } else { "i" }));
    assert!(same_layout("n", if size_of::<usize>() == 8 { "q" } else { "i" }));
    assert!(same_layout("Zd", "D"));
    assert!(same_layout("c", "1s"));
    assert!(same_layout("i:a:", "i"));
    assert!(same_layout("T{T{i:a:}:b:h:c:}", "T{i:x:h:y:}"));
    assert!(same_layout("T{i:a:d:b:}", "T{i:x:xxxxd:y:}"));
    assert!(same_layout("T{i:a:d:b:}", "T{i:x:4x:pad:d:y:}"));
    assert!(same_layout("T{i:a:d:b:}", "<T{i:x:4xd:y:}") || cfg!(target_endian = "big"));
    assert!(same_layout("(2)T{(3)h}", "(2,3)h"));
    assert!(same_layout("h0ih", "h2xh"));
}

#[test]
fn byte_order_counts_where_there_are_two_bytes() {
    for code in ["h", "d", "Zf", "w", "3w", "u"] {
        assert!(!same_layout(&format!("{FOREIGN}{code}"), code), "{code}");
    }
    for code in ["b", "B", "?", "c", "3s", "3p"] {
        assert!(same_layout(&format!("{FOREIGN}{code}"), code), "{code}");
    }
}

#[test]
fn layouts_differ_in_kind_size_offset_and_shape() {
    let formats =
        ["i", "I", "f", "w", "4s", "4c", "4p", "4?", "2h", "hh", "(1)i", "(2,1)h", "2u", "4x", "b3x", "3xb", "u2x"];
    for (index, a) in formats.iter().enumerate() {
        for (other, b) in formats.iter().enumerate() {
            assert_eq!(same_layout(a, b), index == other, "{a} {b}");
        }
    }
    assert!(!same_layout("P", "N"));
    assert!(!same_layout("3i", "iii"));
    assert!(!same_layout("i", "i4x"));
    assert!(!same_layout("2T{ih}", "T{ih}T{ih}"));
}

#[test]
fn names_are_compared_on_their_own() {
    let same = |a: &str, b: &str| parse(a).same_names(&parse(b));
    assert!(same("i", "3d"));
    assert!(same("T{i:a:d:b:}", "h:a:(2)f:b:"));
    assert!(same("T{T{i:x:}:a:}", "T{2T{d:x:}:a:}"));
    assert!(!same("T{i:a:d:b:}", "T{i:b:d:a:}"));
    assert!(!same("T{i:a:d:b:}", "T{i:a:d}"));
    assert!(!same("T{T{i:x:}:a:}", "T{T{i:y:}:a:}"));
    assert!(!same("T{T{i:x:}:a:}", "T{i:a:}"));
    assert!(!same("i", "T{i:a:}"));
    assert!(!same("T{i:a:4x:pad:}", "T{i:a:4x}"));
}

#[test]
fn the_tree_has_names_offsets_and_shapes() {
    let format = parse("T{b:flag:3x(2,2)f:m\u{e9}:T{h:x:h}:point:}");
    let Content::Record(record) = format.item().content() else { panic!("{:?}", format.item()) };
    let fields: Vec<_> =
        record.fields().iter().map(|field| (field.name(), field.offset(), field.item().shape())).collect();
    assert_eq!(fields, [(Some("flag"), 0, &[][..]), (Some("m\u{e9}"), 4, &[2, 2]), (Some("point"), 20, &[])]);
    let Content::Record(point) = record.fields()[2].item().content() else { panic!("{record:?}") };
    assert_eq!(point.fields().iter().map(Field::name).collect::<Vec<_>>(), [Some("x"), None]);
    assert_eq!((record.size(), point.size(), format.itemsize(), format.alignment()), (24, 4, 24, 4));
}

#[test]
fn one_unnamed_item_stands_for_itself() {
    assert!(matches!(parse("3i").item().content(), Content::Scalar(_)));
    assert_eq!(parse("T{i:a:}").item(), parse("i:a:").item());
    assert_ne!(parse("T{i}").item(), parse("i").item());
    for record in ["i:a:", "xi", "ix", "ii", "3x", ""] {
        assert!(matches!(parse(record).item().content(), Content::Record(_)), "{record}");
    }
}

#[test]
fn alignment_is_that_of_the_items_under_native_order() {
    let alignments =
        ["i", "bd", "T{bT{h}}", "<d", "^d", "b<d", "3s", "w", "Zf", ""].map(|text| parse(text).alignment());
    assert_eq!(alignments, [4, align_of::<f64>(), 2, 1, 1, 1, 1, 4, 4, 1]);
}

#[test]
fn a_format_comes_from_a_string() {
    assert_eq!("2i".parse::<Format>().map(|format| format.itemsize()), Ok(8));
    assert!("2y".parse::<Format>().is_err());
}
