//! The step that compiles and runs the code of the guide, and builds the book if mdbook is installed.

use anyhow::{Result, ensure};

use super::only::Only;
use super::{Outcome, Suite};
use crate::{guide as book, run};

const TESTS: &str = "tests/guide";
const REQUIREMENTS: &str = "tests/guide/requirements.txt";
/// The exit code of pytest if no test was selected.
const NO_TESTS: i32 = 5;

pub(super) fn guide(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    if let Err(error) = suite.venv.install(suite.workspace, REQUIREMENTS) {
        return Ok(Outcome::Skipped(format!(
            "{error:#}; `.venv/bin/python -m pip install -r {REQUIREMENTS}` may tell why"
        )));
    }
    // Rust is compiled with the settings of the other steps, so that cargo need not compile PyO3 again.
    let mut pytest = suite.embed(suite.venv.python());
    pytest
        .args(["-m", "pytest"])
        .args(&only.files)
        .args(only.files.is_empty().then_some(TESTS))
        .env("CARGO_TARGET_DIR", suite.workspace.target(""))
        .env("GUIDE_CRATE", suite.workspace.target("guide").join("crate"));
    if let Some(name) = &only.name {
        pytest.args(["-k", name]);
    }
    let status = run::status(&mut pytest)?;
    if only.is_some() && status.code() == Some(NO_TESTS) {
        return Ok(Outcome::NoMatch);
    }
    ensure!(status.success(), "pytest tests/guide failed ({status})");
    if let Some(reason) = book::missing() {
        return Ok(Outcome::Passed(reason));
    }
    book::build(suite.workspace)?;
    Ok(Outcome::Passed(String::new()))
}
