//! The code that the fuzz targets run on an input. libFuzzer calls it through `fuzz_targets/`, and
//! `cargo xtask test replay` through `src/bin/replay.rs`, which needs neither a nightly toolchain nor cargo-fuzz.

mod arrival;
mod consumer;
mod exporter;
mod format;
mod tensor;

/// A target: its name, which is also that of its folder in `corpus/`, and the code that it runs on an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 5] =
    [("format", format), ("consumer", consumer), ("exporter", exporter), ("tensor", tensor), ("arrival", arrival)];

pub use arrival::run as arrival;
pub use consumer::run as consumer;
pub use exporter::run as exporter;
pub use format::run as format;
pub use tensor::run as tensor;
