//! `cargo xtask test`: prints a line before each step, runs all steps even if one fails, and ends with a table of the
//! outcomes.

mod configs;
mod copied;
mod guide;
mod instructions;
pub(crate) mod nightly;
mod only;
mod python;
mod replay;
mod rust;

use std::fmt::Write as _;
use std::time::Instant;

use anyhow::{Result, bail, ensure};

use self::only::Only;
use crate::python::Venv;
use crate::workspace::Workspace;

struct Step {
    name: &'static str,
    when: When,
    /// The time in seconds on two cores, with empty build directories.
    takes: u64,
    about: &'static str,
    run: fn(&Suite<'_>, &Only) -> Result<Outcome>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Rest,
}
use When::{Always, Rest};

const fn step(
    name: &'static str,
    when: When,
    takes: u64,
    about: &'static str,
    run: fn(&Suite<'_>, &Only) -> Result<Outcome>,
) -> Step {
    Step { name, when, takes, about, run }
}

/// The steps in the order in which they run: those that report mistakes soonest come first.
#[rustfmt::skip]
const STEPS: &[Step] = &[
    step("rust", Always, 30, "unit tests and proptest of the two crates", rust::unit),
    step("loom", Always, 25, "the lock under loom, with up to two preemptions", rust::loom),
    step("ui", Always, 90, "the derive's errors and their messages, its hygiene, and what users' crates depend on", rust::ui),
    step("doc", Always, 10, "the examples in the documentation", rust::doc),
    step("replay", Always, 60, "the fuzz targets, on the inputs in `fuzz/corpus` and on new ones", replay::replay),
    step("python", Always, 150, "the test extension and the examples, from Python", python::main),
    step("guide", Always, 90, "the pages of `docs/guide`: their Rust, their Python, and the book", guide::guide),
    step("loom-deep", Rest, 40, "the lock under loom, with up to four preemptions", rust::loom_deep),
    step("copied", Rest, 60, "an example, copied out of the repository and built; a crate of `cargo xtask new`, built and tested", copied::copied),
    step("instructions", Rest, 120, "the instructions of a view, compared with the recorded ones", instructions::instructions),
    step("configs", Rest, 35, "checks of builds for free-threaded Python, for the stable ABI, and without the default features", configs::check),
    step("processors", Rest, 180, "checks of builds for other processors, Windows and macOS", nightly::processors),
    step("atomic", Rest, 95, "the free-threaded lock under the GIL, from Python", python::atomic),
    step("versions", Rest, 450, "the test extension and the examples, on every other CPython of this machine", python::versions),
    step("miri", Rest, 240, "Miri, with both locks, under both models of aliasing", nightly::miri),
    step("tsan", Rest, 120, "ThreadSanitizer, with both locks", nightly::tsan),
    step("asan", Rest, 50, "AddressSanitizer", nightly::asan),
];

impl Step {
    /// Whether `-k` can select tests of this step.
    fn has_names(&self) -> bool {
        !matches!(self.name, "configs" | "processors" | "copied" | "replay" | "instructions")
    }
}

/// How a step ended, if it did not fail.
enum Outcome {
    /// With a remark on what could not run here, which may be empty.
    Passed(String),
    /// The step did not run. The text says why, and how to make it run.
    Skipped(String),
    /// No test matches the requested name or file.
    NoMatch,
}

impl Outcome {
    /// `Passed` if any test has run; otherwise `NoMatch` if tests were selected, and an error if not.
    fn of(passed: u64, only: &Only) -> Result<Self> {
        ensure!(passed > 0 || only.is_some(), "no test ran");
        Ok(if passed > 0 { Self::Passed(String::new()) } else { Self::NoMatch })
    }
}

/// The context of all steps.
pub(crate) struct Suite<'a> {
    workspace: &'a Workspace,
    venv: Venv,
}

impl<'a> Suite<'a> {
    pub(crate) fn new(workspace: &'a Workspace) -> Result<Self> {
        Ok(Self { workspace, venv: Venv::main(workspace)? })
    }
}

/// The names of the steps, with a description of each.
pub(crate) fn help() -> String {
    let mut help = String::from("Steps:\n");
    for step in STEPS {
        let rest = if step.when == Rest { " (--rest)" } else { "" };
        let _ = writeln!(help, "  {:12} {}{rest}", step.name, step.about);
    }
    help
}

/// Runs the steps or files in `what`. If `what` is empty, runs the steps that a contributor needs, or with `rest` all
/// others.
pub(crate) fn run(workspace: &Workspace, what: &[String], name: Option<&str>, rest: bool) -> Result<()> {
    let chosen = only::choose(workspace, what, name, |step| (step.when == Rest) == rest)?;
    let suite = Suite::new(workspace)?;
    let mut table = Vec::new();
    let mut failed = Vec::new();
    let mut matched = false;
    for (number, (step, only)) in (1..).zip(&chosen) {
        println!("\n== {number} of {}: {}, {}: {}", chosen.len(), step.name, about_time(step.takes), step.about);
        let begun = Instant::now();
        let outcome = (step.run)(&suite, only);
        matched |= !matches!(outcome, Ok(Outcome::NoMatch));
        let (outcome, remark) = match outcome {
            Ok(Outcome::Passed(remark)) => ("passed", remark),
            Ok(Outcome::Skipped(reason)) => ("skipped", reason),
            Ok(Outcome::NoMatch) => ("no match", String::new()),
            Err(error) => {
                failed.push(step.name);
                ("FAILED", format!("{error:#}"))
            }
        };
        if !remark.is_empty() {
            println!("   {outcome}: {remark}");
        }
        table.push(format!("   {:12} {outcome:9} {:5.0} s   {remark}", step.name, begun.elapsed().as_secs_f64()));
    }
    println!("\n== with Python {} ({})", suite.venv.python.version, suite.venv.python.executable.display());
    println!("   {:12} {:9} {:>7}   remark", "step", "outcome", "time");
    for line in table {
        println!("{}", line.trim_end());
    }
    if what.is_empty() && name.is_none() {
        let others: Vec<&str> = STEPS.iter().filter(|step| (step.when == Rest) != rest).map(|step| step.name).collect();
        let command = if rest { "cargo xtask test" } else { "cargo xtask test --rest" };
        println!("   not run: {}; `{command}` runs them", others.join(", "));
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    ensure!(matched, "no test matches");
    Ok(())
}

fn about_time(seconds: u64) -> String {
    if seconds < 100 { format!("about {seconds} s") } else { format!("about {} min", seconds.div_ceil(60)) }
}
