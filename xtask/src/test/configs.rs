//! Checks builds without the default features, and builds for interpreters that need not be installed: PyO3 reads a
//! description of the interpreter instead, and nothing is linked.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use super::only::Only;
use super::{Outcome, Suite};
use crate::run;

pub(super) fn check(suite: &Suite<'_>, _: &Only) -> Result<Outcome> {
    let free_threaded = describe(suite, "3.14t", 64, "version=3.14\nbuild_flags=Py_GIL_DISABLED\n")?;
    let stable_abi = describe(suite, "3.14", 64, "version=3.14\n")?;
    let mut cargo = check_runtime(suite, "free-threaded");
    run::run(cargo.env("PYO3_CONFIG_FILE", free_threaded))?;
    let mut cargo = check_runtime(suite, "abi3");
    run::run(cargo.args(["--features", "pyo3/abi3-py311"]).env("PYO3_CONFIG_FILE", &stable_abi))?;

    let mut cargo = check_runtime(suite, "abi3");
    let refusal = run::read(cargo.args(["--features", "pyo3/abi3-py310"]).env("PYO3_CONFIG_FILE", &stable_abi));
    let refusal = refusal.err().map(|error| format!("{error:#}")).unwrap_or_default();
    ensure!(
        refusal.contains("select the feature `abi3-py311`"),
        "a build for the stable ABI of 3.10, which lacks the buffer protocol, was not refused with our words: {refusal}"
    );
    println!("   abi3-py310 was refused, as it must be");

    // Checks combinations of features without the defaults. Warnings are errors, because users see them if their
    // dependency is a path.
    for features in ["", "format", "consumer", "pickle", "test-kit,ndarray"] {
        let mut cargo = suite.workspace.cargo();
        cargo.args(["check", "-p", "buffer-runtime", "--no-default-features", "--features", features, "--target-dir"]);
        cargo.arg(suite.workspace.target("features")).env("PYO3_CONFIG_FILE", &stable_abi);
        run::set_rustflags(&mut cargo, "-D warnings");
        run::run(&mut cargo)?;
    }
    Ok(Outcome::Passed(String::new()))
}

fn check_runtime(suite: &Suite<'_>, flavour: &str) -> Command {
    let mut cargo = suite.workspace.cargo();
    cargo
        .args(["check", "-p", "buffer-runtime", "--all-features", "--target-dir"])
        .arg(suite.workspace.target(flavour));
    cargo
}

/// Writes a description of an interpreter for PyO3, which would otherwise query the interpreter. `bits` is the size of
/// a pointer.
pub(super) fn describe(suite: &Suite<'_>, name: &str, bits: u8, particulars: &str) -> Result<PathBuf> {
    let dir = suite.workspace.target("configs");
    fs::create_dir_all(&dir)?;
    let file = dir.join(format!("{name}.txt"));
    fs::write(&file, format!("implementation=CPython\nshared=true\npointer_width={bits}\n{particulars}"))?;
    Ok(file)
}
