//! The steps that need a nightly toolchain, which is optional: other processors, Miri and the sanitizers.

use std::process::Command;

use anyhow::Result;

use super::only::Only;
use super::{Outcome, Suite, configs};
use crate::run;

/// Both locks, and the build directory of each.
const LOCKS: [(&str, &str); 2] = [("", "gil"), ("--cfg buffer_atomic_lock", "atomic")];

/// The targets, with the size of a pointer in bits.
const TARGETS: [(&str, u8); 4] = [
    // C's `char` is unsigned here.
    ("aarch64-unknown-linux-gnu", 64),
    ("i686-unknown-linux-gnu", 32),
    ("x86_64-pc-windows-msvc", 64),
    ("aarch64-apple-darwin", 64),
];
/// The examples that are also checked, which need no C compiler for the target.
const EXAMPLES: [&str; 10] = ["-p", "consume", "-p", "dynarray", "-p", "mapfile", "-p", "matrix", "-p", "records"];

/// Checks builds for all targets. The standard library is checked as well, so that no target must be installed.
pub(super) fn processors(suite: &Suite<'_>, _: &Only) -> Result<Outcome> {
    if let Some(reason) = missing("rust-src") {
        return Ok(Outcome::Skipped(reason));
    }
    for (target, bits) in TARGETS {
        let mut cargo = suite.nightly();
        cargo
            .args(["check", "-p", "buffer-runtime", "--features", FEATURES])
            .args(EXAMPLES)
            .args(["--target", target, "-Zbuild-std", "--target-dir"])
            .arg(suite.workspace.target("processors"))
            .env("PYO3_CONFIG_FILE", configs::describe(suite, target, bits, "version=3.14\n")?);
        run::run(&mut cargo)?;
    }
    Ok(Outcome::Passed("examples/foreign was left out, which needs a C compiler for each".to_owned()))
}

const FEATURES: &str = "buffer-runtime/aligned-vec,buffer-runtime/bytes,buffer-runtime/dlpack,buffer-runtime/half,\
                        buffer-runtime/memmap2,buffer-runtime/ndarray,buffer-runtime/num-complex,buffer-runtime/pickle,\
                        buffer-runtime/smallvec,buffer-runtime/test-kit";

/// The tests of memory that several owners share. Only these also run under the second aliasing model, since running
/// all tests there would double the time.
const SHARING: [&str; 4] = ["miri_views_", "miri_slots_", "miri_orphans_", "miri_the_last_views_"];

/// Miri interprets the tests whose names contain `miri_`. Nothing is linked and no Python runs: these tests call the C
/// API only through the crate's module `interpreter`.
pub(super) fn miri(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    if let Some(reason) = missing("miri") {
        return Ok(Outcome::Skipped(reason));
    }
    // Miri uses one processor. The aliasing models of a lock share a build.
    let passed = run::beside(&LOCKS, |(cfg, lock)| {
        let models = [("", &["miri_"][..]), ("-Zmiri-tree-borrows", &SHARING)];
        models.into_iter().map(|(model, tests)| interpret(suite, (cfg, lock), model, tests, only)).sum::<Result<u64>>()
    });
    each(passed, only)
}

/// Returns how many tests passed.
fn interpret(suite: &Suite<'_>, (cfg, lock): (&str, &str), model: &str, tests: &[&str], only: &Only) -> Result<u64> {
    let mut cargo = suite.nightly();
    run::set_rustflags(&mut cargo, cfg);
    // The queue of orphans finds blocks by their exposed addresses, about which Miri would warn.
    cargo.env("MIRIFLAGS", format!("-Zmiri-permissive-provenance {model}").trim());
    cargo
        .args(["miri", "test", "-p", "buffer-runtime", "--all-features", "--lib", "--target-dir"])
        .arg(suite.workspace.target(&format!("miri-{lock}")))
        .arg("--")
        .args(filter(tests, only));
    run::run_tests(&mut cargo)
}

/// Runs the `tsan_` tests under ThreadSanitizer. The standard library is built again, so that its own synchronisation
/// is instrumented too.
pub(super) fn tsan(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    if let Some(reason) = missing_for_sanitizers("rust-src") {
        return Ok(Outcome::Skipped(reason));
    }
    // With the free-threaded lock, threads run at the same time that the GIL would run one after the other.
    let passed = LOCKS.map(|(cfg, lock)| {
        sanitize(
            suite,
            &format!("thread-{lock}"),
            &format!("-Zsanitizer=thread {cfg}"),
            &["-Zbuild-std"],
            &filter(&["tsan_"], only),
        )
    });
    each(passed, only)
}

pub(super) fn asan(suite: &Suite<'_>, only: &Only) -> Result<Outcome> {
    if let Some(reason) = missing_for_sanitizers("rustc") {
        return Ok(Outcome::Skipped(reason));
    }
    each([sanitize(suite, "address", "-Zsanitizer=address", &[], &filter(&[], only))], only)
}

/// Returns how many tests passed.
fn sanitize(suite: &Suite<'_>, target_dir: &str, flags: &str, arguments: &[&str], filter: &[String]) -> Result<u64> {
    let mut cargo = suite.nightly();
    run::set_rustflags(&mut cargo, flags.trim());
    // With an explicit target the flags do not apply to build scripts and procedural macros.
    cargo
        .args(["test", "-p", "buffer-runtime", "--all-features", "--lib", "--target", SANITIZED, "--target-dir"])
        .arg(suite.workspace.target(target_dir))
        .args(arguments)
        .args(filter);
    run::run_tests(&mut cargo)
}

const SANITIZED: &str = "x86_64-unknown-linux-gnu";

/// The outcome of a step with several runs, from the number of tests that passed in each.
fn each(passed: impl IntoIterator<Item = Result<u64>>, only: &Only) -> Result<Outcome> {
    let passed = passed.into_iter().sum::<Result<u64>>()?;
    Outcome::of(passed, only)
}

/// Filters for the requested tests, or by default for the tests of this step. libtest runs the tests that match at
/// least one filter.
fn filter(step: &[&str], only: &Only) -> Vec<String> {
    if only.is_some() { only.filters().cloned().collect() } else { step.iter().map(|&name| name.to_owned()).collect() }
}

impl Suite<'_> {
    /// A command that runs the nightly toolchain's cargo.
    pub(crate) fn nightly(&self) -> Command {
        let mut rustup = self.embed(run::command("rustup"));
        rustup.args(["run", "nightly", "cargo"]);
        rustup
    }
}

/// Why a step that needs this component of a nightly toolchain cannot run here.
pub(crate) fn missing(component: &str) -> Option<String> {
    let mut rustup = run::command("rustup");
    let installed = run::read(rustup.args(["component", "list", "--installed", "--toolchain", "nightly"]));
    let has = |name: &str| {
        installed
            .as_ref()
            .is_ok_and(|list| list.lines().any(|line| line == name || line.starts_with(&format!("{name}-"))))
    };
    if !has("rustc") {
        return Some("there is no nightly toolchain; `rustup toolchain install nightly` adds it".to_owned());
    }
    if !has(component) {
        return Some(format!(
            "the nightly toolchain lacks {component}; `rustup +nightly component add {component}` adds it"
        ));
    }
    None
}

/// As [`missing`], for the sanitizers.
fn missing_for_sanitizers(component: &str) -> Option<String> {
    let here = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    if here { missing(component) } else { Some(format!("runs on {SANITIZED} alone")) }
}
