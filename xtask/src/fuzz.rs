//! `cargo xtask fuzz`: runs every fuzz target for some seconds. If a tool is missing, the command reports it, and does
//! not fail.
//!
//! Fuzzing is not a step of `cargo xtask test`, since building the targets takes minutes. The step `replay` there runs
//! the targets on the inputs in `fuzz/corpus`. New inputs are stored in the build directory. To add them to
//! `fuzz/corpus`, minimised, run `cargo fuzz run --strip-dead-code TARGET -- -merge=1 corpus/TARGET FOUND` in `fuzz`.

use std::fs;

use anyhow::{Context, Result};

use crate::run;
use crate::test::{Suite, nightly};
use crate::workspace::Workspace;

/// The binaries of `fuzz/Cargo.toml`.
const TARGETS: [&str; 5] = ["format", "consumer", "exporter", "tensor", "arrival"];

pub(crate) fn run(workspace: &Workspace, seconds: u32) -> Result<()> {
    if let Some(reason) = nightly::missing("rustc").or_else(missing_cargo_fuzz) {
        println!("skipped: {reason}");
        return Ok(());
    }
    let suite = Suite::new(workspace)?;
    for target in TARGETS {
        println!("\n== {target}");
        let found = workspace.target("fuzz").join("corpus").join(target);
        fs::create_dir_all(&found).with_context(|| format!("cannot create {}", found.display()))?;
        let kept = workspace.root.join("fuzz/corpus").join(target);
        let mut cargo = suite.nightly();
        // If dead code is stripped, a target does not refer to an interpreter, and can be linked on machines without
        // libpython.
        cargo.args(["fuzz", "run", "--strip-dead-code", "--target-dir"]).arg(workspace.target("fuzz"));
        // libFuzzer stores new inputs in the first folder.
        cargo
            .arg(target)
            .args([&found, &kept])
            .args(["--", "-verbosity=0", "-print_final_stats=1"])
            .arg(format!("-max_total_time={seconds}"));
        run::run(&mut cargo)?;
    }
    Ok(())
}

fn missing_cargo_fuzz() -> Option<String> {
    let version = run::read(run::command("cargo").args(["fuzz", "--version"]));
    version.err().map(|_| "there is no cargo-fuzz; `cargo install cargo-fuzz` adds it".to_owned())
}
