//! Compiles the locks for loom.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(atomic_lock)");
    println!("cargo::rustc-check-cfg=cfg(buffer_loom)");
    println!("cargo::rustc-cfg=buffer_loom");
}
