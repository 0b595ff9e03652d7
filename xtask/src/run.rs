//! Running other programs: shown before they run, in an environment that nothing Python-related leaks into.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write as _};
use std::panic;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail, ensure};

/// A command without the variables by which an activated environment or a shell profile would choose another Python,
/// or change what it does (`PYTHONOPTIMIZE` would turn every assertion of the tests off).
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let leaks = match name.to_str().unwrap_or_default() {
            "VIRTUAL_ENV" | "PYTHONPATH" | "PYTHONHOME" | "PYTHONSTARTUP" | "PYTHONOPTIMIZE" | "PYTHONWARNINGS"
            | "PYTHONSAFEPATH" => true,
            other => ["CONDA_", "PYO3_", "PYTEST_", "MATURIN_"].iter().any(|prefix| other.starts_with(prefix)),
        };
        if leaks {
            command.env_remove(name);
        }
    }
    command
}

/// Replaces the compiler flags of a cargo command, also those that came from outside.
pub(crate) fn set_rustflags(cargo: &mut Command, flags: &str) {
    // These flags take the place of those in `.cargo/config.toml`, which has what the linker of macOS needs.
    let needed = if cfg!(target_os = "macos") { " -Clink-arg=-undefined -Clink-arg=dynamic_lookup" } else { "" };
    cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", format!("{flags}{needed}"));
}

/// Shows the command, runs it, and fails if it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("   $ {}", shown(command));
    let status = command.status().with_context(|| format!("cannot run {}", typed(command)))?;
    ensure!(status.success(), "{} failed ({status})", typed(command));
    Ok(())
}

/// As [`run`], while `meanwhile` is done; what the command prints is shown in one piece, when both have ended.
pub(crate) fn run_beside<R>(command: &mut Command, meanwhile: impl FnOnce() -> R) -> (Result<()>, R) {
    let (line, name) = (shown(command), typed(command));
    println!("   $ {line} &");
    let (output, done) = thread::scope(|scope| {
        let running = scope.spawn(|| command.output());
        let done = meanwhile();
        (running.join().unwrap_or_else(|panic| panic::resume_unwind(panic)), done)
    });
    let ended = output.with_context(|| format!("cannot run {name}")).and_then(|output| {
        println!("   $ {line} has ended");
        io::stdout().write_all(&output.stdout)?;
        io::stderr().write_all(&output.stderr)?;
        ensure!(output.status.success(), "{name} failed ({})", output.status);
        Ok(())
    });
    (ended, done)
}

/// As [`run`], for `cargo test` with a filter: that no test matches the filter is a failure as well.
pub(crate) fn run_filtered_tests(cargo: &mut Command) -> Result<()> {
    println!("   $ {}", shown(cargo));
    let mut child = cargo.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot run {}", typed(cargo)))?;
    let mut passed = 0;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            passed += passed_tests(&line);
            println!("{line}");
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "{} failed ({status})", typed(cargo));
    ensure!(passed > 0, "no test matched the filter");
    Ok(())
}

/// What the command prints, without showing it.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let program = Path::new(command.get_program()).display().to_string();
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        bail!("{program} failed ({})\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The count in a closing line of libtest's, "test result: ok. 12 passed; 0 failed; ...".
fn passed_tests(line: &str) -> u64 {
    let Some((before, _)) = line.split_once(" passed;") else { return 0 };
    if !before.starts_with("test result:") {
        return 0;
    }
    before.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// The command as one would type it, after the variables that we set.
fn shown(command: &Command) -> String {
    let mut line = String::new();
    for (name, value) in command.get_envs() {
        // The search path is long, and only its first entry is ours.
        if let Some(value) = value.filter(|_| name != "PATH") {
            let _ = write!(line, "{}={} ", name.to_string_lossy(), quoted(value));
        }
    }
    line + &typed(command)
}

/// The program's name and the arguments.
fn typed(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut line = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line += &quoted(argument);
    }
    line
}

fn quoted(argument: &OsStr) -> String {
    let argument = argument.to_string_lossy();
    if argument.contains([' ', '*', '"']) { format!("'{argument}'") } else { argument.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_only_closing_lines() {
        assert_eq!(passed_tests("test result: ok. 12 passed; 0 failed; 0 ignored; 3 filtered out"), 12);
        assert_eq!(passed_tests("test lock::nine_passed ... ok"), 0);
        assert_eq!(passed_tests("a test printed: 12 passed; well"), 0);
    }

    #[test]
    fn shows_what_one_would_type() {
        let mut cargo = Command::new("/somewhere/cargo");
        cargo.args(["test", "--lib"]).env("RUSTFLAGS", "--cfg loom");
        assert_eq!(shown(&cargo), "RUSTFLAGS='--cfg loom' cargo test --lib");
    }
}
