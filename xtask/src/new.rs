//! `cargo xtask new`: writes a crate that exports one class, with its stub and its test, into a new folder. The files
//! are those in `xtask/template`, in which `NAME` stands for the crate's name and `RUNTIME` for the path of
//! `buffer-runtime`.

mod name;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::Workspace;

/// The paths, in which `NAME` is replaced too, and the contents.
const TEMPLATE: [(&str, &str); 7] = [
    ("Cargo.toml", include_str!("../template/Cargo.toml")),
    ("pyproject.toml", include_str!("../template/pyproject.toml")),
    ("src/lib.rs", include_str!("../template/src/lib.rs")),
    ("NAME.pyi", include_str!("../template/NAME.pyi")),
    ("tests/test_NAME.py", include_str!("../template/tests/test_NAME.py")),
    ("README.md", include_str!("../template/README.md")),
    (".gitignore", include_str!("../template/.gitignore")),
];

pub(crate) fn run(workspace: &Workspace, path: &Path) -> Result<()> {
    let name = write(workspace, path)?;
    println!("wrote the crate `{name}`; next, in an environment that has maturin, numpy and pytest:\n");
    println!("   cd {}", path.display());
    println!("   maturin develop --release");
    println!("   pytest");
    println!("\n{} says how to make such an environment", path.join("README.md").display());
    Ok(())
}

/// Writes the files and returns the name of the crate.
pub(crate) fn write(workspace: &Workspace, path: &Path) -> Result<String> {
    let folder = std::path::absolute(path)?;
    let last = folder.file_name().and_then(|last| last.to_str());
    let last = last.with_context(|| format!("`{}` does not end with a name for the crate", path.display()))?;
    let name = name::of(last)?;
    check_place(workspace, &folder)?;

    let runtime = runtime(workspace)?;
    for (file, text) in TEMPLATE {
        let file = folder.join(file.replace("NAME", &name));
        let text = text.replace("NAME", &name).replace("RUNTIME", &runtime);
        write_file(&file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(name)
}

/// Refuses a folder that is not empty or is inside this repository.
fn check_place(workspace: &Workspace, folder: &Path) -> Result<()> {
    let shown = folder.display();
    ensure!(folder.is_dir() || !folder.exists(), "{shown} is a file; choose a new folder");
    if folder.is_dir() {
        let empty = folder.read_dir().with_context(|| format!("cannot list {shown}"))?.next().is_none();
        ensure!(empty, "{shown} is not empty; choose a new folder");
    }
    // The folder itself need not exist yet.
    let inside = folder.ancestors().find_map(|dir| dir.canonicalize().ok());
    if inside.is_some_and(|dir| workspace.root.canonicalize().is_ok_and(|root| dir.starts_with(root))) {
        let outside = workspace.root.with_file_name(folder.file_name().unwrap_or_default());
        bail!("{shown} is inside this repository; choose a folder outside, such as {}", outside.display());
    }
    Ok(())
}

/// The path of `buffer-runtime`, as the content of a basic string of TOML. It is absolute, so that the crate can be
/// moved.
fn runtime(workspace: &Workspace) -> Result<String> {
    let path: PathBuf = workspace.root.join("buffer-runtime");
    let text = path.to_str().with_context(|| format!("{} cannot be written as UTF-8", path.display()))?;
    Ok(text.replace('\\', r"\\").replace('"', "\\\""))
}

/// Writes a new file. An existing file is an error.
fn write_file(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    std::io::Write::write_all(&mut fs::File::create_new(path)?, text.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::Outside;

    fn refusal(path: &Path) -> String {
        format!("{:#}", write(&Workspace::find().unwrap(), path).unwrap_err())
    }

    #[test]
    fn every_file_of_the_template_is_written() {
        let mut found = Vec::new();
        let mut folders = vec![Workspace::find().unwrap().root.join("xtask/template")];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(fs::read_to_string(path).unwrap()) }
            }
        }
        let mut written: Vec<&str> = TEMPLATE.iter().map(|(_, text)| *text).collect();
        found.sort();
        written.sort_unstable();
        assert_eq!(found, written);
    }

    #[test]
    fn files_have_the_name_of_the_folder() {
        let outside = Outside::new("names").unwrap();
        let path = outside.0.join("wind-speeds");
        assert_eq!(write(&Workspace::find().unwrap(), &path).unwrap(), "wind_speeds");
        for (file, text) in TEMPLATE {
            let written = fs::read_to_string(path.join(file.replace("NAME", "wind_speeds"))).unwrap();
            assert_eq!(text.matches("NAME").count(), written.matches("wind_speeds").count(), "{file}");
            assert!(!written.contains("RUNTIME"), "{file}");
        }
        assert!(refusal(&path).ends_with("wind-speeds is not empty; choose a new folder"));
    }

    #[test]
    fn places_that_hold_something_are_refused() {
        let outside = Outside::new("places").unwrap();
        let file = outside.0.join("a_file");
        fs::write(&file, "kept").unwrap();
        assert!(refusal(&file).ends_with("a_file is a file; choose a new folder"));
        assert_eq!(fs::read_to_string(file).unwrap(), "kept");

        let root = Workspace::find().unwrap().root;
        let answer = refusal(&root.join("no").join("such"));
        let expected = format!(
            "{} is inside this repository; choose a folder outside, such as {}",
            root.join("no").join("such").display(),
            root.with_file_name("such").display()
        );
        assert_eq!(answer, expected);
        assert!(!root.join("no").exists());
        assert!(refusal(Path::new("..")).ends_with("does not end with a name for the crate"));
    }
}
