//! The requested part of the tests: steps, files, and names.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::{STEPS, Step};
use crate::workspace::Workspace;

/// The part of a step that should run; the whole step by default.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub(super) struct Only {
    /// Files, in the notation of the step's own tool: paths for pytest, modules for unit tests, `trybuild=` with a
    /// case.
    pub(super) files: Vec<String>,
    /// A part of the tests' names.
    pub(super) name: Option<String>,
}

impl Only {
    pub(super) fn is_some(&self) -> bool {
        !self.files.is_empty() || self.name.is_some()
    }

    /// As filters for cargo's tests. A test runs if at least one filter matches.
    pub(super) fn filters(&self) -> impl Iterator<Item = &String> {
        self.files.iter().chain(&self.name)
    }
}

/// The steps in `what`, and the steps of the files in `what`. If `what` is empty, the steps for which `default` is
/// true.
pub(super) fn choose(
    workspace: &Workspace,
    what: &[String],
    name: Option<&str>,
    default: impl Fn(&Step) -> bool,
) -> Result<Vec<(&'static Step, Only)>> {
    let mut asked_for: Vec<(&str, Option<String>)> = Vec::new();
    for word in what {
        if STEPS.iter().any(|step| step.name == word) {
            asked_for.push((word, None));
        } else {
            let path = std::path::absolute(word)?;
            let inside = path.strip_prefix(&workspace.root).ok().filter(|_| path.exists());
            let inside = inside.with_context(|| format!("`{word}` is neither a step nor a file of this repository"))?;
            let (step, file) = step_of(inside).with_context(|| format!("no step tests `{word}`"))?;
            asked_for.push((step, Some(file)));
        }
    }
    let mut chosen = Vec::new();
    for step in STEPS {
        let mut asked_for = asked_for.iter().filter(|(name, _)| *name == step.name).peekable();
        if asked_for.peek().is_some() || what.is_empty() && default(step) {
            let files = asked_for.filter_map(|(_, file)| file.clone()).collect();
            chosen.push((step, Only { files, name: name.map(str::to_owned) }));
        }
    }
    if let (Some(_), Some((step, _))) = (name, chosen.iter().find(|(step, _)| !step.has_names() && !what.is_empty())) {
        bail!("`{}` has no tests with names", step.name);
    }
    chosen.retain(|(step, _)| name.is_none() || step.has_names());
    Ok(chosen)
}

/// The step that runs the tests in this file or directory, and the file in the notation of the step's tool.
fn step_of(path: &Path) -> Option<(&'static str, String)> {
    let text = path.to_str()?.replace('\\', "/");
    let parts: Vec<&str> = text.split('/').collect();
    match parts[..] {
        ["docs", "guide", "src", page] => {
            Some(("guide", format!("tests/guide/test_guide.py::test_page[{}]", page.strip_suffix(".md")?)))
        }
        ["tests", "guide", ..] => Some(("guide", text)),
        ["tests", "python" | "examples", ..] | ["examples", _, "tests", ..] => Some(("python", text)),
        ["tests", "ui", case] => Some(("ui", format!("trybuild={}.rs", case.split('.').next()?))),
        ["tests", "tests", file] => Some(("ui", file.strip_suffix(".rs")?.to_owned())),
        ["tests", "loom", "src", ref module @ ..] => Some(("loom", module_of(module))),
        ["buffer-runtime" | "buffer-derive" | "xtask", "src", ref module @ ..] => Some(("rust", module_of(module))),
        _ => None,
    }
}

/// The prefix that the names of the tests in this file have.
fn module_of(parts: &[&str]) -> String {
    let module = parts.join("::");
    let module = module.strip_suffix(".rs").unwrap_or(&module);
    if matches!(module, "lib" | "main") { String::new() } else { format!("{module}::") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_belong_to_steps() {
        let step = |path| step_of(Path::new(path));
        let some = |step, file: &str| Some((step, file.to_owned()));
        assert_eq!(step("tests/python/test_lock.py"), some("python", "tests/python/test_lock.py"));
        assert_eq!(step("examples/matrix/tests"), some("python", "examples/matrix/tests"));
        assert_eq!(step("tests/ui/foo.stderr"), some("ui", "trybuild=foo.rs"));
        assert_eq!(step("tests/tests/hygiene.rs"), some("ui", "hygiene"));
        assert_eq!(step("buffer-runtime/src/lock/gil.rs"), some("rust", "lock::gil::"));
        assert_eq!(step("docs/guide/src/guards.md"), some("guide", "tests/guide/test_guide.py::test_page[guards]"));
        assert_eq!(step("tests/guide/test_runner.py"), some("guide", "tests/guide/test_runner.py"));
        assert_eq!(step("README.md"), None);
    }
}
