//! Unknown option names, and the known name that was probably meant.

use std::mem;

use syn::{Error, Ident};

/// The error for `name`, which is not in `known`.
pub(super) fn unknown(name: &Ident, known: &[&str]) -> Error {
    let typed = name.to_string();
    let message = match known.iter().find(|option| resembles(&typed, option)) {
        Some(option) => format!("unknown option `{typed}`; did you mean `{option}`?"),
        None => format!("unknown option `{typed}`; the options here are {}", enumerate(known)),
    };
    Error::new(name.span(), message)
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

/// Whether a user who wrote `typed` is likely to have meant `option`.
fn resembles(typed: &str, option: &str) -> bool {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    edit_distance(&plain(typed), &plain(option)) <= 2
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
    use super::super::{CLASS_OPTIONS, FIELD_OPTIONS};
    use super::*;

    #[test]
    fn no_option_is_taken_for_another() {
        for options in [&CLASS_OPTIONS[..], &FIELD_OPTIONS] {
            for name in options {
                let resembled = options.iter().filter(|option| resembles(name, option));
                assert_eq!(resembled.collect::<Vec<_>>(), [name]);
            }
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
