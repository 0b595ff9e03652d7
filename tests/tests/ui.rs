//! What is refused at compile time, and with which messages.
//!
//! A case in `ui/` makes one mistake, and the `.stderr` beside it is all that a user sees. `TRYBUILD=overwrite cargo
//! xtask test ui` accepts changed messages. Then read them: each must say what to write instead.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;

/// The compiler whose messages the `.stderr` files contain: others word their own parts of a message differently.
const BLESSED_WITH: &str = "rustc 1.95.";

#[test]
fn refusals_say_what_to_write() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().expect("cargo has just run rustc").stdout;
    let version = String::from_utf8_lossy(&version);
    if version.starts_with(BLESSED_WITH) {
        return trybuild::TestCases::new().compile_fail("ui/*.rs");
    }
    // Not by `println!`, whose output the harness captures.
    let note =
        format!("messages are not compared: they are those of {BLESSED_WITH}x, and this is {}\n", version.trim());
    io::stderr().write_all(note.as_bytes()).unwrap();
    // SAFETY: this binary has no other test, so no other thread looks at the environment.
    unsafe { env::set_var("TRYBUILD", "overwrite") };
    trybuild::TestCases::new().compile_fail(cases_without_messages().join("*.rs"));
}

/// Copies of the cases: trybuild then writes down what this compiler says, and fails only if a case compiles.
fn cases_without_messages() -> PathBuf {
    let copies = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ui");
    let _ = fs::remove_dir_all(&copies);
    fs::create_dir_all(&copies).unwrap();
    for case in fs::read_dir("ui").unwrap() {
        let case = case.unwrap().path();
        if case.extension().is_some_and(|extension| extension == "rs") {
            fs::copy(&case, copies.join(case.file_name().unwrap())).unwrap();
        }
    }
    copies
}
