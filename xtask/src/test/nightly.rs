//! The steps that need a nightly toolchain, which nobody has to have: other processors, Miri and the sanitizers.

use std::process::Command;

use anyhow::Result;

use super::{Outcome, Suite, configs};
use crate::run;

/// On one of them C's `char` has no sign, on the other pointers have 32 bits. The standard library is checked along, so that
/// no target has to be installed.
pub(super) fn processors(suite: &Suite<'_>) -> Result<Outcome> {
    if let Some(reason) = missing("rust-src") {
        return Ok(Outcome::Skipped(reason));
    }
    for (target, bits) in [("aarch64-unknown-linux-gnu", 64), ("i686-unknown-linux-gnu", 32)] {
        let mut cargo = suite.nightly();
        cargo
            .args([
                "check",
                "-p",
                "buffer-runtime",
                "--all-features",
                "--target",
                target,
                "-Zbuild-std",
                "--target-dir",
            ])
            .arg(suite.workspace.target("processors"))
            .env("PYO3_CONFIG_FILE", configs::describe(suite, target, bits, "version=3.14\n")?);
        run::run(&mut cargo)?;
    }
    Ok(Outcome::Passed)
}

/// The tests whose memory belongs to more than one at a time, for the second model of aliasing: all would take twice as long.
const SHARING: [&str; 4] = ["miri_views_", "miri_slots_", "miri_orphans_", "miri_the_last_views_"];

/// Miri interprets the tests whose names hold `miri_`. Nothing is linked and no Python runs: what the crate calls of the C API
/// is in its `py::interpreter`.
pub(super) fn miri(suite: &Suite<'_>) -> Result<Outcome> {
    if let Some(reason) = missing("miri") {
        return Ok(Outcome::Skipped(reason));
    }
    // Each lock in its turn, under both models of what pointers may alias.
    for cfg in ["", "--cfg buffer_atomic_lock"] {
        for model in ["", "-Zmiri-tree-borrows"] {
            let mut cargo = suite.nightly();
            run::set_rustflags(&mut cargo, cfg);
            // The queue of orphans finds blocks by their addresses, which is not to be warned of.
            let flags = format!("-Zmiri-permissive-provenance {model}");
            cargo
                .env("MIRIFLAGS", flags.trim())
                .args(["miri", "test", "-p", "buffer-runtime", "--all-features", "--lib", "--target-dir"])
                .arg(suite.workspace.target("miri"))
                .arg("--");
            cargo.args(if model.is_empty() { &["miri_"][..] } else { &SHARING });
            run::run_filtered_tests(&mut cargo)?;
        }
    }
    Ok(Outcome::Passed)
}

/// The standard library is built anew, so that its own synchronisation is seen as well.
pub(super) fn tsan(suite: &Suite<'_>) -> Result<Outcome> {
    if let Some(reason) = missing("rust-src") {
        return Ok(Outcome::Skipped(reason));
    }
    // Each lock in its turn: without a GIL threads meet that would have waited for each other.
    sanitize(suite, "thread", "", &["-Zbuild-std", "tsan_"])?;
    sanitize(suite, "thread", "--cfg buffer_atomic_lock", &["-Zbuild-std", "tsan_"])
}

pub(super) fn asan(suite: &Suite<'_>) -> Result<Outcome> {
    if let Some(reason) = missing("rustc") {
        return Ok(Outcome::Skipped(reason));
    }
    sanitize(suite, "address", "", &[])
}

fn sanitize(suite: &Suite<'_>, sanitizer: &str, cfg: &str, arguments: &[&str]) -> Result<Outcome> {
    // Naming the target keeps the flags from build scripts and macros.
    let target = "x86_64-unknown-linux-gnu";
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(Outcome::Skipped(format!("runs on {target} alone")));
    }
    let mut cargo = suite.nightly();
    run::set_rustflags(&mut cargo, format!("-Zsanitizer={sanitizer} {cfg}").trim());
    cargo
        .args(["test", "-p", "buffer-runtime", "--all-features", "--lib", "--target", target, "--target-dir"])
        .arg(suite.workspace.target(sanitizer))
        .args(arguments);
    run::run_filtered_tests(&mut cargo)?;
    Ok(Outcome::Passed)
}

impl Suite<'_> {
    /// A cargo command of the nightly toolchain.
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
