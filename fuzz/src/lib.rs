//! What the fuzz targets do with an input. libFuzzer calls it by `fuzz_targets/`, and `cargo xtask test replay` by
//! `src/bin/replay.rs`, which needs neither a nightly toolchain nor cargo-fuzz.

mod consumer;
mod exporter;
mod format;

/// Every target by its name, which is that of its folder in `corpus/`.
pub const TARGETS: [(&str, fn(&[u8])); 3] = [("format", format), ("consumer", consumer), ("exporter", exporter)];

pub use consumer::run as consumer;
pub use exporter::run as exporter;
pub use format::run as format;
