//! Building extension modules into a virtual environment: maturin builds the wheels, as it does for their users.

use anyhow::{Context, Result};

use crate::python::Venv;
use crate::run;
use crate::workspace::{Example, Workspace};

/// How cargo compiles.
#[derive(Clone, Copy)]
pub(crate) struct Build<'a> {
    /// The build directory, one for each set of flags and each interpreter: sharing one would rebuild PyO3 at every change.
    pub(crate) target: &'a str,
    /// As a release, or quickly and with every assertion.
    pub(crate) release: bool,
    pub(crate) rustflags: Option<&'a str>,
}

/// Makes `.venv` and installs every example into it.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let venv = Venv::main(workspace)?;
    workspace.examples()?.iter().try_for_each(|example| install_example(workspace, &venv, true, example))
}

pub(crate) fn install_example(workspace: &Workspace, venv: &Venv, release: bool, example: &Example) -> Result<()> {
    let target = target(venv);
    install(workspace, venv, Build { target: &target, release, rustflags: None }, &format!("examples/{}", example.name))
}

/// Builds the package in this directory of the repository, and installs it.
pub(crate) fn install(workspace: &Workspace, venv: &Venv, build: Build<'_>, package: &str) -> Result<()> {
    let mut maturin = venv.tool("maturin");
    maturin
        .args(["develop", "--uv", "--quiet", "--manifest-path", &format!("{package}/Cargo.toml")])
        .args(build.release.then_some("--release"))
        .current_dir(&workspace.root)
        .env("CARGO_TARGET_DIR", workspace.target(build.target))
        // Built once for each interpreter and seldom again: what an incremental build would keep is gigabytes.
        .env("CARGO_INCREMENTAL", "0");
    if let Some(flags) = build.rustflags {
        run::set_rustflags(&mut maturin, flags);
    }
    run::run(&mut maturin).with_context(|| format!("cannot build {package}"))
}

/// Where extension modules for this interpreter are built.
pub(crate) fn target(venv: &Venv) -> String {
    format!("py{}", venv.python.tag)
}
