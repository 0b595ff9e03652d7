//! The steps that pytest runs: the test extension and the examples, on one interpreter or on all of them.

use std::env;
use std::process::Command;

use anyhow::{Result, bail};

use super::{Outcome, Suite};
use crate::develop::{self, Profile};
use crate::interpreters::{Interpreter, VERSIONS};
use crate::run;
use crate::venv::Venv;
use crate::workspace::Workspace;

/// The package with the test extension, and the name that Python imports it by.
const EXTENSION: (&str, &str) = ("buffer-tests", "buffer_tests_ext");
const TESTS: &str = "tests/python";
/// Those of the examples together, with what the tests of the test extension use.
const TESTS_OF_EXAMPLES: &str = "tests/examples";
/// How many random layouts are tried where examples are built quickly, and run slowly, unless somebody else says it.
const LAYOUTS: (&str, &str) = ("DYNARRAY_LAYOUTS", "1000");

/// On `.venv`, with the examples as they are released.
pub(super) fn main(suite: &Suite<'_>) -> Result<Outcome> {
    on(suite.workspace, &suite.venv, Profile::Release)?;
    Ok(Outcome::Passed)
}

/// On each other version that this machine has, in an environment of its own.
pub(super) fn versions(suite: &Suite<'_>) -> Result<Outcome> {
    let others = VERSIONS.iter().filter(|version| **version != suite.venv.python.tag);
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for version in others {
        match Interpreter::of_version(version) {
            Some(python) => found.push(python),
            None => missing.push(*version),
        }
    }
    let names: Vec<&str> = found.iter().map(|python| python.version.as_str()).collect();
    let remark = format!("found {}; not found {}", listed(&names), listed(&missing));
    println!("   {remark}");
    if found.is_empty() {
        return Ok(Outcome::Skipped(remark));
    }
    let mut failed = Vec::new();
    for python in &found {
        println!("\n== versions: {python}");
        let tested = Venv::of(suite.workspace, python).and_then(|venv| on(suite.workspace, &venv, Profile::Dev));
        if let Err(error) = tested {
            println!("   failed: {error:#}");
            failed.push(format!("{}: {error:#}", python.tag));
        }
    }
    all_passed(&failed)?;
    Ok(if missing.is_empty() { Outcome::Passed } else { Outcome::Partly(remark) })
}

/// On `.venv`, with a build of the test extension that uses the free-threaded lock although there is a GIL.
pub(super) fn atomic(suite: &Suite<'_>) -> Result<Outcome> {
    let target = suite.workspace.target("atomic");
    let mut cargo = develop::cargo_for_extension(suite.workspace, &suite.venv);
    run::set_rustflags(&mut cargo, "--cfg buffer_atomic_lock");
    run::run(cargo.args(["build", "-p", EXTENSION.0, "--target-dir"]).arg(&target))?;
    // Not into the environment, where it would replace the ordinary build; this directory is searched first.
    let modules = target.join("modules");
    develop::copy_module(&suite.venv, EXTENSION.1, &target, &modules)?;
    run::run(pytest(suite.workspace, &suite.venv, TESTS).env("PYTHONPATH", modules))?;
    Ok(Outcome::Passed)
}

/// Builds everything for one environment, and runs everything there.
fn on(workspace: &Workspace, venv: &Venv, profile: Profile) -> Result<()> {
    let target = develop::target(workspace, venv);
    let mut cargo = develop::cargo_for_extension(workspace, venv);
    run::run(cargo.args(["build", "-p", EXTENSION.0, "--target-dir"]).arg(&target))?;
    develop::copy_module(venv, EXTENSION.1, &target, &venv.site_packages()?)?;

    // Neither keeps two cores busy.
    let (own, examples) =
        run::run_beside(&mut pytest(workspace, venv, TESTS), || test_examples(workspace, venv, profile));
    let mut failed = examples?;
    if own.is_err() {
        failed.insert(0, format!("pytest {TESTS}"));
    }
    all_passed(&failed)
}

/// Builds the examples and runs their tests. Answers which failed.
fn test_examples(workspace: &Workspace, venv: &Venv, profile: Profile) -> Result<Vec<String>> {
    develop::install_examples(workspace, venv, profile)?;
    let mut failed = Vec::new();
    for example in workspace.examples()?.iter().filter(|example| example.dir.join("tests").is_dir()) {
        // Apart, since each brings its own settings and may name its test files as others do.
        let tests = format!("examples/{}/tests", example.name);
        let mut pytest = pytest(workspace, venv, &tests);
        if matches!(profile, Profile::Dev) && env::var_os(LAYOUTS.0).is_none() {
            pytest.env(LAYOUTS.0, LAYOUTS.1);
        }
        if run::run(&mut pytest).is_err() {
            failed.push(format!("pytest {tests}"));
        }
    }
    if run::run(&mut pytest(workspace, venv, TESTS_OF_EXAMPLES)).is_err() {
        failed.push(format!("pytest {TESTS_OF_EXAMPLES}"));
    }
    Ok(failed)
}

fn pytest(workspace: &Workspace, venv: &Venv, tests: &str) -> Command {
    let mut pytest = venv.python();
    pytest.args(["-m", "pytest", tests]).current_dir(&workspace.root);
    pytest
}

fn all_passed(failed: &[String]) -> Result<()> {
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    Ok(())
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
