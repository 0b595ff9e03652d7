//! Tensors for consumers of DLPack: torch, JAX, CuPy, MLX, pyarrow and others, some of which do not read buffers.
//!
//! Every class with a buffer of its own, and `Part`, get `__dlpack__` and `__dlpack_device__`. A tensor is made under a
//! view, which the lock admits like any other. The view is released before the consumer gets the tensor. By then the
//! cell's `Pin` counts the tensor, which holds the block and not the Python object.
//!
//! From the bottom up: `abi` has the structs of the protocol, and `dtype` the type of an item. `parcel` is what a
//! consumer gets: the struct, its numbers and its deleter, which only takes atomic steps. `request` reads the arguments
//! of `__dlpack__`, `export` answers them, and `methods` has the functions that Python calls. `refusal` says why there
//! is no tensor. `taken` is the other direction: tensors of other producers, for `view`.
//!
//! The structs are declared here: to maintain a dependency would be more work than these few lines. The tests compare
//! them with what numpy and other consumers read.

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
