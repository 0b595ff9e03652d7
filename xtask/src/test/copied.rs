//! The step that builds crates outside the repository: a copied example, and a crate that `cargo xtask new` writes.

use std::fs;

use anyhow::{Context, Result};

use super::only::Only;
use super::{Outcome, Suite, rust};
use crate::new;
use crate::outside::Outside;
use crate::run;

pub(super) fn copied(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    let outcome = rust::copied_example(suite, only)?;
    new_crate(suite).context("the crate that `cargo xtask new` writes")?;
    Ok(outcome)
}

/// Writes a new crate, and runs the commands that its README shows.
fn new_crate(suite: &Suite<'_>) -> Result<()> {
    let outside = Outside::new("copied")?;
    let folder = outside.0.join("wind-speeds");
    new::write(suite.workspace, &folder)?;
    // The same versions as here, so that nothing else is downloaded.
    fs::copy(suite.workspace.root.join("Cargo.lock"), folder.join("Cargo.lock"))?;

    let venv = suite.venv.other(suite.workspace, "new", &suite.venv.python.executable)?;
    let mut maturin = venv.tool("maturin");
    maturin.args(["develop", "--uv", "--quiet", "--release"]).current_dir(&folder);
    run::run(maturin.env("CARGO_TARGET_DIR", suite.workspace.target("new")))?;
    run::run(venv.python().args(["-m", "pytest"]).current_dir(&folder))
}
