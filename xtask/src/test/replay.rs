//! Runs the fuzz targets without a fuzzer, on the inputs in `fuzz/corpus` and on new inputs that are mutations of
//! these, with fixed random seeds. Needs only the stable toolchain.

use anyhow::Result;

use super::only::Only;
use super::{Outcome, Suite};
use crate::run;

/// The number of new inputs for each target, which take some seconds.
const NEW: &str = "300000";

pub(super) fn replay(suite: &Suite<'_>, _only: &Only) -> Result<Outcome> {
    // Only the target `exporter` uses the lock, so only that one runs with both locks.
    for (flags, target, only) in [
        ("--cfg fuzzing", "replay", None),
        ("--cfg fuzzing --cfg buffer_atomic_lock", "replay-atomic", Some("exporter")),
    ] {
        let mut cargo = suite.embed(suite.workspace.cargo());
        run::set_rustflags(&mut cargo, flags);
        cargo.args([
            "run",
            "--release",
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--no-default-features",
            "--bin",
            "replay",
        ]);
        cargo.arg("--target-dir").arg(suite.workspace.target(target)).args(["--", "fuzz/corpus", NEW]).args(only);
        run::run(&mut cargo)?;
    }
    Ok(Outcome::Passed(String::new()))
}
