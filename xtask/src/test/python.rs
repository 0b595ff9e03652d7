//! The steps that pytest runs: the test extension and the examples, on one interpreter or on all of them.

use std::env;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::only::Only;
use super::{Outcome, Suite};
use crate::develop::{self, Build};
use crate::python::{VERSIONS, Venv};
use crate::run;
use crate::workspace::Workspace;

const TESTS: &str = "tests/python";
/// Tests that use all examples together, and modules of the other tests.
const TESTS_OF_EXAMPLES: &str = "tests/examples";
/// The environment variable with the number of random layouts to test, and its default for examples that are built
/// without optimisation.
const LAYOUTS: (&str, &str) = ("DYNARRAY_LAYOUTS", "1000");
/// The exit code of pytest if no test was selected.
const NO_TESTS: i32 = 5;

/// Runs the tests in `.venv`, with release builds of the examples.
pub(super) fn main(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    Ok(outcome(on(suite.workspace, &suite.venv, true, only)?, String::new()))
}

/// Runs the tests on every other version that this machine has, in a separate environment for each.
pub(super) fn versions(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    let installed = suite.venv.installed()?;
    let mut missing = Vec::new();
    let mut broken = Vec::new();
    let mut found = Vec::new();
    for version in VERSIONS.into_iter().filter(|version| *version != suite.venv.python.tag) {
        let venv = installed.of(version).and_then(|program| {
            program.map(|program| suite.venv.other(suite.workspace, version, &program)).transpose()
        });
        match venv {
            Ok(Some(venv)) => found.push(venv),
            Ok(None) => missing.push(version),
            Err(error) => broken.push(format!("; {version} is broken: {error:#}")),
        }
    }
    let versions: Vec<&str> = found.iter().map(|venv| venv.python.version.as_str()).collect();
    let remark = format!("found {}; not found {}{}", listed(&versions), listed(&missing), broken.concat());
    println!("   {remark}");
    if found.is_empty() {
        return Ok(Outcome::Skipped(remark));
    }
    let done = run::beside(&found, |venv| on(suite.workspace, venv, false, only));
    let done = versions.iter().zip(done).map(|(version, done)| done.with_context(|| (*version).to_owned()));
    Ok(outcome(sum(done).with_context(|| remark.clone())?, remark))
}

/// Runs the tests with a build of the test extension that uses the free-threaded lock although there is a GIL.
pub(super) fn atomic(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    let venv = suite.venv.other(suite.workspace, "atomic", &suite.venv.python.executable)?;
    let build = Build { target: "atomic", release: false, rustflags: Some("--cfg buffer_atomic_lock") };
    develop::install(suite.workspace, &venv, build, "tests")?;
    Ok(outcome(pytest(suite.workspace, &venv, false, TESTS, only)?, String::new()))
}

/// Builds the test extension and the examples for one environment, and runs their tests there. Returns whether any test
/// has run.
fn on(workspace: &Workspace, venv: &Venv, release: bool, only: &Only) -> Result<bool> {
    // Tests of the examples need the test extension too.
    let target = develop::target(venv);
    develop::install(workspace, venv, Build { target: &target, release: false, rustflags: None }, "tests")?;
    // Each job uses only one core.
    let jobs = [true, false];
    sum(run::beside(&jobs, |own| {
        if *own { pytest(workspace, venv, release, TESTS, only) } else { examples(workspace, venv, release, only) }
    }))
}

/// Builds the examples and runs their tests, separately for each example, since each has its own pytest settings.
fn examples(workspace: &Workspace, venv: &Venv, release: bool, only: &Only) -> Result<bool> {
    let ran = workspace.examples()?.into_iter().map(|example| {
        let tests = format!("examples/{}/tests", example.name);
        if !only.files.is_empty() && !only.files.iter().any(|file| file.starts_with(&tests)) {
            return Ok(false);
        }
        develop::install_example(workspace, venv, release, &example)?;
        pytest(workspace, venv, release, &tests, only)
    });
    let ran: Vec<_> = ran.collect();
    sum(ran.into_iter().chain([pytest(workspace, venv, release, TESTS_OF_EXAMPLES, only)]))
}

/// Runs the requested tests in this directory. Returns whether any test has run.
fn pytest(workspace: &Workspace, venv: &Venv, release: bool, tests: &str, only: &Only) -> Result<bool> {
    let mut files: Vec<&str> =
        only.files.iter().map(String::as_str).filter(|file| Path::new(file).starts_with(tests)).collect();
    if only.files.is_empty() {
        files.push(tests);
    }
    if files.is_empty() || !workspace.root.join(tests).is_dir() {
        return Ok(false);
    }
    let mut pytest = venv.python();
    pytest.args(["-m", "pytest"]).args(files).current_dir(&workspace.root);
    if let Some(name) = &only.name {
        pytest.args(["-k", name]);
    }
    if !release && env::var_os(LAYOUTS.0).is_none() {
        pytest.env(LAYOUTS.0, LAYOUTS.1);
    }
    let status = run::status(&mut pytest)?;
    let none = only.name.is_some() && status.code() == Some(NO_TESTS);
    ensure!(none || status.success(), "pytest {tests} failed ({status})");
    Ok(!none)
}

fn outcome(any: bool, remark: String) -> Outcome {
    if any { Outcome::Passed(remark) } else { Outcome::NoMatch }
}

/// Whether any test has run. Runs all jobs before it reports the errors.
fn sum(done: impl IntoIterator<Item = Result<bool>>) -> Result<bool> {
    let mut any = false;
    let mut failed = Vec::new();
    for done in done {
        match done {
            Ok(ran) => any |= ran,
            Err(error) => failed.push(format!("{error:#}")),
        }
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    Ok(any)
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
