//! Records nested as deep as is allowed, on a thread with little stack.

use std::thread;

use super::*;
use crate::limits::MAX_DEPTH;

/// In bytes. On some systems a thread may have half as much.
const STACK: usize = 32 * 1024;

fn nested(depth: usize, inside: &str) -> String {
    format!("{}{inside}{}", "T{".repeat(depth), "}".repeat(depth))
}

/// Runs on a thread with little stack.
fn with_little_stack<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    thread::Builder::new().stack_size(STACK).spawn(work).unwrap().join().unwrap()
}

#[test]
fn the_deepest_format_needs_little_stack() {
    let text = nested(MAX_DEPTH, "i:a:d:b:");
    let parsed = with_little_stack(move || {
        let format = Format::parse(&text).ok()?;
        let copy = format.clone();
        let same = format.same_layout(&copy) && format.same_names(&copy) && format.item() == copy.item();
        drop(copy);
        same.then_some(format)
    });
    let format = parsed.expect("it is read");
    assert_eq!(format.itemsize(), 16);
    assert_eq!(with_little_stack(move || format.to_string()), nested(MAX_DEPTH, "i:a:4xd:b:"));
}

#[test]
fn one_level_more_is_refused() {
    let text = nested(MAX_DEPTH + 1, "i");
    let error = with_little_stack(move || Format::parse(&text).err()).expect("it is refused");
    assert!(error.to_string().contains(&format!("nested more than {MAX_DEPTH} levels")), "{error}");
}
