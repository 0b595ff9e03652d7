use proptest::prelude::*;

use super::*;

fn printed(formats: &[&str]) -> Vec<String> {
    formats.iter().map(|text| parse(text).to_string()).collect()
}

/// Prints a format and reads it again.
fn round_trip(format: &Format) -> Result<(), TestCaseError> {
    let text = format.to_string();
    let again = Format::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(again.item(), format.item(), "{} -> {}", format.as_str(), &text);
    prop_assert_eq!(again.itemsize(), format.itemsize());
    prop_assert!(again.same_layout(format) && again.same_names(format));
    prop_assert_eq!(again.to_string(), text);
    Ok(())
}

/// A format, or almost one: pieces of formats in random order.
fn almost_format() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "c",
        "b",
        "?",
        "h",
        "i",
        "l",
        "q",
        "n",
        "P",
        "e",
        "d",
        "g",
        "s",
        "p",
        "w",
        "u",
        "x",
        "Zf",
        "Zd",
        "Zg",
        "F",
        "O",
        "T{",
        "T{",
        "T{",
        "}",
        "}",
        "}",
        ":a:",
        ":b:",
        ":\u{e9}:",
        ":",
        "(2)",
        "(2,3)",
        "(0)",
        "(1",
        ")",
        ",",
        "0",
        "1",
        "2",
        "3",
        "12",
        "9223372036854775807",
        " ",
        "\n",
        "@",
        "=",
        "<",
        ">",
        "!",
        "^",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..16).prop_map(|pieces| pieces.concat())
}

/// A valid format: items in records, with all codes, orders and shapes.
fn format() -> impl Strategy<Value = String> {
    const ORDERS: &[&str] = &["", "", "", "", "@", "^", "=", "<", ">", "!"];
    const CODES: &[&str] = &[
        "c", "b", "B", "?", "h", "H", "i", "I", "l", "L", "q", "Q", "e", "f", "d", "s", "p", "w", "u", "x", "Zf", "Zd",
    ];
    const NATIVE: &[&str] = &["@n", "^N", "@P", "^P", "@g", "^Zg", "@g"];
    const COUNTS: &[&str] = &["", "", "", "0", "1", "2", "5"];
    const SHAPES: &[&str] = &["", "", "", "(1)", "(2,3)", "(2,0)"];
    let code = (prop::sample::select(ORDERS), prop::sample::select(COUNTS), prop::sample::select(CODES))
        .prop_map(|(order, count, code)| format!("{order}{count}{code}"));
    let leaf = prop_oneof![8 => code, 1 => prop::sample::select(NATIVE).prop_map(str::to_owned)];
    leaf.prop_recursive(4, 24, 5, |item| {
        let fields = prop::collection::vec((prop::sample::select(SHAPES), item, any::<bool>()), 0..5);
        (prop::sample::select(ORDERS), prop::sample::select(COUNTS), fields).prop_map(|(order, count, fields)| {
            let fields: String = fields
                .iter()
                .enumerate()
                .map(|(index, (shape, item, named))| match named {
                    true => format!("{shape}{item}:f{index}:"),
                    false => format!("{shape}{item}"),
                })
                .collect();
            format!("{order}{count}T{{{fields}}}")
        })
    })
}

#[test]
fn the_canonical_form() {
    assert_eq!(
        printed(&["l", " @ 1i", "=3h", "(2,3)i", "(2)3i", "(1)i", "(3)i"]),
        [if size_of::<std::ffi::c_long>() == 8 { "q" } else { "i" }, "i", "3h", "(2,3)i", "(2,3)i", "(1)i", "3i"]
    );
    assert_eq!(
        printed(&["T{i:a:d:b:}", "i:a:d:b:", "T{b:a:T{h:b:b:c:}:d:}"]),
        ["T{i:a:4xd:b:}", "T{i:a:4xd:b:}", "T{b:a:xT{h:b:b:c:x}:d:}"]
    );
    assert_eq!(printed(&["1s", "0s", "3s", "(2)3s", "1w", "3x", ""]), ["c", "0s", "3s", "(2)3s", "w", "T{3x}", "T{}"]);
}

#[test]
fn what_is_not_aligned_is_printed_so() {
    assert_eq!(
        printed(&["ib", "^bi", "bP^i", "=3xi"]),
        [
            format!("{OWN}T{{ib}}"),
            format!("{OWN}T{{bi}}"),
            format!("^T{{b{}xPi}}", size_of::<usize>() - 1),
            format!("{OWN}T{{3xi}}"),
        ]
    );
}

#[test]
fn the_other_byte_order_is_printed_so() {
    let foreign = |text: &str| parse(&text.replace('%', FOREIGN)).to_string().replace(FOREIGN, "%").replace(OWN, "=");
    assert_eq!(foreign("%i"), "%i");
    // numpy expects the order between shape and count.
    assert_eq!(foreign("%(2,3)i"), "(2,3)%i");
    assert_eq!(foreign("%3i"), "%3i");
    assert_eq!(foreign("%3b"), "3b");
    assert_eq!(foreign("T{b:a:%h:b:=h:c:}"), "%T{b:a:h:b:=h:c:}");
    assert_eq!(foreign("T{b%h@P}"), format!("%T{{bh{}x^P}}", size_of::<usize>() - 3));
}

proptest! {
    #[test]
    fn formats_print_as_themselves(text in format()) {
        round_trip(&parse(&text))?;
    }

    #[test]
    fn what_is_almost_a_format_is_refused_or_prints_as_itself(text in almost_format()) {
        if let Ok(format) = Format::parse(&text) {
            prop_assert_eq!(format.as_str(), text);
            round_trip(&format)?;
        }
    }

    #[test]
    fn leaves_lie_inside_one_after_the_other(text in format()) {
        let format = parse(&text);
        let mut end = 0;
        let mut last = None;
        for leaf in format.leaves() {
            prop_assert!(last < Some(leaf.offset()));
            last = Some(leaf.offset());
            let span: usize = leaf.axes().iter().map(|axis| (axis.extent - 1) * axis.stride).sum();
            end = end.max(leaf.offset() + span + leaf.scalar().size());
        }
        prop_assert!(end <= format.itemsize());
        prop_assert!(format.alignment().is_power_of_two());
    }
}
