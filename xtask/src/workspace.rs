//! The root of the repository, the build directories, and the examples.

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
    /// The name of the package, the module and the directory, which are the same.
    pub(crate) name: String,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        // Read when xtask runs, not when it is compiled: clones that share a build directory also share the binary.
        let manifest = env::var_os("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`")?;
        let root = Path::new(&manifest).parent().context("xtask is not inside a workspace")?.to_owned();
        // Relative to the current directory, as in cargo itself.
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => std::path::absolute(dir)?,
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The build directory with this name. There is one for each set of flags and each interpreter: in a shared one,
    /// cargo would rebuild PyO3 whenever either changes.
    pub(crate) fn target(&self, flavour: &str) -> PathBuf {
        self.target.join(flavour)
    }

    /// A command that runs at the root, with the same cargo that runs xtask.
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
