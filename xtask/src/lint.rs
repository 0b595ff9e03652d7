//! `cargo xtask lint`: checks formatting, clippy and rustdoc, all without any warning, the Python files, and the
//! README's benchmark.

use std::process::Command;

use anyhow::{Result, bail};

use crate::python::Venv;
use crate::run;
use crate::workspace::Workspace;

/// Flags that compile other code, for the other lock and for the fuzz targets, and the build directory that the tests
/// with these flags use.
const OTHER_CFGS: [(&str, &str); 2] = [("--cfg buffer_atomic_lock", "atomic"), ("--cfg fuzzing", "fuzzing")];

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let venv = Venv::main(workspace)?;
    let mut failed = Vec::new();
    for (what, mut check) in checks(workspace, &venv) {
        println!("\n== {what}");
        if let Err(error) = run::run(&mut check) {
            println!("   failed: {error:#}");
            failed.push(what);
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// Every check, with its name.
fn checks(workspace: &Workspace, venv: &Venv) -> Vec<(&'static str, Command)> {
    let cargo = |arguments: &[&str]| {
        let mut cargo = workspace.cargo();
        cargo.env("PYO3_PYTHON", &venv.python.executable).args(arguments);
        cargo
    };
    let deny = ["--", "-D", "warnings"];
    let mut checks = vec![
        ("formatting", cargo(&["fmt", "--all", "--check"])),
        ("formatting of the fuzz targets", cargo(&["fmt", "--check", "--manifest-path", "fuzz/Cargo.toml"])),
    ];

    // Which code is unused depends on the features.
    for (what, features) in [("clippy", None), ("clippy with all features", Some("--all-features"))] {
        let mut clippy = cargo(&["clippy", "--workspace", "--all-targets"]);
        clippy.args(features).args(deny);
        checks.push((what, clippy));
    }
    for (flags, target) in OTHER_CFGS {
        let mut clippy = cargo(&["clippy", "-p", "buffer-runtime", "--all-features", "--all-targets", "--target-dir"]);
        run::set_rustflags(&mut clippy, flags);
        clippy.arg(workspace.target(target)).args(deny);
        checks.push((flags, clippy));
    }

    // A link may be valid in the public documentation and broken in the private documentation, or the other way round.
    for (what, private) in [("documentation", None), ("private documentation", Some("--document-private-items"))] {
        let mut doc = cargo(&["doc", "--no-deps", "--all-features", "-p", "buffer-derive", "-p", "buffer-runtime"]);
        doc.args(private).env("RUSTDOCFLAGS", "-D warnings");
        checks.push((what, doc));
    }

    for (what, arguments) in [("Python", &["check"][..]), ("Python formatting", &["format", "--check"])] {
        let mut ruff = venv.tool("ruff");
        ruff.args(arguments).current_dir(&workspace.root);
        checks.push((what, ruff));
    }
    let mut readme = venv.python();
    readme.args(["-B", "bench/run.py", "--readme"]).current_dir(&workspace.root);
    checks.push(("benchmark in the README", readme));
    checks
}
