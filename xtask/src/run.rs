//! Runs other programs. Each command is printed before it runs, and inherits no variables that affect Python.

use std::cell::RefCell;
use std::env;
use std::ffi::OsStr;
use std::fmt::{Display, Write as _};
use std::io::{BufRead, BufReader};
use std::num::NonZero;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail, ensure};

thread_local! {
    /// The output of a job of [`beside`], which is printed when the job ends.
    static HELD: RefCell<Option<String>> = const { RefCell::new(None) };
}

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

/// Replaces the compiler flags of a cargo command, including those from the environment.
pub(crate) fn set_rustflags(cargo: &mut Command, flags: &str) {
    // These flags replace those in `.cargo/config.toml`, which include the ones that the linker of macOS needs.
    let needed = if cfg!(target_os = "macos") { " -Clink-arg=-undefined -Clink-arg=dynamic_lookup" } else { "" };
    cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", format!("{flags}{needed}"));
}

/// Puts directories in front of the search path for programs.
pub(crate) fn prepend_path<'a>(command: &'a mut Command, dirs: &[impl AsRef<Path>]) -> &'a mut Command {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = dirs.iter().map(|dir| dir.as_ref().to_owned()).chain(env::split_paths(&path));
    command.env("PATH", env::join_paths(dirs).unwrap_or(path.clone()))
}

/// Prints a line: at once, or inside a job of [`beside`] when the job ends.
pub(crate) fn say(line: impl Display) {
    HELD.with_borrow_mut(|held| match held {
        Some(held) => drop(writeln!(held, "{line}")),
        None => println!("{line}"),
    });
}

/// Prints the command, runs it, and fails if the command fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    ensure!(status.success(), "{} failed ({status})", typed(command));
    Ok(())
}

/// Prints the command, runs it, and returns its exit status.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    show(command);
    let held = HELD.with_borrow(Option::is_some);
    let status = if held { streamed(command, |_| ()) } else { Ok(command.status()?) };
    status.with_context(|| format!("cannot run {}", typed(command)))
}

/// As [`run`], for tests that cargo runs. Returns how many of them passed.
pub(crate) fn run_tests(command: &mut Command) -> Result<u64> {
    show(command);
    let mut passed = 0;
    let status = streamed(command, |line| passed += passed_tests(line));
    let status = status.with_context(|| format!("cannot run {}", typed(command)))?;
    ensure!(status.success(), "{} failed ({status})", typed(command));
    Ok(passed)
}

fn show(command: &Command) {
    let line = shown(command);
    if HELD.with_borrow(Option::is_some) {
        println!("   $ {line} &");
    }
    say(format!("   $ {line}"));
}

/// Runs a command. Calls `look` with each line of its output, then prints the line.
fn streamed(command: &mut Command, mut look: impl FnMut(&str)) -> Result<ExitStatus> {
    if HELD.with_borrow(Option::is_some) {
        let output = command.output()?;
        for line in [output.stderr, output.stdout].iter().flat_map(|bytes| bytes.split(|byte| *byte == b'\n')) {
            let line = String::from_utf8_lossy(line);
            look(&line);
            say(line);
        }
        return Ok(output.status);
    }
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    for line in child.stdout.take().into_iter().flat_map(|stdout| BufReader::new(stdout).split(b'\n')) {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        look(&line);
        println!("{line}");
    }
    Ok(child.wait()?)
}

/// Runs a job for each item, as many at once as there are processors: for jobs that use one processor each. The output
/// of a job is printed in one piece when the job ends. The results are in the order of the items.
pub(crate) fn beside<T: Sync, R: Send>(items: &[T], job: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = Mutex::new(items.iter().enumerate());
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some((index, item)) = { next.lock().ok().and_then(|mut next| next.next()) } {
            HELD.set(Some(String::new()));
            let answer = job(item);
            print!("{}", HELD.take().unwrap_or_default());
            if let Ok(mut done) = done.lock() {
                done.push((index, answer));
            }
        }
    };
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, answer)| answer).collect()
}

/// The output of a command, which is not printed.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let program = Path::new(command.get_program()).display().to_string();
    let output = command.output().with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        bail!("{program} failed ({})\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The count in a summary line of libtest, such as "test result: ok. 12 passed; 0 failed; ...".
fn passed_tests(line: &str) -> u64 {
    let Some((before, _)) = line.split_once(" passed;") else { return 0 };
    if !before.starts_with("test result:") {
        return 0;
    }
    before.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// The command as a user would type it, after the variables that `xtask` sets.
fn shown(command: &Command) -> String {
    let mut line = String::new();
    for (name, value) in command.get_envs() {
        // The search path is long, and only its first entries are set here; the address of a package index may contain
        // a password.
        let name = name.to_string_lossy();
        if let Some(value) = value.filter(|_| name != "PATH" && !name.starts_with("UV_")) {
            let _ = write!(line, "{name}={} ", quoted(value));
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
        cargo.args(["test", "--lib"]).env("RUSTFLAGS", "--cfg loom").env("UV_INDEX", "https://user:password@host");
        assert_eq!(shown(&cargo), "RUSTFLAGS='--cfg loom' cargo test --lib");
    }

    #[test]
    fn jobs_answer_in_the_items_order() {
        assert_eq!(beside(&[3, 1, 2], |item| item * 2), [6, 2, 4]);
    }
}
