//! Python interpreters and virtual environments. All commands use `.venv` at the root: Python's own `venv` creates it,
//! and pip installs uv there. uv finds the other interpreters, creates `.venv-NAME` for them, and installs all
//! packages.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::run;
use crate::workspace::Workspace;

/// The versions that the tests search for; `t` is the free-threaded build, which PyO3 supports from 3.14 on.
pub(crate) const VERSIONS: [&str; 9] = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.14t", "3.15", "3.15t"];

const REQUIREMENTS: &str = "xtask/requirements.txt";

/// Prints one value a line, in the order that [`Interpreter::query`] reads them.
const QUERY: &str = r#"
import os, platform, sys, sysconfig
get = sysconfig.get_config_var
library = os.path.join(get("LIBDIR") or "", get("LDLIBRARY") or "")
shared = bool(get("Py_ENABLE_SHARED")) and os.path.exists(library)
assert platform.python_implementation() == "CPython" and sys.version_info >= (3, 9), "not CPython 3.9 or newer"
print(".".join(map(str, sys.version_info[:3])))
print("%d.%d" % sys.version_info[:2] + ("t" if get("Py_GIL_DISABLED") else ""))
print(os.path.realpath(sys.executable))
print(os.path.realpath(sys.base_prefix))
print(get("LIBDIR") if shared or os.name == "nt" or get("PYTHONFRAMEWORK") else "")
"#;

pub(crate) struct Interpreter {
    /// For example `3.11.7`.
    pub(crate) version: String,
    /// For example `3.11`, or `3.14t` for the free-threaded build.
    pub(crate) tag: String,
    /// With symbolic links resolved: cargo rebuilds PyO3 when the value of `PYO3_PYTHON` changes, but not when a link
    /// at that path changes.
    pub(crate) executable: PathBuf,
    /// The directory of the installation, which distinguishes two installations of the same version.
    base_prefix: PathBuf,
    /// The directory of its shared library, if an executable can be linked with it. Debian's Python needs `python3-dev`
    /// for that.
    pub(crate) libpython: Option<PathBuf>,
}

impl Interpreter {
    /// Runs the interpreter to query its properties; fails if it does not run or is too old.
    fn query(program: &Path) -> Result<Self> {
        let answer = run::read(run::command(program).args(["-s", "-c", QUERY]))?;
        let lines: Vec<&str> = answer.lines().collect();
        let &[version, tag, executable, base_prefix, libdir] = &lines[..] else {
            bail!("{} answered something unexpected: {answer:?}", program.display());
        };
        Ok(Self {
            version: version.to_owned(),
            tag: tag.to_owned(),
            executable: executable.into(),
            base_prefix: base_prefix.into(),
            libpython: (!libdir.is_empty()).then(|| libdir.into()),
        })
    }
}

pub(crate) struct Venv {
    dir: PathBuf,
    pub(crate) python: Interpreter,
    /// The directory that contains uv.
    uv: PathBuf,
}

impl Venv {
    /// `.venv`. It is kept if it works, unless `$PYTHON` names another interpreter.
    pub(crate) fn main(workspace: &Workspace) -> Result<Self> {
        let dir = workspace.root.join(".venv");
        let asked_for = env::var_os("PYTHON").filter(|program| !program.is_empty()).map(PathBuf::from);
        let chosen = asked_for.as_deref().unwrap_or(Path::new("python3"));
        let python = kept_or_made(&dir, asked_for.as_deref(), || {
            Interpreter::query(chosen).context("set PYTHON to a CPython of 3.9 or newer")?;
            let made = run::read(run::command(chosen).args(["-m", "venv", "--clear"]).arg(&dir));
            if made.is_err() {
                // If ensurepip is missing, an environment without pip is left behind.
                let _ = fs::remove_dir_all(&dir);
            }
            made.context(
                "this Python cannot make a virtual environment; on Debian and Ubuntu `apt install python3-venv` adds \
                 what is missing, elsewhere set PYTHON to an interpreter that has venv and ensurepip",
            )
        })?;
        let venv = Self { uv: bin(&dir), dir, python };
        if run::read(run::command(venv.program("uv")).arg("--version")).is_err() {
            run::run(venv.pip().args(["install", "--quiet", "--disable-pip-version-check", "uv>=0.5"]))
                .context("pip could not install uv; its own words are above")?;
        }
        venv.install(workspace, REQUIREMENTS)?;
        Ok(venv)
    }

    /// `.venv-NAME`, for this interpreter.
    pub(crate) fn other(&self, workspace: &Workspace, name: &str, python: &Path) -> Result<Self> {
        let dir = workspace.root.join(format!(".venv-{name}"));
        let python = kept_or_made(&dir, Some(python), || {
            run::read(self.uv().args(["venv", "--quiet", "--clear", "--python"]).arg(python).arg(&dir))
        })?;
        let venv = Self { dir, python, uv: self.uv.clone() };
        venv.install(workspace, REQUIREMENTS)?;
        Ok(venv)
    }

