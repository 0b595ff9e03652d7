//! `cargo xtask demo`: from nothing to numpy on Rust's memory.

use anyhow::Result;

use crate::workspace::Workspace;
use crate::{develop, run};

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let venv = develop::run(workspace)?;
    let demo = workspace.root.join("examples").join("matrix").join("demo.py");
    run::run(venv.python().arg(demo))
}
