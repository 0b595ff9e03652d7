//! A derive that stands twice in one `#[derive(...)]`.
//!
//! A derive gets no attribute that contains or precedes it, so the list is read from the file, at the place that the
//! compiler states. Without this error, each item that the expansion defines twice would be an error. If there is no
//! file, as for an editor's unsaved text, nothing is refused here.

use std::fs;

use proc_macro::{Span, TokenStream};
use syn::Error;

/// The error for a derive, called `name`, that stands a second time before this place in its list.
pub(crate) fn error(name: &str) -> Option<TokenStream> {
    let span = Span::call_site();
    let text = fs::read_to_string(span.local_file()?).ok()?;
    stands_before(&text, span.line(), span.column(), name).then(|| {
        Error::new(span.into(), format!("`{name}` is derived twice; remove one of the two")).into_compile_error().into()
    })
}

/// Whether `name` stands before this place in the list that contains the derive at this place. Lines and columns, in
/// characters, count from 1.
fn stands_before(text: &str, line: usize, column: usize, name: &str) -> bool {
    let Some((start, line)) = text
        .split_inclusive('\n')
        .scan(0, |end, line| {
            let start = *end;
            *end += line.len();
            Some((start, line))
        })
        .nth(line.wrapping_sub(1))
    else {
        return false;
    };
    let Some((column, _)) = line.char_indices().nth(column.wrapping_sub(1)) else {
        return false;
    };
    let (before, derive) = text.split_at(start + column);
    let Some((_, earlier)) = before.rsplit_once('(').filter(|(attribute, earlier)| {
        attribute.trim_end().ends_with("derive") && !earlier.contains([')', ']', ';', '{'])
    }) else {
        return false;
    };
    // Compare the path word for word. Other words may be another crate's derive, and a comment may name anything.
    let here = derive.split([',', ')']).next().unwrap_or_default().trim();
    let is_named = here.rsplit("::").next().is_some_and(|last| last.trim() == name);
    is_named && earlier.split(',').any(|path| path.trim() == here)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_repeated(text: &str) -> bool {
        let (before, after) = text.split_once('|').expect("the place of the derive");
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        stands_before(&format!("{before}{after}"), line, column, "ExportBuffer")
    }

    #[test]
    fn the_second_in_a_list_is_repeated() {
        for text in [
            "#[derive(ExportBuffer, |ExportBuffer)]",
            "// é\n#[derive(Clone, b::ExportBuffer, Debug,\n    |b::ExportBuffer)]\nstruct S;",
            "/* é */ #[derive (ExportBuffer,|ExportBuffer )]",
        ] {
            assert!(is_repeated(text), "{text}");
        }
    }

    #[test]
    fn any_other_is_not() {
        for text in [
            "#[derive(|ExportBuffer, ExportBuffer)]",
            "#[derive(ExportBuffer)]\n#[derive(Clone, |ExportBuffer)]",
            "#[derive(ExportBuffers, |ExportBuffer)]",
            "class!(ExportBuffer, |ExportBuffer)",
            "#[derive(ExportBuffer, |$derive)]",
            "#[derive(another::ExportBuffer, |buffer_runtime::ExportBuffer)]",
            "#[derive(\n    // b::ExportBuffer,\n    |b::ExportBuffer,\n)]",
            "|",
        ] {
            assert!(!is_repeated(text), "{text}");
        }
        assert!(!stands_before("", 7, 1, "ExportBuffer"));
        assert!(!stands_before("a", 0, 0, "ExportBuffer"));
    }
}
