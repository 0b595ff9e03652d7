//! The fuzz targets without a fuzzer: on the kept inputs, and on new ones that are made of those by fixed random numbers. The
//! stable toolchain is enough.

use anyhow::Result;

use super::only::Only;
use super::{Outcome, Suite};
use crate::run;

/// How many new inputs each target gets: some seconds.
const NEW: &str = "300000";

pub(super) fn replay(suite: &Suite<'_>, _only: &Only) -> Result<Outcome> {
    // Only the exporter has a lock: one after the other.
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
