//! Elements and storages of other crates, a cargo feature each.

#[cfg(feature = "bytes")]
mod bytes;
#[cfg(feature = "half")]
mod half;
#[cfg(feature = "memmap2")]
mod memmap2;
#[cfg(feature = "ndarray")]
mod ndarray;
#[cfg(feature = "num-complex")]
mod num_complex;
#[cfg(feature = "smallvec")]
mod smallvec;
