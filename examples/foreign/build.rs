//! Compiles the C library.

fn main() {
    println!("cargo::rerun-if-changed=c");
    cc::Build::new().file("c/numbers.c").std("c11").compile("numbers");
}
