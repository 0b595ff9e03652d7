//! Counts the instructions of the benchmark's requests, and compares them with those in `bench/expected.json`.

use anyhow::{Result, bail};

use super::only::Only;
use super::{Outcome, Suite};
use crate::run;

/// The exit status of `bench/run.py` if the machine lacks what it needs. A line says what is missing.
const SKIPPED: i32 = 3;

pub(super) fn instructions(suite: &Suite<'_>, _only: &Only) -> Result<Outcome> {
    let mut python = suite.venv.python();
    python.args(["-B", "bench/run.py", "--instructions"]).current_dir(&suite.workspace.root);
    match run::status(&mut python)?.code() {
        Some(0) => Ok(Outcome::Passed(String::new())),
        Some(SKIPPED) => Ok(Outcome::Skipped("valgrind and Python's headers are needed".to_owned())),
        _ => bail!("the instructions of a view are not the recorded ones, or were not counted"),
    }
}
