//! Builds extension modules into a virtual environment, with maturin, as the modules' users do.

use anyhow::{Context, Result};

use crate::python::Venv;
use crate::run;
use crate::workspace::{Example, Workspace};

/// The settings of a cargo build.
#[derive(Clone, Copy)]
pub(crate) struct Build<'a> {
    /// The build directory, one for each set of flags and each interpreter: in a shared one, cargo would rebuild PyO3
    /// whenever the flags or the interpreter change.
    pub(crate) target: &'a str,
    /// Whether to build for release. Otherwise the build has no optimisation, and every assertion.
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
        // The modules are seldom rebuilt, and the data of incremental builds would take gigabytes for each interpreter.
        .env("CARGO_INCREMENTAL", "0");
    if let Some(flags) = build.rustflags {
        run::set_rustflags(&mut maturin, flags);
    }
    run::run(&mut maturin).with_context(|| format!("cannot build {package}"))
}

/// The build directory of the extension modules for this interpreter.
pub(crate) fn target(venv: &Venv) -> String {
    format!("py{}", venv.python.tag)
}
