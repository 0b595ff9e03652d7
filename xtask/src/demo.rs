//! `cargo xtask demo`: from nothing to numpy on Rust's memory.

use anyhow::Result;

use crate::develop::{self, Profile};
use crate::run;
use crate::venv::Venv;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let venv = Venv::main(workspace)?;
    let matrix = workspace.example("matrix");
    develop::install_example(workspace, &venv, Profile::Release, &matrix)?;
    run::run(venv.python().arg(matrix.dir.join("demo.py")))
}
