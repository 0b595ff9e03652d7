//! `cargo xtask bench`: runs the benchmark, which builds everything that it compares, in a virtual environment of its
//! own, for the Python of `.venv`.

use anyhow::Result;

use crate::python::Venv;
use crate::run;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let venv = Venv::main(workspace)?;
    run::run(venv.python().args(["-B", "bench/run.py"]).args(arguments).current_dir(&workspace.root))
}
