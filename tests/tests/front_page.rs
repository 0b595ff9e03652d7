//! The front page of the runtime's documentation and the README show the crate that `cargo xtask new` writes; the front
//! page also shows every feature.

use std::fs;
use std::path::Path;

use toml::Table;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)).unwrap()
}

/// The front page without the comment markers.
fn front_page() -> String {
    let text = read("buffer-runtime/src/lib.rs");
    let lines = text.lines().filter_map(|line| line.strip_prefix("//!"));
    lines.map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned() + "\n").collect()
}

/// The content of the code blocks in this language, in order, without hidden lines.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let parts: Vec<&str> = page.split("```").collect();
    let inside = parts.iter().skip(1).step_by(2).filter_map(|part| part.split_once('\n'));
    let shown = |code: &str| code.split_inclusive('\n').filter(|line| !line.starts_with("# ")).collect();
    inside.filter(|(found, _)| *found == language).map(|(_, code)| shown(code)).collect()
}

#[test]
fn the_front_page_and_the_readme_show_the_template() {
    let template = |file: &str| {
        let text = read(&format!("xtask/template/{file}"));
        text.replace("NAME", "matrix").replace("RUNTIME", "../buffer/buffer-runtime")
    };
    let page = front_page();
    assert_eq!(blocks(&page, "toml"), [template("Cargo.toml"), template("pyproject.toml")]);
    assert_eq!(blocks(&page, ""), [template("src/lib.rs")]);
    let readme = read("README.md");
    assert_eq!(blocks(&readme, "toml"), [template("Cargo.toml"), template("pyproject.toml")]);
    assert_eq!(blocks(&readme, "rust"), [template("src/lib.rs")]);
}

#[test]
fn the_front_page_lists_the_features() {
    let manifest: Table = read("buffer-runtime/Cargo.toml").parse().unwrap();
    let features: Vec<&String> = manifest["features"].as_table().unwrap().keys().collect();
    assert!(features.len() >= 7);
    let page = front_page();
    let listed: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(listed, features, "sorted, as here");
}
