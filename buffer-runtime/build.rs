//! Tells the crate which Python it is built for, and fails the build where the crate cannot work.

use std::env;

use pyo3_build_config::{PythonAbiKind, PythonVersion};

const FIRST_STABLE_BUFFER: PythonVersion = PythonVersion { major: 3, minor: 11 };

fn main() {
    refuse_processors();
    // Without this call `cfg(Py_GIL_DISABLED)` never reaches this crate, and a free-threaded build would silently get
    // the lock that relies on the GIL.
    pyo3_build_config::use_pyo3_cfgs();

    let abi = pyo3_build_config::get().target_abi();
    if matches!(abi.kind(), PythonAbiKind::Stable(_)) && abi.version() < FIRST_STABLE_BUFFER {
        println!(
            "cargo::error=the stable ABI has the buffer protocol from CPython 3.11 on, but this build asks for abi3 of \
             {}.{}; select the feature `abi3-py311` (or later) of pyo3, or build without abi3",
            abi.version().major,
            abi.version().minor,
        );
    }

    // `--cfg buffer_atomic_lock` runs the free-threaded lock under an interpreter that has a GIL, for tests.
    println!("cargo::rustc-check-cfg=cfg(atomic_lock)");
    println!("cargo::rustc-check-cfg=cfg(buffer_atomic_lock)");
    let asked_for = |cfg| env::var_os(format!("CARGO_CFG_{cfg}")).is_some();
    if abi.kind().is_free_threaded() || asked_for("PY_GIL_DISABLED") || asked_for("BUFFER_ATOMIC_LOCK") {
        println!("cargo::rustc-cfg=atomic_lock");
    }
}

fn refuse_processors() {
    let target = |cfg| env::var(format!("CARGO_CFG_TARGET_{cfg}")).unwrap_or_default();
    if !target("HAS_ATOMIC").split(',').any(|bits| bits == "64") {
        println!(
            "cargo::error=views are counted in atomics of 64 bits, which this processor does not have; build for one that does"
        );
    }
    // The assembly reads addresses from whole registers of 64 bits.
    if target("ARCH") == "x86_64" && target("POINTER_WIDTH") == "32" {
        println!("cargo::error=x86-64 with pointers of 32 bits (x32) is not supported; build for x86_64 or i686");
    }
}
