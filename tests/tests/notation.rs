//! The derive refuses the literal formats that the runtime refuses, in the same words, except for those whose items are
//! too large.

use buffer_runtime::Format;

#[path = "../../buffer-derive/src/check/notation.rs"]
mod notation;

/// Every text of up to this many of the characters.
const LENGTH: usize = 5;
const CHARACTERS: &[char] = &['T', '{', '}', ':', 'a', 'i', 'n', 'Z', 'f', 'O', 'é', '3', '(', ')', ',', ' ', '<', '@'];

fn same(text: &str) {
    match (notation::check(text), Format::parse(text)) {
        (Ok(()), Ok(_)) => {}
        (Err(refused), Err(error)) => {
            assert_eq!(refused.position, error.position(), "{text:?}");
            assert_eq!(refused.to_string(), error.to_string());
        }
        (Ok(()), Err(error)) => assert!(error.to_string().contains("more bytes than memory"), "{text:?}: {error}"),
        (Err(refused), Ok(_)) => panic!("{text:?}: {refused}"),
    }
}

fn longer(text: &mut String, left: usize) {
    same(text);
    if left > 0 {
        for &character in CHARACTERS {
            text.push(character);
            longer(text, left - 1);
            text.pop();
        }
    }
}

#[test]
fn short_formats_get_the_answers_of_the_runtime() {
    longer(&mut String::new(), LENGTH);
}

#[test]
fn longer_formats_get_the_answers_of_the_runtime() {
    for text in [
        "T{<i:a:",
        "T{<i:a:f:a:}",
        "T{<i:a:T{f:a:}:b:}",
        "T{<i:a:}i:x:i:x:",
        "(2,3)=i:cells:3x",
        "(2,,3)i",
        "3(2)i",
        "<n",
        "@nNPgZgZfZdFD",
        "uint32",
        "i\0i",
        "s:name",
        "18446744073709551616i",
    ] {
        same(text);
    }
    for depth in 0..63 {
        same(&format!("{}i{}", "T{".repeat(depth), "}".repeat(depth)));
    }
}
