//! `cargo xtask fuzz`: every fuzz target for some seconds. What is missing to run them is said, and is no failure.
//!
//! No step of `cargo xtask test`: building the targets takes minutes, and what they find first is in the tests already.

use anyhow::Result;

use crate::run;
use crate::test::{Suite, nightly};
use crate::workspace::Workspace;

/// The binaries of `fuzz/Cargo.toml`.
const TARGETS: [&str; 2] = ["format", "consumer"];

pub(crate) fn run(workspace: &Workspace, seconds: u32) -> Result<()> {
    if let Some(reason) = nightly::missing("rustc").or_else(missing_cargo_fuzz) {
        println!("skipped: {reason}");
        return Ok(());
    }
    let suite = Suite::new(workspace)?;
    for target in TARGETS {
        println!("\n== {target}");
        let mut cargo = suite.nightly();
        // Without its dead code a target needs no interpreter, and can be linked where there is no libpython.
        cargo.args(["fuzz", "run", "--strip-dead-code", "--target-dir"]).arg(workspace.target("fuzz"));
        cargo.args([target, "--", "-verbosity=0", "-print_final_stats=1"]).arg(format!("-max_total_time={seconds}"));
        run::run(&mut cargo)?;
    }
    Ok(())
}

fn missing_cargo_fuzz() -> Option<String> {
    let version = run::read(run::command("cargo").args(["fuzz", "--version"]));
    version.err().map(|_| "there is no cargo-fuzz; `cargo install cargo-fuzz` adds it".to_owned())
}
