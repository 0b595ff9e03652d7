//! Elements of other crates, a cargo feature each.

#[cfg(feature = "half")]
mod half;
#[cfg(feature = "num-complex")]
mod num_complex;
