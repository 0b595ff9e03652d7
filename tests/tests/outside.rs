//! Packages outside this repository: a copied example builds once its path is changed, and users' builds contain no
//! dependency of our tests.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Output};

use toml::{Table, Value};

/// A directory outside the repository, because cargo treats every package inside as a member of the workspace.
struct Outside(PathBuf);

impl Outside {
    fn new(name: &str) -> Self {
        let dir = env::temp_dir().join(format!("buffer-outside-{}-{name}", process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    /// Runs cargo in this directory. With the workspace's lock file there, it downloads only what the workspace needs too.
    fn cargo(&self, arguments: &[&str]) {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(arguments).current_dir(&self.0).env("PYO3_BUILD_EXTENSION_MODULE", "1");
        cargo.env("CARGO_TARGET_DIR", self.0.join("target")).output().unwrap()
    }

    /// Replaces a text that occurs in a file exactly once.
    fn replace(&self, file: &str, from: &str, to: &str) {
        let path = self.0.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from} in {text}");
        fs::write(path, text.replace(from, to)).unwrap();
    }

    /// The output of the compiler, which refuses the crate.
    fn words(&self) -> String {
        let output = self.output(&["check"]);
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// A copy of an example that differs only in the path of the runtime, beside the workspace's lock file.
    fn copy_of(example: &Path) -> Self {
        let outside = Self::new(&example.file_name().unwrap().to_string_lossy());
        copy(example, &outside.0);
        let runtime = root().join("buffer-runtime");
        let path = format!("path = '{}'", runtime.display());
        outside.replace("Cargo.toml", r#"path = "../../buffer-runtime""#, &path);
        fs::copy(root().join("Cargo.lock"), outside.0.join("Cargo.lock")).unwrap();
        outside
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let copied = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &copied) } else { fs::copy(&path, copied).map(|_| ()).unwrap() }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn examples() -> Vec<PathBuf> {
    let mut examples: Vec<_> = root().join("examples").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    examples.retain(|dir| dir.join("Cargo.toml").exists());
    assert!(examples.len() >= 7);
    examples
}

fn toml(path: impl AsRef<Path>) -> Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

#[test]
fn an_example_needs_its_path_mended_and_nothing_else() {
    for example in examples() {
        Outside::copy_of(&example).cargo(&["tree"]);
    }
}

#[test]
fn a_copied_example_builds() {
    let outside = Outside::copy_of(&root().join("examples").join("matrix"));
    outside.cargo(&["build"]);

    // A cell of a type whose feature is off.
    outside.replace("src/lib.rs", "data: ExportCell<Vec<f32>>", "data: ExportCell<std::path::PathBuf>");
    let words = outside.words();
    for name in ["bytes", "memmap2", "ndarray", "smallvec", "`features = [\"ndarray\"]`"] {
        assert!(words.contains(name), "{name}: {words}");
    }
    outside.replace("src/lib.rs", "data: ExportCell<std::path::PathBuf>", "data: ExportCell<Vec<f32>>");

    // An exporter builds without the default features. The error for a missing item names the feature that brings it.
    outside.replace("Cargo.toml", "buffer-runtime = { ", "buffer-runtime = { default-features = false, ");
    outside.cargo(&["check"]);
    outside.replace("src/lib.rs", "use buffer_runtime::", "use buffer_runtime::BufferView as _;\nuse buffer_runtime::");
    let words = outside.words();
    assert!(words.contains("`consumer` feature"), "{words}");
    outside.replace("src/lib.rs", "use buffer_runtime::BufferView as _;\n", "");
    let (typed, bytes) = ("shape = [_, self.ncols])]", "format = \"f\", shape = [_, self.ncols])]");
    outside.replace("src/lib.rs", typed, bytes);
    let words = outside.words();
    assert!(words.contains("the feature `format` of `buffer-runtime` is off"), "{words}");
    outside.replace("src/lib.rs", bytes, typed);
    let (plain, pickled) = ("#[derive(ExportBuffer)]", "#[derive(ExportBuffer)]\n#[buffer(pickle)]");
    outside.replace("src/lib.rs", plain, pickled);
    let words = outside.words();
    assert!(words.contains("the feature `pickle` of `buffer-runtime` is off"), "{words}");
    let errors = words.lines().filter(|line| line.starts_with("error"));
    assert_eq!(errors.count(), 2, "one, and that there was one: {words}");
    outside.replace("src/lib.rs", pickled, plain);
    outside.replace("Cargo.toml", "buffer-runtime = { default-features = false, ", "buffer-runtime = { ");

    // The runtime has another name, which is not passed to the derive.
    outside.replace("Cargo.toml", "buffer-runtime = { ", "buf = { package = \"buffer-runtime\", ");
    outside.replace("src/lib.rs", "use buffer_runtime::", "use buf::");
    let words = outside.words();
    assert!(words.contains("write `#[buffer(crate = \"buf\")]` above the struct"), "{words}");
    let errors = words.lines().filter(|line| line.starts_with("error"));
    assert_eq!(errors.count(), 2, "one, and that there was one: {words}");
    outside.replace("src/lib.rs", "#[derive(ExportBuffer)]", "#[derive(ExportBuffer)]\n#[buffer(crate = \"buf\")]");
    outside.cargo(&["check"]);
}

/// The manifests of the examples repeat what other members inherit from the workspace, because a copy has no workspace.
#[test]
fn examples_say_what_the_workspace_says() {
    let workspace = &toml(root().join("Cargo.toml"))["workspace"];
    for example in examples() {
        let name = example.display();
        let manifest = toml(example.join("Cargo.toml"));
        for key in ["edition", "license", "rust-version"] {
            assert_eq!(manifest["package"][key], workspace["package"][key], "{key} of {name}");
        }
        for section in ["dependencies", "build-dependencies"] {
            for (dependency, here) in manifest.get(section).and_then(Value::as_table).into_iter().flatten() {
                let Some(there) = workspace["dependencies"].get(dependency).filter(|_| dependency != "buffer-runtime")
                else {
                    continue;
                };
                let version = |it: &Value| it.get("version").unwrap_or(it).clone();
                let defaults = |it: &Value| it.get("default-features").cloned();
                assert_eq!(
                    (version(here), defaults(here)),
                    (version(there), defaults(there)),
                    "{dependency} of {name}"
                );
            }
        }
        let mut lints = workspace["lints"].as_table().unwrap().clone();
        // This lint is about the cfgs of the runtime alone.
        lints["rust"].as_table_mut().unwrap().remove("unexpected_cfgs").unwrap();
        assert_eq!(manifest["lints"].as_table(), Some(&lints), "lints of {name}");
    }
}

/// A copied example cannot share a file with the others, so each that needs this one has its own copy.
#[test]
fn the_copies_of_limits_are_equal() {
    let examples = examples();
    let path = |example: &PathBuf| example.join("src").join("limits.rs");
    let copies: Vec<PathBuf> = examples.iter().map(path).filter(|path| path.exists()).collect();
    assert!(copies.len() > 1);
    let text = |path: &PathBuf| fs::read_to_string(path).unwrap();
    for copy in &copies {
        assert_eq!(text(copy), text(&copies[0]), "{}", copy.display());
    }
}

/// The lock file of a new crate has the dependencies that every build of the two crates has, on any target, and their
/// own dependencies.
#[test]
fn users_lock_nothing_of_our_tests() {
    let user = Outside::new("user");
    let runtime = root().join("buffer-runtime");
    let manifest = format!(
        "[package]\nname = 'user'\nedition = '2024'\n[dependencies]\nbuffer-runtime.path = '{}'\n",
        runtime.display()
    );
    fs::write(user.0.join("Cargo.toml"), manifest).unwrap();
    fs::create_dir(user.0.join("src")).unwrap();
    fs::write(user.0.join("src").join("lib.rs"), "").unwrap();
    // The same versions as here.
    fs::copy(root().join("Cargo.lock"), user.0.join("Cargo.lock")).unwrap();
    user.cargo(&["tree"]);

    let lock = toml(user.0.join("Cargo.lock"));
    let packages: Vec<&Table> = lock["package"].as_array().unwrap().iter().filter_map(Value::as_table).collect();
    let name = |package: &Table| package["name"].as_str().unwrap().to_owned();
    let mut expected = BTreeSet::from(["user".to_owned()]);
    let mut next = vec!["buffer-runtime".to_owned()];
    while let Some(package) = next.pop() {
        if package.starts_with("buffer-") {
            let manifest = toml(root().join(&package).join("Cargo.toml"));
            let sections =
                ["dependencies", "build-dependencies"].into_iter().filter_map(|section| manifest.get(section));
            let all = sections.filter_map(Value::as_table).flatten();
            next.extend(all.filter(|(_, it)| it.get("optional").is_none()).map(|(name, _)| name.clone()));
        } else {
            let here = packages.iter().filter(|it| name(it) == package).filter_map(|it| it.get("dependencies"));
            let all = here.filter_map(Value::as_array).flatten().filter_map(Value::as_str);
            // If there are two versions of a package, the version follows the name.
            next.extend(
                all.filter_map(|it| it.split(' ').next()).map(str::to_owned).filter(|it| !expected.contains(it)),
            );
        }
        expected.insert(package);
    }
    let locked: BTreeSet<String> = packages.iter().map(|package| name(package)).collect();
    assert_eq!(locked, expected);
}
