//! Arbitrary text: it is refused with a message, or read as a consistent format that prints as an equivalent one.

use buffer_runtime::Format;

/// Runs one input.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let format = match Format::parse(text) {
        Ok(format) => format,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_eq!(format.as_str(), text);
    assert!(isize::try_from(format.itemsize()).is_ok());
    assert!(format.alignment().is_power_of_two());
    check_leaves(&format);

    let printed = format.to_string();
    let again = Format::parse(&printed).unwrap_or_else(|error| panic!("{text:?} printed {printed:?}: {error}"));
    assert_eq!(again.item(), format.item(), "{text:?} printed {printed:?}");
    assert_eq!(again.itemsize(), format.itemsize(), "{text:?} printed {printed:?}");
    assert!(again.same_layout(&format) && again.same_names(&format), "{text:?} printed {printed:?}");
    assert_eq!(again.to_string(), printed);
}

/// Checks that every scalar lies inside the item, and starts after the start of the one before.
fn check_leaves(format: &Format) {
    let mut last = None;
    for leaf in format.leaves() {
        assert!(last < Some(leaf.offset()), "{format:?}");
        last = Some(leaf.offset());
        let mut end = leaf.offset().checked_add(leaf.scalar().size()).expect("no overflow");
        for axis in leaf.axes() {
            assert!(axis.extent > 0);
            let span = (axis.extent - 1).checked_mul(axis.stride).expect("no overflow");
            end = end.checked_add(span).expect("no overflow");
        }
        assert!(end <= format.itemsize(), "{format:?}");
    }
}
