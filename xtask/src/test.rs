//! `cargo xtask test`: every step is announced, all of them run, and what failed or was left out is listed at the end.

mod configs;
pub(crate) mod nightly;
mod python;
mod replay;
mod rust;

use std::time::Instant;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::venv::Venv;
use crate::workspace::Workspace;

/// In the order in which they run: what fails soonest comes first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// Unit tests and proptest of the two crates
    Rust,
    /// What the derive refuses and with which words, and its hygiene
    Ui,
    /// The examples in the documentation
    Doc,
    /// The fuzz targets, on the inputs that are kept of them and on new ones made of those
    Replay,
    /// The test extension and the examples, from Python
    Python,
    /// The lock, under loom
    Loom,
    /// The free-threaded lock under the GIL, from Python
    Atomic,
    /// Builds for free-threaded Python and for the stable ABI, as far as the compiler checks them
    Configs,
    /// The test extension and the examples, on every other CPython of this machine
    Versions,
    /// Builds for other processors, where a nightly toolchain has the standard library's source
    Processors,
    /// Miri, where a nightly toolchain has it
    Miri,
    /// ThreadSanitizer, where a nightly toolchain has the standard library's source
    Tsan,
    /// AddressSanitizer, where there is a nightly toolchain
    Asan,
}

/// How a step ended, where it did not fail.
enum Outcome {
    Passed,
    /// Passed where it could run: where that was, and where not.
    Partly(String),
    /// Not run: why, and what would change that.
    Skipped(String),
}

/// What every step works with.
pub(crate) struct Suite<'a> {
    workspace: &'a Workspace,
    venv: Venv,
}

impl<'a> Suite<'a> {
    pub(crate) fn new(workspace: &'a Workspace) -> Result<Self> {
        Ok(Self { workspace, venv: Venv::main(workspace)? })
    }
}

pub(crate) fn run(workspace: &Workspace, mut steps: Vec<Step>) -> Result<()> {
    if steps.is_empty() {
        steps = Step::value_variants().to_vec();
    }
    let suite = Suite::new(workspace)?;
    let mut summary = Vec::new();
    let mut failed = Vec::new();
    for step in steps {
        let name = step.name();
        println!("\n== {name}: {}", step.about());
        let begun = Instant::now();
        let (outcome, remark) = match step.run(&suite) {
            Ok(Outcome::Passed) => ("passed", String::new()),
            Ok(Outcome::Partly(remark)) => ("passed", remark),
            Ok(Outcome::Skipped(reason)) => {
                println!("   skipped: {reason}");
                ("skipped", reason)
            }
            Err(error) => {
                println!("   failed: {error:#}");
                failed.push(name.clone());
                ("FAILED", format!("{error:#}"))
            }
        };
        summary.push(format!("   {outcome:8} {name:10} {:5.0} s   {remark}", begun.elapsed().as_secs_f64()));
    }
    println!("\n== summary, with Python {}", suite.venv.python);
    for line in summary {
        println!("{}", line.trim_end());
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

impl Step {
    fn run(self, suite: &Suite<'_>) -> Result<Outcome> {
        match self {
            Self::Rust => rust::unit(suite),
            Self::Ui => rust::ui(suite),
            Self::Doc => rust::doc(suite),
            Self::Replay => replay::replay(suite),
            Self::Python => python::main(suite),
            Self::Loom => rust::loom(suite),
            Self::Atomic => python::atomic(suite),
            Self::Configs => configs::check(suite),
            Self::Versions => python::versions(suite),
            Self::Processors => nightly::processors(suite),
            Self::Miri => nightly::miri(suite),
            Self::Tsan => nightly::tsan(suite),
            Self::Asan => nightly::asan(suite),
        }
    }

    /// As the command line has it.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The line that documents the variant.
    fn about(self) -> String {
        let help = self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string));
        help.unwrap_or_default()
    }
}
