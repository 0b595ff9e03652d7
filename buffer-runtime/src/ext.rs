//! Elements and storages of other crates, each behind a cargo feature.

#[cfg(feature = "aligned-vec")]
mod aligned_vec;
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
