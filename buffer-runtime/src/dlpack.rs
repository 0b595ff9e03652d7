//! Tensors for consumers of DLPack: torch, JAX, CuPy, MLX, pyarrow and others that do not read buffers, or not only.
//!
//! Every class of the derive, and `Part`, gets `__dlpack__` and `__dlpack_device__`. A tensor begins under a view, whose
//! lock admits it as any other. The view is released before the consumer gets the tensor, which is counted in the cell's
//! `Pin` from then on, and holds the block and not the Python object.
//!
//! From the bottom up: `abi` has the structs of the protocol, and `dtype` the type of an item. `parcel` is what a consumer
//! gets: the struct, its numbers and its deleter, which takes atomic steps alone. `request` reads the arguments of
//! `__dlpack__`, `export` answers them, and `methods` is what Python calls. `refusal` says why there is no tensor. `taken` is
//! the other direction: tensors of other producers, for `view`.
//!
//! The structs of the protocol are fewer lines than a dependency would need to be watched, and the tests compare them with
//! what numpy and other consumers read.

mod abi;
mod dtype;
mod export;
#[cfg(all(fuzzing, feature = "consumer"))]
pub mod fuzz;
mod methods;
mod parcel;
mod refusal;
mod request;
#[cfg(feature = "consumer")]
mod taken;
#[cfg(test)]
mod tests;

pub(crate) use self::methods::{device, method};
#[cfg(feature = "consumer")]
pub(crate) use self::taken::Taken;
