//! `cargo xtask fuzz`: every fuzz target for some seconds. What is missing to run them is said, and is no failure.
//!
//! No step of `cargo xtask test`, since building the targets takes minutes. Its step `replay` runs what is kept of their
//! inputs, in `fuzz/corpus`. What is found here goes into the build directory; to keep it, minimise it:
//! `cargo fuzz run --strip-dead-code TARGET -- -merge=1 corpus/TARGET FOUND` in `fuzz`.

use std::fs;

use anyhow::{Context, Result};

use crate::run;
use crate::test::{Suite, nightly};
use crate::workspace::Workspace;

/// The binaries of `fuzz/Cargo.toml`.
const TARGETS: [&str; 3] = ["format", "consumer", "exporter"];

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
        // Without its dead code a target needs no interpreter, and can be linked where there is no libpython.
        cargo.args(["fuzz", "run", "--strip-dead-code", "--target-dir"]).arg(workspace.target("fuzz"));
        // What is new goes into the first folder.
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
