//! Temporary folders outside the repository, where a crate belongs to no workspace.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process;

use anyhow::{Context, Result};

/// A folder that is removed when it is dropped.
pub(crate) struct Outside(pub(crate) PathBuf);

impl Outside {
    /// `purpose` is a part of the name. It distinguishes the folders of one process.
    pub(crate) fn new(purpose: &str) -> Result<Self> {
        let dir = env::temp_dir().join(format!("buffer-xtask-{}-{purpose}", process::id()));
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self(dir))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
