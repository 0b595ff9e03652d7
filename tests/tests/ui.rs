//! What is refused at compile time, and in which words.
//!
//! A case in `ui/` makes one mistake, and the `.stderr` beside it is all that a user sees. Changed messages are
//! accepted by `TRYBUILD=overwrite cargo test --package buffer-tests --test ui`, and then read: each has to say what to
//! write instead.

#[test]
fn refusals_say_what_to_write() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
