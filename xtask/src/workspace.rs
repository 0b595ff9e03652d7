//! Where things are: the root of the repository, the build directories, and the examples.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run;

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    target: PathBuf,
}

/// A directory under `examples/` that pip can install.
pub(crate) struct Example {
    pub(crate) dir: PathBuf,
    /// The package's, the module's and the directory's name; they are the same.
    pub(crate) name: String,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        // Of this run and not of the compilation: clones that share a build directory share the binary as well.
        let manifest = env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`")?;
        let root = Path::new(&manifest).parent().context("xtask is not inside a workspace")?.to_owned();
        // Relative to where the user stands, as cargo itself reads it.
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => std::path::absolute(dir)?,
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// A build directory of its own for each set of flags and for the main interpreter: sharing one would rebuild PyO3 at
    /// every change of either.
    pub(crate) fn target(&self, flavour: &str) -> PathBuf {
        self.target.join(flavour)
    }

    /// A cargo command that runs at the root, with the cargo that runs us.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = run::command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root);
        cargo
    }

    pub(crate) fn example(&self, name: &str) -> Example {
        Example { dir: self.root.join("examples").join(name), name: name.to_owned() }
    }

    /// The examples that have a `pyproject.toml`, by name.
    pub(crate) fn examples(&self) -> Result<Vec<Example>> {
        let mut examples = Vec::new();
        for entry in self.root.join("examples").read_dir().context("cannot list examples/")? {
            let entry = entry?;
            if entry.path().join("pyproject.toml").is_file() {
                examples.push(self.example(&entry.file_name().to_string_lossy()));
            }
        }
        examples.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(examples)
    }
}
