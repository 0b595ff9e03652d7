//! The Python interpreters of this machine: which there are, and what a build needs to know of each.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::run;

/// The versions that the tests look for; `t` is the free-threaded build, which PyO3 supports from 3.14 on.
pub(crate) const VERSIONS: [&str; 9] = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.14t", "3.15", "3.15t"];

/// Prints one value a line, in the order that [`Interpreter::query`] reads them.
const QUERY: &str = r#"
import os, platform, sys, sysconfig
get = sysconfig.get_config_var
library = os.path.join(get("LIBDIR") or "", get("LDLIBRARY") or "")
shared = bool(get("Py_ENABLE_SHARED")) and os.path.exists(library)
print(platform.python_implementation())
print(".".join(map(str, sys.version_info[:3])))
print("t" if get("Py_GIL_DISABLED") else "")
print(os.path.realpath(sys.executable))
print(os.path.realpath(sys.base_prefix))
print(get("EXT_SUFFIX"))
print("yes" if shared or os.name == "nt" or get("PYTHONFRAMEWORK") else "")
print(get("LIBDIR") or "")
"#;

#[derive(Clone)]
pub(crate) struct Interpreter {
    /// With symbolic links resolved, so that another interpreter never has the same path: cargo rebuilds PyO3 when
    /// `PYO3_PYTHON` changes, not when what it points to does.
    pub(crate) executable: PathBuf,
    /// Such as `3.11.7`.
    pub(crate) version: String,
    /// Such as `3.11`, or `3.14t` for the free-threaded build.
    pub(crate) tag: String,
    /// Where its standard library lives; tells two installations of the same version apart.
    pub(crate) base_prefix: PathBuf,
    /// How the name of an extension module ends.
    pub(crate) extension_suffix: String,
    /// Where its shared library is, if an executable can be linked with it. Debian's needs `python3-dev` for that.
    pub(crate) libpython: Option<PathBuf>,
}

impl Interpreter {
    /// Asks the interpreter itself; fails if it does not run or is too old.
    pub(crate) fn query(program: impl AsRef<OsStr>) -> Result<Self> {
        let program = program.as_ref();
        let name = Path::new(program).display();
        // `-I` would also hide the virtual environment's own site-packages on some versions; `-s` is enough.
        let answer = run::read(run::command(program).args(["-s", "-c", QUERY]))?;
        let lines: Vec<&str> = answer.lines().collect();
        let &[implementation, version, free_threaded, executable, base_prefix, suffix, linkable, libdir] = &lines[..]
        else {
            bail!("{name} answered something unexpected: {answer:?}");
        };
        ensure!(implementation == "CPython", "{name} is {implementation}, and this needs CPython 3.9 or newer");
        let minor: u32 = version
            .strip_prefix("3.")
            .and_then(|rest| rest.split('.').next())
            .and_then(|minor| minor.parse().ok())
            .with_context(|| format!("{name} is Python {version}, and this needs CPython 3.9 or newer"))?;
        ensure!(minor >= 9, "{name} is Python {version}, and this needs CPython 3.9 or newer");
        Ok(Self {
            executable: executable.into(),
            version: version.to_owned(),
            tag: format!("3.{minor}{free_threaded}"),
            base_prefix: base_prefix.into(),
            extension_suffix: suffix.to_owned(),
            libpython: (!linkable.is_empty()).then(|| libdir.into()),
        })
    }

    /// What `$PYTHON` names, if it is set.
    pub(crate) fn asked_for() -> Option<OsString> {
        env::var_os("PYTHON").filter(|program| !program.is_empty())
    }

    /// The interpreter that `$PYTHON` names, else `python3`.
    pub(crate) fn chosen() -> Result<Self> {
        Self::query(Self::asked_for().unwrap_or_else(|| "python3".into())).map_err(|error| {
            let mut advice = String::from("set PYTHON to a CPython of 3.9 or newer");
            let found: Vec<String> = VERSIONS
                .iter()
                .filter_map(|version| Self::of_version(version))
                .map(|python| python.executable.display().to_string())
                .collect();
            if !found.is_empty() {
                advice = format!("{advice}; this machine has {}", found.join(", "));
            }
            anyhow!("{error:#}\n{advice}")
        })
    }

    /// One of this version, as in [`VERSIONS`], from the search path or from pyenv.
    pub(crate) fn of_version(version: &str) -> Option<Self> {
        let on_path = PathBuf::from(format!("python{version}"));
        // A pyenv shim is on the path even where its version is not selected; then it does not run.
        std::iter::once(on_path)
            .chain(pyenv(version))
            .filter_map(|program| Self::query(program).ok())
            .find(|python| python.tag == version)
    }

    pub(crate) fn same_installation(&self, other: &Self) -> bool {
        self.version == other.version && self.tag == other.tag && self.base_prefix == other.base_prefix
    }

    /// Where an executable that is linked with libpython finds it at run time.
    pub(crate) fn library_path(&self) -> Option<(&'static str, &Path)> {
        let name = if cfg!(target_os = "macos") { "DYLD_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };
        self.libpython.as_deref().map(|dir| (name, dir))
    }
}

impl fmt::Display for Interpreter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.version, self.executable.display())
    }
}

/// pyenv's interpreters of this version, the newest patch release first.
fn pyenv(version: &str) -> Vec<PathBuf> {
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".pyenv")));
    let Some(versions) = root.and_then(|root| root.join("versions").read_dir().ok()) else { return Vec::new() };
    let (number, free_threaded) = match version.strip_suffix('t') {
        Some(number) => (number, true),
        None => (version, false),
    };
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let patch = name.strip_prefix(number)?.strip_prefix('.')?;
            let (patch, is_free_threaded) = match patch.strip_suffix('t') {
                Some(patch) => (patch, true),
                None => (patch, false),
            };
            let wanted = is_free_threaded == free_threaded;
            Some((patch.parse().ok().filter(|_| wanted)?, entry.path().join("bin").join("python3")))
        })
        .collect();
    found.sort_by_key(|(patch, _)| std::cmp::Reverse(*patch));
    found.into_iter().map(|(_, program)| program).collect()
}
