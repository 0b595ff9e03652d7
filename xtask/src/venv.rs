//! Virtual environments at the root of the repository: `.venv` for everyone's use, `.venv-3.X` for the tests on the
//! other versions.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::interpreters::Interpreter;
use crate::run;
use crate::workspace::Workspace;

const REQUIREMENTS: &str = "xtask/requirements.txt";

pub(crate) struct Venv {
    pub(crate) dir: PathBuf,
    pub(crate) python: Interpreter,
    /// Of the directory that extension modules for it are built in.
    pub(crate) flavour: String,
}

/// The other versions take turns in one build directory: all that comes before PyO3 is built once for all of them.
const OTHERS: &str = "versions";

impl Venv {
    /// `.venv`, made or completed where that is needed. One that works is kept whatever `python3` is by now, unless
    /// `$PYTHON` asks for another interpreter.
    pub(crate) fn main(workspace: &Workspace) -> Result<Self> {
        let dir = workspace.root.join(".venv");
        let python = match working(&dir) {
            Some(found) if Interpreter::asked_for().is_none() => found,
            found => Self::remake_unless(found, &dir, &Interpreter::chosen()?)?,
        };
        let flavour = format!("py{}", python.tag);
        Self::complete(workspace, Self { dir, python, flavour })
    }

    /// `.venv-3.X` of another interpreter.
    pub(crate) fn of(workspace: &Workspace, python: &Interpreter) -> Result<Self> {
        let dir = workspace.root.join(format!(".venv-{}", python.tag));
        let python = Self::remake_unless(working(&dir), &dir, python)?;
        Self::complete(workspace, Self { dir, python, flavour: OTHERS.to_owned() })
    }

    /// Makes the environment anew unless what was found in its place is of the wanted interpreter.
    fn remake_unless(found: Option<Interpreter>, dir: &Path, wanted: &Interpreter) -> Result<Interpreter> {
        match found {
            Some(found) if found.same_installation(wanted) => Ok(found),
            _ => make(dir, wanted),
        }
    }

    fn complete(workspace: &Workspace, venv: Self) -> Result<Self> {
        venv.install_requirements(workspace)?;
        Ok(venv)
    }

    /// Runs pip where the requirements are not those of last time.
    fn install_requirements(&self, workspace: &Workspace) -> Result<()> {
        let requirements = workspace.root.join(REQUIREMENTS);
        if self.has(&requirements)? {
            return Ok(());
        }
        println!("== installing {REQUIREMENTS} into {}", self.name());
        run::run(self.pip_install().arg("-r").arg(&requirements))
            .context("pip could not install what the examples and tests need; its own words are above")?;
        self.remember(&requirements)
    }

    /// Whether a file with these very bytes was installed here and remembered.
    pub(crate) fn has(&self, file: &Path) -> Result<bool> {
        let wanted = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(fs::read(self.remembered(file)).is_ok_and(|installed| installed == wanted))
    }

    /// Keeps a copy of a file that was installed, for [`Venv::has`] to compare.
    pub(crate) fn remember(&self, file: &Path) -> Result<()> {
        let copy = self.remembered(file);
        fs::create_dir_all(copy.parent().context("a venv has a directory")?)?;
        fs::copy(file, &copy).with_context(|| format!("cannot write {}", copy.display()))?;
        Ok(())
    }

    fn remembered(&self, file: &Path) -> PathBuf {
        self.dir.join("installed").join(file.file_name().unwrap_or_default())
    }

    pub(crate) fn pip_install(&self) -> Command {
        let mut pip = self.python();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).env("PIP_USER", "0");
        pip
    }

    /// A command of this environment's interpreter, which still needs its arguments.
    pub(crate) fn python(&self) -> Command {
        run::command(executable(&self.dir))
    }

    /// Where its programs are, pytest and maturin among them.
    pub(crate) fn bin(&self) -> PathBuf {
        bin(&self.dir)
    }

    /// Where a module is importable from.
    pub(crate) fn site_packages(&self) -> Result<PathBuf> {
        let query = "import sysconfig; print(sysconfig.get_path('platlib'))";
        Ok(run::read(self.python().args(["-c", query]))?.trim_end().into())
    }

    pub(crate) fn name(&self) -> String {
        self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// The environment's interpreter, if there is one that runs and has pip.
fn working(dir: &Path) -> Option<Interpreter> {
    let python = executable(dir);
    if !python.exists() || run::read(run::command(&python).args(["-c", "import pip"])).is_err() {
        return None;
    }
    Interpreter::query(python).ok()
}

fn make(dir: &Path, python: &Interpreter) -> Result<Interpreter> {
    println!("== making {} with Python {python}", dir.file_name().unwrap_or_default().to_string_lossy());
    // `--clear` would follow a symbolic link into somebody else's directory, and refuses a plain file.
    if dir.is_dir() && !dir.is_symlink() {
        fs::remove_dir_all(dir).with_context(|| format!("cannot remove the stale {}", dir.display()))?;
    } else if dir.symlink_metadata().is_ok() {
        fs::remove_file(dir).with_context(|| format!("cannot remove the stale {}", dir.display()))?;
    }
    let made = run::read(run::command(&python.executable).args(["-m", "venv"]).arg(dir));
    made.map_err(|error| {
        // A venv without pip is what is left when ensurepip is missing.
        let _ = fs::remove_dir_all(dir);
        let tag = &python.tag;
        error.context(format!(
            "Python {python} cannot make a virtual environment; on Debian and Ubuntu `apt install python{tag}-venv` \
             adds what is missing, elsewhere set PYTHON to an interpreter that has venv and ensurepip"
        ))
    })?;
    working(dir).with_context(|| format!("{} was made but does not run", dir.display()))
}

fn bin(dir: &Path) -> PathBuf {
    dir.join(if cfg!(windows) { "Scripts" } else { "bin" })
}

fn executable(dir: &Path) -> PathBuf {
    bin(dir).join("python").with_extension(env::consts::EXE_EXTENSION)
}
