//! Places in Python code, and the current place of this thread.

use std::ffi::CStr;
use std::fmt;

use pyo3::types::{PyString, PyStringMethods};
use pyo3::{Bound, PyAny, Python, ffi};

/// A place in Python code. Each place is stored once and never freed, so that errors can refer to it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(super) file: Box<str>,
    pub(super) line: u32,
    pub(super) function: Box<str>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} in {}", short(&self.file), self.line, self.function)
    }
}

/// The name of a file without its directories. A name that says little, such as `__init__.py`, keeps the last
/// directory.
fn short(file: &str) -> &str {
    const SEPARATORS: [char; 2] = ['/', '\\'];
    let (before, name) = match file.rfind(SEPARATORS) {
        Some(separator) => (&file[..separator], &file[separator + 1..]),
        None => return file,
    };
    if name.starts_with("__") { &file[before.rfind(SEPARATORS).map_or(0, |separator| separator + 1)..] } else { name }
}

/// The innermost Python frame of this thread, with Python's own strings.
pub(super) struct Seen<'py> {
    file: Option<Bound<'py, PyString>>,
    line: u32,
    function: Option<Bound<'py, PyString>>,
}

impl Seen<'_> {
    /// The file, the line and the function.
    pub(super) fn texts(&self) -> (&str, u32, &str) {
        // A text with lone surrogates has no UTF-8.
        let file = self.file.as_ref().and_then(utf8).unwrap_or("?");
        let function = self.function.as_ref().and_then(utf8).unwrap_or("?");
        (file, self.line, function)
    }
}

/// Where Python is now; `None` if this thread runs no Python function. No exception is pending before the call; one may
/// be afterwards.
pub(super) fn seen(py: Python<'_>) -> Option<Seen<'_>> {
    // SAFETY: attached, as the token proves. The result is a borrowed reference, or NULL.
    let frame = unsafe { ffi::PyEval_GetFrame() };
    if frame.is_null() {
        return None;
    }
    // SAFETY: the frame is running, and this call is inside it, so it is alive.
    let line = unsafe { ffi::PyFrame_GetLineNumber(frame) };
    // SAFETY: as above.
    let code = unsafe { ffi::PyFrame_GetCode(frame) };
    // SAFETY: the result is an owned reference.
    let code = unsafe { Bound::from_owned_ptr_or_opt(py, code.cast()) }?;
    Some(Seen {
        file: text(&code, c"co_filename"),
        line: u32::try_from(line).unwrap_or(0),
        function: text(&code, c"co_name"),
    })
}

/// An attribute of an object, if it is a string. If the result is `None`, an exception may be set.
pub(super) fn text<'py>(object: &Bound<'py, PyAny>, name: &CStr) -> Option<Bound<'py, PyString>> {
    // SAFETY: attached, with an object that is alive, and a text.
    let value = unsafe { ffi::PyObject_GetAttrString(object.as_ptr(), name.as_ptr()) };
    // SAFETY: the result is an owned reference, or NULL.
    unsafe { Bound::from_owned_ptr_or_opt(object.py(), value) }?.cast_into().ok()
}

/// The characters of a string, or `None` if it has no UTF-8.
pub(super) fn utf8<'a>(text: &'a Bound<'_, PyString>) -> Option<&'a str> {
    text.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_with_the_name_of_the_file() {
        for (file, shown) in [
            ("/home/me/train.py", "train.py:31 in fit"),
            ("C:\\me\\train.py", "train.py:31 in fit"),
            ("train.py", "train.py:31 in fit"),
            ("<stdin>", "<stdin>:31 in fit"),
            ("/site-packages/nets/__init__.py", "nets/__init__.py:31 in fit"),
            ("nets/__main__.py", "nets/__main__.py:31 in fit"),
            ("__init__.py", "__init__.py:31 in fit"),
            ("", ":31 in fit"),
            ("/", ":31 in fit"),
        ] {
            let place = Place { file: file.into(), line: 31, function: "fit".into() };
            assert_eq!(place.to_string(), shown);
        }
    }
}
