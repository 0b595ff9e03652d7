//! `cargo xtask bench`: runs the benchmark in a virtual environment of its own, with the Python of `.venv`. The
//! benchmark builds everything that it compares. A part of it runs on a free-threaded interpreter, if this machine has
//! one.

use std::path::PathBuf;

use anyhow::Result;

use crate::python::{VERSIONS, Venv};
use crate::run;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let venv = Venv::main(workspace)?;
    let mut python = venv.python();
    python.args(["-B", "bench/run.py"]).args(arguments).current_dir(&workspace.root);
    if let Some(program) = free_threaded(&venv)? {
        python.arg("--free-threaded").arg(program);
    }
    run::run(&mut python)
}

/// The newest free-threaded interpreter that works.
fn free_threaded(venv: &Venv) -> Result<Option<PathBuf>> {
    let installed = venv.installed()?;
    let mut versions = VERSIONS.iter().rev().filter(|version| version.ends_with('t'));
    Ok(versions.find_map(|version| installed.of(version).ok().flatten()))
}
