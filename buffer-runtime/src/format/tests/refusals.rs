use proptest::prelude::*;

use super::*;

fn refusal(text: &str) -> FormatError {
    match Format::parse(text) {
        Err(error) => error,
        Ok(format) => panic!("{text:?} was read as {format}"),
    }
}

#[test]
fn messages_say_what_and_where_and_what_to_do() {
    for (text, message) in [
        (
            "iiy",
            "unknown code 'y' at byte 2 of \"iiy\"; use the codes of Python's struct module, or `Zf`, `Zd`, `g`, `Zg`, \
             `w`, `u`, `T{...}`",
        ),
        ("i\0", "a NUL at byte 1 of \"i\\0\"; remove it; a format ends where its text ends"),
        (
            "i:a:O",
            "refused code 'O' (a Python object) at byte 4 of \"i:a:O\"; consumers would take any bytes for the addresses \
             of objects; for numbers that happen to be addresses write `P`",
        ),
        (
            "T{i:a:h:a:}",
            "a second field named \"a\" at byte 7 of \"T{i:a:h:a:}\"; give each field of a record its own name",
        ),
        ("3(2)i", "a count before a shape at byte 1 of \"3(2)i\"; put the count into the shape: `(2,3)i`"),
    ] {
        assert_eq!(refusal(text).to_string(), message);
    }
}

#[test]
fn the_position_is_that_of_the_problem() {
    for (text, position) in [
        ("y", 0),
        ("\0", 0),
        ("i\u{e9}", 1),
        ("U", 0),
        ("O", 0),
        ("2O", 1),
        ("T{O:a:}", 2),
        ("&i", 0),
        ("X{}", 0),
        ("3t", 1),
        ("Z", 0),
        ("iZi", 1),
        ("Z f", 0),
        ("<n", 1),
        ("=P", 1),
        ("!N", 1),
        (">g", 1),
        ("<Zg", 1),
        ("3", 1),
        ("3 i", 1),
        ("T{3}", 3),
        ("3<i", 1),
        ("3(2)i", 1),
        ("(2)", 3),
        ("()i", 1),
        ("(2,)i", 3),
        ("(2,-1)i", 3),
        ("(2;3)i", 2),
        ("(2", 2),
        ("(2)(3)i", 3),
        ("i<", 2),
        ("T{<}", 3),
        ("<>i", 1),
        ("<(2)>i", 4),
        ("< >i", 2),
        (":a:", 0),
        ("i:a", 1),
        ("i:a::b:", 4),
        ("i:a:h:a:", 5),
        ("x:a:h:a:", 5),
        ("T", 0),
        ("Ti", 0),
        ("T{i", 0),
        ("iT{iT{i}", 1),
        ("i}", 1),
        ("}", 0),
        ("{i}", 0),
    ] {
        let error = refusal(text);
        assert_eq!(error.position(), position, "{error}");
    }
}

#[test]
fn sizes_beyond_memory_are_refused() {
    let max = isize::MAX;
    for text in [
        "99999999999999999999999999i".into(),
        "99999999999999999999999999T{}".into(),
        format!("{max}h"),
        format!("{max}xb"),
        format!("{max}w"),
        format!("(2){max}s"),
        format!("({max},{max},0)b"),
        format!("(0,{max},2)b"),
        format!("({max},{max})0s"),
        format!("({max},2)T{{}}"),
        format!("{max}T{{h}}"),
        format!("T{{{max}x}}b"),
        // These exceed the limit only with the padding that alignment adds.
        format!("T{{i{}x}}", max - 4),
        format!("{max}x0i"),
    ] {
        assert!(refusal(&text).to_string().contains("more bytes than memory can have"), "{text}");
    }
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| format!("{}i{}", "T{".repeat(depth), "}".repeat(depth));
    assert_eq!(parse(&nested(64)).itemsize(), 4);
    assert_eq!(refusal(&nested(65)).position(), 128);
    assert_eq!(refusal(&nested(100_000)).position(), 128);
    // With a second item the top level is itself a record, one level more.
    assert_eq!(parse(&(nested(63) + "i")).itemsize(), 8);
    assert_eq!(refusal(&(nested(64) + "i")).position(), 126);
}

#[test]
fn dimensions_are_limited() {
    let array = |ndim: usize| format!("({})i", vec!["1"; ndim].join(","));
    assert_eq!(parse(&array(64)).item().shape().len(), 64);
    assert!(refusal(&array(65)).to_string().contains("more than 64 dimensions"));
    assert!(refusal(&array(64).replace('i', "2i")).to_string().contains("more than 64 dimensions"));
    assert_eq!(parse(&array(64).replace('i', "1i")).item().shape().len(), 64);
}

#[test]
fn messages_quote_no_more_than_a_line() {
    let text = "é".repeat(500);
    let error = refusal(&format!("i:{text}:y:{text}:"));
    assert!(error.to_string().starts_with("unknown code 'y' at byte 1003 of ...\""), "{error}");
    assert!(error.to_string().len() < 300, "{error}");
    assert_eq!(error.clone(), error);
}

proptest! {
    #[test]
    fn no_string_panics(text in any::<String>()) {
        if let Err(error) = Format::parse(&text) {
            prop_assert!(error.position() <= text.len());
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
