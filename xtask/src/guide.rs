//! `cargo xtask guide`: builds or serves the guide, a book in `docs/guide`.

use anyhow::{Result, bail};

use crate::run;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, serve: bool) -> Result<()> {
    if let Some(reason) = missing() {
        bail!("{reason}");
    }
    if serve {
        return mdbook(workspace, "serve");
    }
    mdbook(workspace, "build")?;
    println!("{}", book(workspace).join("index.html").display());
    Ok(())
}

/// Builds the book.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    mdbook(workspace, "build")
}

/// The reason why the book cannot be built here, if there is one.
pub(crate) fn missing() -> Option<String> {
    let mdbook = run::read(run::command("mdbook").arg("--version"));
    mdbook.is_err().then(|| "the book was not built: `cargo install mdbook` adds mdbook".to_owned())
}

fn mdbook(workspace: &Workspace, what: &str) -> Result<()> {
    run::run(
        run::command("mdbook")
            .args([what, "docs/guide", "--dest-dir"])
            .arg(book(workspace))
            .current_dir(&workspace.root),
    )
}

fn book(workspace: &Workspace) -> std::path::PathBuf {
    workspace.target("guide").join("book")
}
