//! The steps that cargo runs with the stable toolchain.

use std::env;
use std::process::Command;

use anyhow::Result;

use super::{Outcome, Suite};
use crate::run;

const CRATES: [&str; 4] = ["-p", "buffer-derive", "-p", "buffer-runtime"];

impl Suite<'_> {
    /// A cargo command for executables that link PyO3. Where they cannot be linked with libpython they are built as
    /// an extension module would be: tests that need no interpreter work like that, and no others are built so.
    pub(super) fn embed(&self, mut cargo: Command) -> Command {
        let python = &self.venv.python;
        cargo.current_dir(&self.workspace.root).env("PYO3_PYTHON", &python.executable);
        match python.library_path() {
            Some((variable, dir)) => {
                // An embedded interpreter takes its packages from the first `python3` on the path.
                let path = env::var_os("PATH").unwrap_or_default();
                let path = [self.venv.bin()].into_iter().chain(env::split_paths(&path));
                cargo.env(variable, dir).env("PATH", env::join_paths(path).unwrap_or_default());
            }
            None => {
                cargo.env("PYO3_BUILD_EXTENSION_MODULE", "1");
            }
        }
        cargo
    }

    fn cargo(&self) -> Command {
        self.embed(self.workspace.cargo())
    }
}

pub(super) fn unit(suite: &Suite<'_>) -> Result<Outcome> {
    let nextest = run::read(suite.cargo().args(["nextest", "--version"])).is_ok();
    let runner: &[&str] = if nextest { &["nextest", "run", "--no-fail-fast"] } else { &["test", "--no-fail-fast"] };
    let tests = ["-p", "xtask", "--all-features", "--lib", "--bins", "--tests"];
    run::run(suite.cargo().args(runner).args(CRATES).args(tests))?;
    Ok(Outcome::Passed)
}

pub(super) fn ui(suite: &Suite<'_>) -> Result<Outcome> {
    let Some(reason) = cannot_embed(suite) else {
        run::run(suite.cargo().args(["test", "--no-fail-fast", "-p", "buffer-tests", "--tests"]))?;
        return Ok(Outcome::Passed);
    };
    // What the derive expands to refers to Python; the compiler can check that, only the linker cannot finish it.
    run::run(suite.cargo().args(["check", "-p", "buffer-tests", "--tests"]))?;
    run::run(suite.cargo().args(["test", "-p", "buffer-tests", "--test", "ui"]))?;
    Ok(Outcome::Partly(format!("the tests beside `ui` were compiled but not run: {reason}")))
}

pub(super) fn doc(suite: &Suite<'_>) -> Result<Outcome> {
    if let Some(reason) = cannot_embed(suite) {
        return Ok(Outcome::Skipped(reason));
    }
    run::run(suite.cargo().args(["test", "--no-fail-fast", "--doc", "--all-features"]).args(CRATES))?;
    Ok(Outcome::Passed)
}

/// Why an executable cannot have this Python in it, if it cannot.
fn cannot_embed(suite: &Suite<'_>) -> Option<String> {
    let python = &suite.venv.python;
    python.libpython.is_none().then(|| {
        format!(
            "Python {python} has no shared library to link with; on Debian and Ubuntu `apt install python3-dev` adds it"
        )
    })
}

pub(super) fn loom(suite: &Suite<'_>) -> Result<Outcome> {
    let mut cargo = suite.cargo();
    run::set_rustflags(&mut cargo, "--cfg loom");
    // Optimised, because loom runs each model some hundred thousand times.
    cargo
        .args(["test", "--release", "-p", "buffer-runtime", "--lib", "loom", "--target-dir"])
        .arg(suite.workspace.target("loom"));
    run::run_filtered_tests(&mut cargo)?;
    Ok(Outcome::Passed)
}
