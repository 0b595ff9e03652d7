//! Building extension modules into a virtual environment: the examples as wheels, as their users would, and the
//! tests' own extension as the bare library.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::run;
use crate::venv::Venv;
use crate::workspace::{Example, Workspace};

/// Makes `.venv` and installs every example into it.
pub(crate) fn run(workspace: &Workspace) -> Result<Venv> {
    let venv = Venv::main(workspace)?;
    install_examples(workspace, &venv, Profile::Release)?;
    Ok(venv)
}

/// How cargo compiles: as for a release, or quickly and with every assertion.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    Release,
    Dev,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }
}

pub(crate) fn install_examples(workspace: &Workspace, venv: &Venv, profile: Profile) -> Result<()> {
    for example in workspace.examples()? {
        install_example(workspace, venv, profile, &example)?;
    }
    Ok(())
}

pub(crate) fn install_example(workspace: &Workspace, venv: &Venv, profile: Profile, example: &Example) -> Result<()> {
    println!("== building examples/{} for {}", example.name, venv.name());
    install_wheel(workspace, venv, profile, example).with_context(|| format!("cannot build examples/{}", example.name))
}

/// Builds the example's wheel with maturin, and installs it if its bytes are not those that are installed already.
fn install_wheel(workspace: &Workspace, venv: &Venv, profile: Profile, example: &Example) -> Result<()> {
    let target = target(workspace, venv);
    let wheels = target.join("wheels").join(&example.name);
    if wheels.exists() {
        fs::remove_dir_all(&wheels)?;
    }
    if !target.exists() {
        println!("   the first build compiles PyO3 as well, which takes about half a minute");
    }
    let mut maturin = run::command(venv.bin().join("maturin"));
    maturin
        .args(["build", "--profile", profile.name(), "--quiet", "--auditwheel", "skip", "--manifest-path"])
        .arg(example.dir.join("Cargo.toml"))
        .arg("--interpreter")
        .arg(&venv.python.executable)
        .arg("--target-dir")
        .arg(&target)
        .arg("--out")
        .arg(&wheels)
        // A constant time in the archive: equal contents are equal bytes then.
        .env("SOURCE_DATE_EPOCH", "315532800");
    run::read(&mut maturin)?;

    let built: Vec<PathBuf> = wheels.read_dir()?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    ensure!(built.len() == 1, "maturin left {} files in {}", built.len(), wheels.display());
    let wheel = &built[0];
    if venv.has(wheel)? {
        return Ok(());
    }
    run::run(venv.pip_install().args(["--force-reinstall", "--no-deps", "--no-index"]).arg(wheel))?;
    venv.remember(wheel)
}

/// A cargo command that builds extension modules for the interpreter: these find Python's symbols in the process that
/// loads them, and are not linked with libpython.
pub(crate) fn cargo_for_extension(workspace: &Workspace, venv: &Venv) -> Command {
    let mut cargo = workspace.cargo();
    cargo.env("PYO3_PYTHON", &venv.python.executable).env("PYO3_BUILD_EXTENSION_MODULE", "1");
    // Built once for each interpreter and seldom again: what an incremental build would keep is gigabytes.
    cargo.env("CARGO_INCREMENTAL", "0");
    cargo
}

/// Where extension modules for this interpreter are built.
pub(crate) fn target(workspace: &Workspace, venv: &Venv) -> PathBuf {
    workspace.target(&venv.flavour)
}

/// Copies the library that cargo built for `module` to where the interpreter will import it from `dir`.
pub(crate) fn copy_module(venv: &Venv, module: &str, target: &Path, dir: &Path) -> Result<()> {
    let library = target.join("debug").join(format!("{DLL_PREFIX}{module}{DLL_SUFFIX}"));
    let installed = dir.join(format!("{module}{}", venv.python.extension_suffix));
    // Renamed into place: writing into a library that a running interpreter has mapped would crash it.
    let written = installed.with_extension("new");
    fs::create_dir_all(dir)?;
    fs::copy(&library, &written).with_context(|| format!("cannot copy {}", library.display()))?;
    fs::rename(&written, &installed).with_context(|| format!("cannot write {}", installed.display()))
}
