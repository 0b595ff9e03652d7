//! The steps that cargo runs with the stable toolchain.

use std::process::Command;

use anyhow::{Result, ensure};

use super::only::Only;
use super::{Outcome, Suite};
use crate::run;

/// The test that runs all ui cases with trybuild.
const COMPARES_CASES: &str = "refusals_say_what_to_write";
/// The test that is a part of the step `copied`.
const BUILDS_A_COPY: &str = "a_copied_example_builds";
/// The exit code of nextest if no test matches.
const NO_TESTS: i32 = 4;
const CRATES: [&str; 4] = ["-p", "buffer-derive", "-p", "buffer-runtime"];

impl Suite<'_> {
    /// A cargo command for executables that link PyO3. If they cannot be linked with libpython, they are built as an
    /// extension module is. Tests that need no interpreter work in such a build too; other tests are not built in this
    /// way.
    pub(super) fn embed(&self, mut cargo: Command) -> Command {
        let python = &self.venv.python;
        cargo.current_dir(&self.workspace.root).env("PYO3_PYTHON", &python.executable);
        if let Some(dir) = &python.libpython {
            let variable = if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
            // An embedded interpreter finds its packages through the first `python3` on the path.
            run::prepend_path(&mut cargo, &[self.venv.bin()]).env(variable, dir);
        } else {
            cargo.env("PYO3_BUILD_EXTENSION_MODULE", "1");
        }
        cargo
    }

    fn cargo(&self) -> Command {
        self.embed(self.workspace.cargo())
    }
}

pub(super) fn unit(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    let tests = ["-p", "xtask", "--all-features", "--lib", "--bins", "--tests"];
    let mut cargo = suite.cargo();
    if run::read(suite.cargo().args(["nextest", "--version"])).is_ok() {
        let status = run::status(
            cargo.args(["nextest", "run", "--no-fail-fast"]).args(CRATES).args(tests).args(only.filters()),
        )?;
        ensure!(status.success() || status.code() == Some(NO_TESTS), "nextest failed ({status})");
        return Outcome::of(u64::from(status.success()), only);
    }
    cargo.args(["test", "--no-fail-fast"]).args(CRATES).args(tests).arg("--").args(only.filters());
    Outcome::of(run::run_tests(&mut cargo)?, only)
}

pub(super) fn ui(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    let mut remark = String::new();
    let mut targets = vec!["--tests".to_owned()];
    if let Some(reason) = cannot_embed(suite) {
        // The derive's expansion refers to Python's symbols: it compiles without libpython, but cannot be linked.
        run::run(suite.cargo().args(["check", "-p", "buffer-tests", "--tests"]))?;
        targets = ["ui", "outside", "front_page"].map(|test| format!("--test={test}")).to_vec();
        remark = format!("hygiene was compiled but not run: {reason}");
    }
    let (mut cases, files): (Vec<String>, Vec<String>) =
        only.files.iter().cloned().partition(|file| file.starts_with("trybuild="));
    cases.extend(only.name.iter().filter(|name| has_case(suite, name)).map(|name| format!("trybuild={name}")));
    if !only.files.is_empty() {
        targets = files.iter().map(|file| format!("--test={file}")).collect();
    }
    let mut passed = 0;
    if !targets.is_empty() {
        passed += run_from_outside(suite, &targets, only.name.as_slice())?;
    }
    if !cases.is_empty() {
        // A single test runs all cases.
        cases.insert(0, COMPARES_CASES.to_owned());
        passed += run_from_outside(suite, &["--test=ui".to_owned()], &cases)?;
    }
    Ok(match Outcome::of(passed, only)? {
        Outcome::Passed(_) => Outcome::Passed(remark),
        other => other,
    })
}

fn run_from_outside(suite: &Suite<'_>, targets: &[String], names: &[String]) -> Result<u64> {
    let mut cargo = suite.cargo();
    cargo.args(["test", "--no-fail-fast", "-p", "buffer-tests"]).args(targets);
    run::run_tests(cargo.args(["--", "--skip", BUILDS_A_COPY]).args(names))
}

fn has_case(suite: &Suite<'_>, name: &str) -> bool {
    let cases = suite.workspace.root.join("tests/ui").read_dir();
    cases.into_iter().flatten().flatten().any(|case| case.file_name().to_string_lossy().contains(name))
}

pub(super) fn doc(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    if let Some(reason) = cannot_embed(suite) {
        return Ok(Outcome::Skipped(reason));
    }
    let mut cargo = suite.cargo();
    cargo.args(["test", "--no-fail-fast", "--doc", "--all-features"]).args(CRATES).arg("--").args(only.filters());
    Outcome::of(run::run_tests(&mut cargo)?, only)
}

/// The reason why this Python cannot be embedded in an executable, if there is one.
fn cannot_embed(suite: &Suite<'_>) -> Option<String> {
    let python = &suite.venv.python;
    python.libpython.is_none().then(|| {
        format!(
            "Python {} has no shared library to link with; on Debian and Ubuntu `apt install python3-dev` adds it",
            python.version
        )
    })
}

pub(super) fn loom(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    explore(suite, only, "2")
}

pub(super) fn loom_deep(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    explore(suite, only, "4")
}

fn explore(suite: &Suite<'_>, only: &Only, preemptions: &str) -> Result<Outcome> {
    let mut cargo = suite.cargo();
    // Optimised, because loom runs each model some hundred thousand times.
    cargo.args(["test", "--release", "-p", "buffer-loom", "--"]).args(only.filters());
    cargo.env("LOOM_MAX_PREEMPTIONS", preemptions);
    Outcome::of(run::run_tests(&mut cargo)?, only)
}

/// Checks that an example builds outside the repository, with only the path of the runtime changed.
pub(super) fn copied_example(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    let mut cargo = suite.cargo();
    cargo.args(["test", "-p", "buffer-tests", "--test", "outside", "--", BUILDS_A_COPY]);
    Outcome::of(run::run_tests(&mut cargo)?, only)
}
