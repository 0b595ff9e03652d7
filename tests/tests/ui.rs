//! What is refused at compile time, and with which messages.
//!
//! A case in `ui/` makes one mistake, and the `.stderr` beside it is all that a user sees. Changed messages are
//! accepted by `TRYBUILD=overwrite cargo test --package buffer-tests --test ui`, and then read: each must say what to
//! write instead.

use std::env;
use std::io::{self, Write};
use std::process::Command;

/// The compiler whose messages the `.stderr` files contain: others word their own parts of a message differently.
const BLESSED_WITH: &str = "rustc 1.95.";

#[test]
fn refusals_say_what_to_write() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("cargo has just run rustc").stdout;
    let version = String::from_utf8_lossy(&version);
    if !version.starts_with(BLESSED_WITH) {
        // Not by `println!`, whose output the harness captures.
        let note =
            format!("messages are not compared: they are those of {BLESSED_WITH}x, and this is {}\n", version.trim());
        return io::stderr().write_all(note.as_bytes()).unwrap();
    }
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
