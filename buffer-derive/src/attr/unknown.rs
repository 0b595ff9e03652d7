//! Unknown option names, and the known name that was probably meant.

use std::mem;

use syn::{Error, Ident};

/// Names that other libraries have for an option.
const OTHER_NAMES: [(&str, &str); 12] = [
    ("dims", "shape"),
    ("size", "shape"),
    ("dtype", "format"),
    ("fmt", "format"),
    ("layout", "order"),
    ("ro", "readonly"),
    ("immutable", "readonly"),
    ("start", "offset"),
    ("pinned", "pin"),
    ("name", "rename"),
    ("skip", "padding"),
    ("ignore", "padding"),
];

/// The error for `name`, which is not in `known`.
pub(super) fn unknown(name: &Ident, known: &[&str]) -> Error {
    let typed = name.to_string();
    let message = match meant(&typed, known) {
        Some(option) => format!("unknown option `{typed}`; did you mean `{option}`?"),
        None => format!("unknown option `{typed}`; the options here are {}", enumerate(known)),
    };
    Error::new(name.span(), message)
}

/// The known option that a user who wrote `typed` is likely to have meant.
fn meant<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    let typed = plain(typed);
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == typed).map(|(_, option)| *option);
    let nearest = || known.iter().copied().min_by_key(|option| edit_distance(&typed, &plain(option)));
    let begins = |option: &&str| {
        let same = typed.chars().zip(plain(option).chars()).take_while(|(a, b)| a == b).count();
        same >= 3 || (same == 2 && typed.len() == 2)
    };
    let resembled = nearest().filter(|option| resembles(&typed, &plain(option)));
    known.iter().copied().find(|option| other == Some(*option)).or(resembled).or(known.iter().copied().find(begins))
}

/// `a`, `b` or `c`.
pub(super) fn enumerate(options: &[&str]) -> String {
    let quoted: Vec<String> = options.iter().map(|option| format!("`{option}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A name in the form in which it is compared.
fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

/// Whether the difference may be a typing error: up to two letters, and less than half of them.
fn resembles(typed: &str, option: &str) -> bool {
    let distance = edit_distance(typed, option);
    distance <= 2 && 2 * distance < option.len()
}

/// The Levenshtein distance.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = mem::replace(&mut row[0], i + 1);
        for (j, &b) in to.iter().enumerate() {
            let substituted = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::super::element::ELEMENT_OPTIONS;
    use super::super::{CLASS_OPTIONS, FIELD_OPTIONS};
    use super::*;

    #[test]
    fn no_option_is_taken_for_another() {
        for options in [&CLASS_OPTIONS[..], &FIELD_OPTIONS, &ELEMENT_OPTIONS] {
            for name in options {
                let close = options.iter().filter(|option| resembles(&plain(name), &plain(option)));
                assert_eq!(close.collect::<Vec<_>>(), [name]);
                assert_eq!(meant(name, options), Some(*name));
            }
        }
    }

    #[test]
    fn the_nearest_option_is_meant() {
        for (typed, option) in [
            ("pad", Some("padding")),
            ("padded", Some("padding")),
            ("skip", Some("padding")),
            ("renamed", Some("rename")),
            ("name", Some("rename")),
            ("a", None),
            ("serialize", None),
        ] {
            assert_eq!(meant(typed, &ELEMENT_OPTIONS), option, "{typed}");
        }
        for (typed, option) in [
            ("read_only", Some("readonly")),
            ("shapes", Some("shape")),
            ("stride", Some("strides")),
            ("dtype", Some("format")),
            ("off", Some("offset")),
            ("pad", None),
            ("skip", None),
        ] {
            assert_eq!(meant(typed, &FIELD_OPTIONS), option, "{typed}");
        }
    }

    #[test]
    fn edit_distance_counts_insertions_deletions_and_substitutions() {
        for (from, to, distance) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("shape", "shape", 0),
            ("shapes", "shape", 1),
            ("share", "shape", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(edit_distance(from, to), distance, "{from} {to}");
        }
    }
}
