//! Whether the crate that is being compiled knows `buffer_runtime` by this name.
//!
//! A path that does not exist is a compiler error at each place that names it, and none of these errors names the
//! option `crate`. The arguments of the compiler show which names exist. If a derive runs in another program, such as
//! rust-analyzer, there are no such arguments, and nothing is refused.

use std::path::Path;

const NAME: &str = "buffer_runtime";

/// The error if the arguments of the compiler show that the name does not exist.
pub(crate) fn problem(arguments: impl Iterator<Item = String>) -> Option<String> {
    let (mut any, mut other, mut next) = (false, None, None);
    for argument in arguments {
        let option = next.take();
        // Longer command lines are in a file.
        if argument.starts_with('@') {
            return None;
        }
        let value = match (option.as_deref(), argument.strip_prefix("--extern=")) {
            (Some("--crate-name"), _) if argument == NAME => return None,
            (Some("--extern"), _) => Some(argument.as_str()),
            (_, Some(value)) => Some(value),
            _ => None,
        };
        if let Some((name, file)) = value.map(|value| value.split_once('=').unwrap_or((value, ""))) {
            // Before the name there may be options, as in `priv:name`.
            let name = name.rsplit(':').next().unwrap_or(name);
            if name == NAME {
                return None;
            }
            any = true;
            let file = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            if file.strip_prefix("lib").unwrap_or(file).strip_prefix(NAME).is_some_and(|hash| hash.starts_with('-')) {
                other = Some(name.to_owned());
            }
        }
        next = Some(argument);
    }
    any.then(|| match other {
        Some(other) => {
            format!(
                "`{NAME}` is called `{other}` in this crate; write `#[buffer(crate = \"{other}\")]` above the struct"
            )
        }
        None => format!(
            "this crate has no dependency called `{NAME}`; write where it is above the struct, as in \
             `#[buffer(crate = \"facade::{NAME}\")]`"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem_of(arguments: &str) -> Option<String> {
        problem(arguments.split(' ').map(str::to_owned))
    }

    #[test]
    fn a_known_name_is_no_problem() {
        for arguments in [
            "rustc --crate-name a --extern pyo3=/d/libpyo3-1.rmeta --extern buffer_runtime=/d/libbuffer_runtime-1.rmeta",
            "rustc --extern=priv:buffer_runtime=/d/libbuffer_runtime-1.rmeta",
            "rustc --extern noprelude:buffer_runtime",
            "rustc --crate-name buffer_runtime --extern pyo3=/d/libpyo3-1.rmeta",
        ] {
            assert_eq!(problem_of(arguments), None, "{arguments}");
        }
    }

    #[test]
    fn without_names_nothing_is_known() {
        for arguments in ["proc-macro-srv", "rustc @arguments", "rustc --extern a=/d/liba-1.rmeta @more"] {
            assert_eq!(problem_of(arguments), None, "{arguments}");
        }
    }

    #[test]
    fn another_name_is_told() {
        assert_eq!(
            problem_of("rustc --extern buf=/d/libbuffer_runtime-0f.rmeta --extern pyo3=/d/libpyo3-1.rmeta").as_deref(),
            Some("`buffer_runtime` is called `buf` in this crate; write `#[buffer(crate = \"buf\")]` above the struct")
        );
        let elsewhere = problem_of("rustc --extern facade=/d/libfacade-1.rmeta").expect("no such name");
        assert!(elsewhere.contains("`#[buffer(crate = \"facade::buffer_runtime\")]`"), "{elsewhere}");
    }
}
