//! `cargo xtask demo`: builds the matrix example, and shows numpy using Rust's memory.

use anyhow::Result;

use crate::develop;
use crate::python::Venv;
use crate::run;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let venv = Venv::main(workspace)?;
    let matrix = workspace.example("matrix");
    develop::install_example(workspace, &venv, true, &matrix)?;
    run::run(venv.python().arg(matrix.dir.join("demo.py")))
}