    /// The interpreters of this machine.
    pub(crate) fn installed(&self) -> Result<Installed> {
        let mut uv = self.uv();
        uv.args(["python", "list", "--only-installed", "--no-python-downloads", "--offline"]);
        let output = run::prepend_path(&mut uv, &pyenv()).output().context("cannot run uv")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Installed { found: text(&output.stdout), complaints: text(&output.stderr) })
    }

    /// Installs what this file of the repository lists, unless it is installed already.
    pub(crate) fn install(&self, workspace: &Workspace, requirements: &str) -> Result<()> {
        let install = || {
            let mut uv = self.uv();
            uv.args(["pip", "install", "--python"]).arg(&self.dir).arg("-r").arg(workspace.root.join(requirements));
            uv
        };
        // Most often everything is installed already, or in uv's cache.
        if run::read(install().arg("--offline")).is_ok() {
            return Ok(());
        }
        let mut install = install();
        // uv does not read pip's settings.
        let settings = run::read(self.pip().args(["config", "list"])).unwrap_or_default();
        for line in settings.lines() {
            let Some((key, value)) = line.split_once('=') else { continue };
            let variable = match key.rsplit('.').next() {
                Some("index-url") => "UV_DEFAULT_INDEX",
                Some("extra-index-url") => "UV_INDEX",
                Some("cert") => "SSL_CERT_FILE",
                _ => continue,
            };
            if env::var_os(variable).is_none() {
                install.env(variable, value.trim_matches('\''));
            }
        }
        run::run(install.arg("--quiet")).with_context(|| format!("uv could not install {requirements}"))
    }

    /// A command that runs this environment's interpreter, without arguments yet.
    pub(crate) fn python(&self) -> Command {
        run::command(executable(&self.dir))
    }

    /// A command that runs a program installed here, with this environment activated.
    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut tool = run::command(self.program(name));
        run::prepend_path(&mut tool, &[self.bin(), self.uv.clone()]).env("VIRTUAL_ENV", &self.dir);
        tool
    }

    /// The directory of its programs.
    pub(crate) fn bin(&self) -> PathBuf {
        bin(&self.dir)
    }

    fn program(&self, name: &str) -> PathBuf {
        self.bin().join(name).with_extension(env::consts::EXE_EXTENSION)
    }

    fn uv(&self) -> Command {
        run::command(self.uv.join("uv").with_extension(env::consts::EXE_EXTENSION))
    }

    /// pip of `.venv`.
    fn pip(&self) -> Command {
        let mut pip = run::command(self.uv.join("python").with_extension(env::consts::EXE_EXTENSION));
        pip.args(["-m", "pip"]).env("PIP_USER", "0");
        pip
    }
}

/// The interpreters that uv has found, and uv's warnings about programs that do not run.
pub(crate) struct Installed {
    found: String,
    complaints: String,
}

impl Installed {
    /// The interpreter of this version, if there is one. If all of them are broken, that is an error.
    pub(crate) fn of(&self, version: &str) -> Result<Option<PathBuf>> {
        let (number, free_threaded) = version.strip_suffix('t').map_or((version, false), |number| (number, true));
        let key = format!("cpython-{number}.");
        let found = self.found.lines().find(|line| {
            line.starts_with(&key)
                && line.split_whitespace().next().is_some_and(|key| key.contains("+freethreaded")) == free_threaded
        });
        if let Some(path) = found.and_then(|line| line.split_whitespace().nth(1)) {
            return Ok(Some(path.into()));
        }
        let mut lines = self.complaints.lines().skip_while(|line| !line.ends_with(&format!("python{version}`")));
        let (Some(complaint), Some(cause)) = (lines.next(), lines.next()) else { return Ok(None) };
        let after = |line: &str| line.split_once(": ").map_or(String::new(), |(_, text)| text.to_owned());
        bail!("{}: {}", after(complaint), after(cause))
    }
}

/// The interpreter of the environment in `dir`. `make` creates the environment again, unless it works and its
/// interpreter is the `wanted` one.
fn kept_or_made(dir: &Path, wanted: Option<&Path>, make: impl FnOnce() -> Result<String>) -> Result<Interpreter> {
    if let Ok(found) = Interpreter::query(&executable(dir)) {
        let same = |it: Interpreter| it.version == found.version && it.base_prefix == found.base_prefix;
        if wanted.is_none_or(|wanted| Interpreter::query(wanted).is_ok_and(same)) {
            return Ok(found);
        }
    }
    // `make` would clear the environment behind the link.
    ensure!(!dir.is_symlink(), "{} is a symbolic link to an environment that cannot be used; remove it", dir.display());
    run::say(format!("== making {}", dir.display()));
    make()?;
    Interpreter::query(&executable(dir)).with_context(|| format!("{} was made but does not run", dir.display()))
}

/// The directories of pyenv's interpreters, in reverse alphabetical order. Only one of the interpreters is on the
/// search path.
fn pyenv() -> Vec<PathBuf> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".pyenv")));
    let versions = root.and_then(|root| fs::read_dir(root.join("versions")).ok());
    let mut dirs: Vec<PathBuf> =
        versions.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
    dirs.sort();
    dirs.reverse();
    dirs
}

fn bin(dir: &Path) -> PathBuf {
    dir.join(if cfg!(windows) { "Scripts" } else { "bin" })
}

fn executable(dir: &Path) -> PathBuf {
    bin(dir).join("python").with_extension(env::consts::EXE_EXTENSION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters_are_found_missing_or_broken() {
        let installed = Installed {
            found: "cpython-3.15.0a1+freethreaded-linux-x86_64-gnu    /a/python3.15t\n\
                    cpython-3.13.0-linux-x86_64-gnu    /b/python3 -> python3.13\n"
                .to_owned(),
            complaints: "warning: Failed to inspect `/c/python3.14`\n  cause: Querying failed\n".to_owned(),
        };
        assert_eq!(installed.of("3.13").unwrap(), Some("/b/python3".into()));
        assert_eq!(installed.of("3.15t").unwrap(), Some("/a/python3.15t".into()));
        assert_eq!(installed.of("3.15").unwrap(), None);
        assert_eq!(installed.of("3.14").unwrap_err().to_string(), "Failed to inspect `/c/python3.14`: Querying failed");
    }
}
